"""What a step of GitHub Actions says: a summary of the step, and annotations.

Here: their form and limits. Not here: the Markdown itself (`markdown`), comments on pull requests (a workflow's work).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from evals.comparison import Comparison, Verdict
from evals.context import Context
from evals.errors import InputError
from evals.report.flips import carriers, share, speaking
from evals.report.markdown import SUMMARY_LIMIT, comparison_markdown
from evals.report.safe import comment, plain
from evals.report.tables import side_by_side
from evals.scorecard import Scorecard

Level = Literal["error", "warning", "notice"]
SHOWN = 10
"""Annotations of one level that GitHub shows for a step; it drops the rest without a word."""
SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"

LEVELS: Mapping[Verdict, Level] = {
    Verdict.REGRESSED: "error",
    Verdict.NOT_COMPARABLE: "error",
    Verdict.TOO_LITTLE_SCORED: "error",
    Verdict.INCONCLUSIVE: "warning",
    Verdict.NOT_WORSE: "notice",
    Verdict.IMPROVED: "notice",
}


def annotation(level: Level, message: str, *, title: str = "", file: str = "") -> str:
    """One workflow command. Nothing in its parts can end it, add a property, or begin another command.

    >>> annotation("error", "50 %\\n::warning::x", title="a,b: c", file="p.md")
    '::error title=a%2Cb%3A c,file=p.md::50 %25 : :warning::x'
    """
    given = [(name, text) for name, text in (("title", title), ("file", file)) if text]
    properties = ",".join(f"{name}={_property(text)}" for name, text in given)
    return f"::{level}{f' {properties}' if properties else ''}::{_data(message)}"


def _data(text: str) -> str:
    return plain(text, 2_000).replace("%", "%25")


def _property(text: str) -> str:
    return plain(text, 300).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def annotate(comparison: Comparison, context: Context) -> list[str]:
    """The verdict, then what it rests on: broken musts, and where to look. At most as many as are shown."""
    file = _file(context)
    level = LEVELS[comparison.verdict]
    first = annotation(level, comparison.sentence, title=f"evals: {comparison.verdict.value}", file=file)
    rest = [annotation("error", message, title=title, file=file) for title, message in _grounds(comparison)]
    room = SHOWN - 1
    if len(rest) > room:
        more = annotation("error", f"and {len(rest) - room + 1} more; the step's summary has them", file=file)
        rest = [*rest[: room - 1], more]
    return [first, *rest]


def _grounds(comparison: Comparison) -> Iterator[tuple[str, str]]:
    for must in comparison.musts:
        yield f"{must.case}/{must.criterion}", f"a must that the base always met fails in {must.fails} of {must.scored}"
    musts = {(must.case, must.criterion) for must in comparison.musts}
    for flip in carriers(comparison):
        if (flip.case, flip.criterion.id) not in musts:
            grade = speaking(flip, "candidate")
            reason = f": {grade.reason}" if grade and grade.reason else ""
            yield f"{flip.case}/{flip.criterion.id}", f"{share(flip.base)} → {share(flip.candidate)}{reason}"


def _file(context: Context) -> str:
    """The candidate's own file, where it is one of the working tree."""
    source = context.candidate_persona.source if context.candidate_persona else ""
    inside = source and not source.startswith(("/", "..")) and "@" not in source
    return source if inside else ""


def summarise(comparison: Comparison, context: Context, environment: Mapping[str, str]) -> None:
    """Append a comparison to the step's summary. Raises InputError where there is none to append to."""
    path, room = _summary(environment)
    try:
        text = comparison_markdown(comparison, context, limit=room)
    except ValueError:
        text = comment(comparison.sentence, 300) + "\n"
    _append(path, text)


def summarise_run(cards: Sequence[Scorecard], environment: Mapping[str, str]) -> None:
    """Append the scores of a run. Raises InputError where there is no summary to append to."""
    path, _ = _summary(environment)
    head = cards[0].header
    title = comment(f"{head.suite}: {head.persona}, model {head.model}", 300)
    _append(path, f"### {title}\n\n{side_by_side(cards, markdown=True)}\n")


def _summary(environment: Mapping[str, str]) -> tuple[Path, int]:
    """The file, and how many bytes fit into it yet."""
    name = environment.get(SUMMARY_VARIABLE, "")
    if not name:
        message = (
            f"--github writes to the file that {SUMMARY_VARIABLE} names, and it names none; leave it out elsewhere"
        )
        raise InputError(message)
    path = Path(name)
    used = path.stat().st_size if path.is_file() else 0
    return path, SUMMARY_LIMIT - used - 2


def _append(path: Path, text: str) -> None:
    """GitHub drops a summary that is too large as a whole, so what no longer fits is not written."""
    _, room = _summary({SUMMARY_VARIABLE: str(path)})
    if len(text.encode()) > room:
        return
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(f"{text}\n")
    except OSError as error:
        raise InputError(f"the step's summary cannot be written ({error})") from None
