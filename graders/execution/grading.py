"""What attacks decide of a criterion: one failed attack fails it, all decided pass it, a gap leaves it unscored.

Here: from an answer to the files that run, and from outcomes to grades. Not here: any attack.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from graders.answer import Answer
from graders.criterion import Criterion, Evidence, Grade, Kind, Status
from graders.execution.attack import Attack, Outcome, Suite
from graders.execution.box import BoxError
from graders.task import Task

EXECUTION_VERSION = 1
"""Raised when boxes or runtimes change so that the same attack may end otherwise."""
MAX_EVIDENCE = 16
"""Lines of transcript that a grade keeps."""


def attacks_of(criterion: Criterion) -> tuple[str, ...]:
    """Ids of the attacks that decide a criterion together; empty when none does."""
    return tuple(attack for ref in criterion.graders for attack in ref.attacks or ())


def files_of(answer: Answer, task: Task, suite: Suite) -> dict[str, str]:
    """The files that a suite runs: the answer's own, and the user's where the contract lets them stay as they are."""
    kept = {name: text for name, text in task.attachments if name in suite.files and name not in task.files}
    found = {name: block.text for name in suite.files if (block := answer.file(name)) is not None and block.full}
    return {**kept, **found}


def grade_attacks(
    criteria: Sequence[Criterion], answer: Answer, task: Task, suites: Sequence[Suite]
) -> Iterator[Grade]:
    """Run every listed attack on an answer; one grade for each criterion that lists any, in order."""
    wanted = {attack for criterion in criteria for attack in attacks_of(criterion)}
    outcomes: dict[str, Outcome] = {}
    known: dict[str, Attack] = {}
    for suite in suites:
        mine = {attack.id: attack for attack in suite.attacks if attack.id in wanted}
        if mine:
            known |= mine
            outcomes |= _attacked(suite, files_of(answer, task, suite), mine)
    for criterion in criteria:
        attacks = attacks_of(criterion)
        if attacks:
            yield _grade(criterion, [known[name] for name in attacks], [outcomes[name] for name in attacks])


def _attacked(suite: Suite, files: Mapping[str, str], wanted: Collection[str]) -> dict[str, Outcome]:
    """Outcomes of one suite; when no box can be had, every one is unscored with the reason."""
    try:
        found = suite.run(files, wanted)
    except BoxError as error:
        found = {}
        gap = Outcome(status=Status.UNSCORED, reason=f"could not be executed here: {error}")
    except Exception as error:
        if getattr(suite.run, "__module__", "").startswith("graders."):
            raise
        found = {}
        gap = Outcome(status=Status.UNSCORED, reason=f"the attacks failed: {type(error).__name__}: {error}"[:300])
    else:
        gap = Outcome(status=Status.UNSCORED, reason="the attack ended without an outcome")
    return {name: found.get(name, gap) for name in wanted}


def _grade(criterion: Criterion, attacks: Sequence[Attack], outcomes: Sequence[Outcome]) -> Grade:
    status = combined([outcome.status for outcome in outcomes])
    telling = [(attack, outcome) for attack, outcome in zip(attacks, outcomes, strict=True) if outcome.status is status]
    lines = [f"{attack.id}: {line}" for attack, outcome in telling for line in outcome.transcript]
    return Grade(
        criterion=criterion.id,
        status=status,
        kind=Kind.EXECUTION,
        grader=grader_id(attacks),
        version=attacks_version(attacks),
        evidence=tuple(Evidence(quote=line) for line in lines[:MAX_EVIDENCE]),
        reason="; ".join(f"{attack.id}: {outcome.reason}" for attack, outcome in telling),
    )


def combined(statuses: Sequence[Status]) -> Status:
    """One failure decides; a gap hides nothing good; what does not apply is left out.

    >>> combined([Status.PASS, Status.NOT_APPLICABLE]).value, combined([Status.PASS, Status.UNSCORED]).value
    ('pass', 'unscored')
    """
    for status in (Status.FAIL, Status.UNSCORED, Status.PASS):
        if status in statuses:
            return status
    return Status.NOT_APPLICABLE


def grader_id(attacks: Sequence[Attack]) -> str:
    return "+".join(attack.id for attack in attacks)


def attacks_version(attacks: Sequence[Attack]) -> str:
    """Versions of the boxes and of each attack; grades of another version are other grades."""
    return f"box-{EXECUTION_VERSION}/{'+'.join(str(attack.version) for attack in attacks)}"
