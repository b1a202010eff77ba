"""Do a rule's own examples come out as they are meant to? A rule that cannot fail is a defect, whoever wrote it.

Not here: any rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from graders.answer import read_answer
from graders.rules.rule import Rule, Site
from graders.rules.source import Source, run_tools
from graders.task import NO_TASK


def example_faults(rule: Rule) -> Iterator[str]:
    """What is wrong: a bad example that is not found, a good one that is, or no example that can pass. None: it is sound."""
    try:
        bad = [list(_sites(rule, text)) for text in rule.BAD]
        good = [list(_sites(rule, text)) for text in rule.GOOD]
    except Exception as error:  # noqa: BLE001 - a rule of somebody else's may raise anything
        yield f"its check fails on its own examples: {type(error).__name__}: {error}"[:300]
        return
    for name, examples, wrong in (("BAD", bad, "no bad site is found"), ("GOOD", good, "a bad site is found")):
        for number, sites in enumerate(examples, 1):
            if any(not site.ok for site in sites) is (name == "GOOD"):
                yield f"{wrong} in example {number} of {name}"
    if not any(site.ok for sites in good for site in sites):
        yield "no example of GOOD gives a good site, so it can never pass anything"


def _sites(rule: Rule, text: str) -> Iterator[Site]:
    task = getattr(rule, "example_task", NO_TASK)
    answer = read_answer(text, task) if rule.languages[0] == "markdown" else None
    source = Source(text=answer.text if answer else text, language=rule.languages[0], answer=answer, task=task)
    run_tools([source], frozenset(rule.tools))
    return rule.check(source)
