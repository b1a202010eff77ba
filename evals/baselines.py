"""`results/baselines.json`: which scorecard each suite is measured against, who said so, and why.

Here: the value, its file, and the proof that the scorecard is still the blessed one. Not here: comparing. The time of a
blessing is not kept: the commit of the file has it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from evals.canonical import digest
from evals.errors import Fault, InputError
from evals.project import Project
from evals.schema import errors_of, schema_text
from evals.whole_file import write_whole

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """A blessed scorecard."""

    scorecard: str
    """Path below the project, with forward slashes."""
    digest: str
    """Of the scorecard's text."""
    grades_digest: str
    """Of the text of its grades."""
    persona: str
    revision: str
    persona_digest: str
    commit: str | None
    """The commit that holds exactly these files; None where they were not committed when they were blessed."""
    by: str
    """Who blessed it, as git knows them."""
    reason: str


def baselines_path(project: Project) -> Path:
    return project.results / "baselines.json"


def read_baselines(project: Project) -> dict[str, Baseline]:
    """The baseline of each suite; empty without a file. Raises InputError with everything that is wrong in it."""
    path = baselines_path(project)
    shown = project.shown(path)
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            Fault(message=f"is not readable JSON ({error}); restore it from git, or bless again", file=shown)
        ) from None
    wrong = errors_of(data, schema_text("baselines.schema.json"))
    if wrong:
        raise InputError(*[Fault(message=message, file=shown) for message in wrong])
    return {suite: Baseline(**row) for suite, row in data["baselines"].items()}


def write_baselines(project: Project, baselines: dict[str, Baseline]) -> None:
    data = {"format": FORMAT, "baselines": {suite: asdict(baseline) for suite, baseline in baselines.items()}}
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    write_whole(baselines_path(project), text)


def grades_path(card: Path) -> Path:
    return card.with_name(card.name.removesuffix(".jsonl") + ".grades.jsonl")


def text_digests(card: Path) -> tuple[str, str]:
    """Digests of a scorecard's text and of its grades'. Raises InputError where one cannot be read."""
    try:
        one, other = (digest(path.read_text(encoding="utf-8")) for path in (card, grades_path(card)))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the scorecard cannot be read: {error}") from None
    return one, other


def faults_of(project: Project, suite: str, baseline: Baseline) -> list[Fault]:
    """Why a baseline cannot be used; empty when its files are as they were blessed."""
    shown = project.shown(baselines_path(project))
    path = project.root / baseline.scorecard
    if not _inside(project, path):
        return [Fault(message=f"the baseline of `{suite}` lies outside the project ({baseline.scorecard})", file=shown)]
    if not path.is_file() or not grades_path(path).is_file():
        message = f"the baseline of `{suite}` is gone ({baseline.scorecard}); restore it from git, or bless another"
        return [Fault(message=message, file=shown)]
    if text_digests(path) != (baseline.digest, baseline.grades_digest):
        when = f" at commit {baseline.commit[:12]}" if baseline.commit else ""
        message = (
            f"{baseline.scorecard} is not the scorecard that {baseline.by} blessed{when}: it has changed since; "
            f"restore it from git, or look at the change and bless it again"
        )
        return [Fault(message=message, file=shown)]
    return []


def _inside(project: Project, path: Path) -> bool:
    return path.resolve().is_relative_to(project.root.resolve())
