"""What an import makes: cases, the files of a project around them, and a list of what could not be carried over.

Here: the values, names and files. Not here: any other tool's format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evals.canonical import Json
from evals.errors import Fault, InputError
from evals.load import read_text
from evals.new_project import suite_text
from evals.project import Project
from evals.schema import check, schema_text
from evals.slug import slug
from evals.yaml_file import read_yaml, yaml_text
from graders.criterion import Dimension
from graders.text_check import TextCheck, check_faults, check_json

MAX_CASES = 1000
"""Cases of one import; a matrix of variables can unfold to any number."""
PLACEHOLDER = (
    "This text stands in for an answer, so that the case can be tried before any model is asked. No model wrote it.\n"
)
NO_PERSONA = "---\nname: {name}\ndescription: No persona, as the imported prompts had none. The model answers with its own habits.\n---\n"


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Something that was not carried over."""

    where: str
    """Place in the other tool's file: `tests[0].assert[2]`."""
    what: str
    why: str
    """The reason, and what to do instead where there is something."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One criterion in the making: a check of the text, or a rubric for the judge."""

    decides: TextCheck | str
    weight: float = 1.0
    dimension: Dimension | None = None


@dataclass(frozen=True, kw_only=True)
class ImportedCase:
    """One case in the making."""

    name: str
    """Becomes the id."""
    title: str
    message: str
    checks: tuple[Check, ...]
    family: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Import:
    """Everything that was read."""

    cases: tuple[ImportedCase, ...]
    left_out: tuple[LeftOut, ...]
    systems: tuple[str, ...] = ()
    """System prompts, each a revision of the persona."""


def case_json(case: ImportedCase, case_id: str, dimension: Dimension) -> dict[str, Json]:
    """The content of a case file."""
    criteria: list[Json] = []
    for number, one in enumerate(case.checks, 1):
        text = isinstance(one.decides, TextCheck)
        kind = one.decides.grader.removeprefix("text-") if isinstance(one.decides, TextCheck) else "rubric"
        criteria.append(
            {
                "id": f"{kind}-{number}",
                "dimension": (one.dimension or dimension).value,
                "sort": "tripwire" if text else "depth",
                "points": max(1, min(10, round(one.weight))),
                **_worded(one.decides),
                "covers": [],
                "graders": [{"text": check_json(one.decides)} if isinstance(one.decides, TextCheck) else "judge"],
            }
        )
    return {
        "id": case_id,
        "version": 1,
        "family": case.family or case_id,
        "title": _line(case.title or case_id, 120),
        "message": case.message,
        "criteria": criteria,
    }


def _worded(decides: TextCheck | str) -> dict[str, Json]:
    if isinstance(decides, TextCheck):
        return {"statement": f"The answer {decides.words}.", "guidance": "Pass: it does. Fail: it does not."}
    statement = f"The answer meets this rubric: {_line(decides, 440)}"
    return {
        "statement": statement,
        "guidance": f"Pass: the answer meets the rubric. Fail: it does not.\n\n{decides.strip()}\n",
    }


def _line(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def case_files(
    found: Import, project: Project, suite: str, source: str, dimension: Dimension
) -> tuple[dict[str, str], list[LeftOut]]:
    """Path and text of each case with the texts that stand in for its answer, and the cases that no file can hold."""
    files: dict[str, str] = {}
    left_out: list[LeftOut] = []
    taken = {"suite"}  # the file of that name is the suite's own
    head = f"# yaml-language-server: $schema=../case.schema.json\n# made by `evals import` of {_line(source, 200)}\n"
    for case in found.cases:
        case_id = _free(slug(case.name) or "case", taken)
        data = case_json(case, case_id, dimension)
        text = head + yaml_text(data)
        faults = _faults(text)
        if faults:
            left_out.append(
                LeftOut(where=case.where, what="the whole test", why=f"no case file can hold it: {faults[0]}")
            )
            continue
        taken.add(case_id)
        files[f"cases/{suite}/{case_id}.yaml"] = text
        files |= dict(_scripts(f"scripted/{suite}/{case_id}", data))
    return {**project_files(found, project, suite), **files}, left_out


def _free(name: str, taken: set[str]) -> str:
    return next(n for n in (name, *(f"{name}-{number}" for number in range(2, MAX_CASES + 2))) if n not in taken)


def _faults(text: str) -> list[str]:
    located, faults = read_yaml(text, "")
    faults += check(located, schema_text("case.schema.json")) if located.data is not None else []
    return [str(fault) for fault in faults]


def _scripts(folder: str, data: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    yield f"{folder}/answer.md", PLACEHOLDER
    reply = {"reason": "Written by hand, no judge was asked.", "quotes": ["No model wrote it."], "verdict": "fail"}
    criteria = data["criteria"]
    assert isinstance(criteria, list)
    for criterion in criteria:
        if isinstance(criterion, dict) and criterion["graders"] == ["judge"]:
            yield f"{folder}/judge/{criterion['id']}.json", json.dumps(reply, indent=1) + "\n"


def project_files(found: Import, project: Project, suite: str) -> dict[str, str]:
    """What a suite needs besides its cases, as far as it is not there."""
    files = {}
    if not (project.cases / suite / "suite.yaml").exists():
        files[f"cases/{suite}/suite.yaml"] = suite_text(suite)
        if not (project.prompts / suite).exists():
            files |= dict(_revisions(found.systems, suite))
    if not (project.cases / "case.schema.json").exists():
        files["cases/case.schema.json"] = schema_text("case.schema.json")
    return files


def _revisions(systems: Iterable[str], suite: str) -> Iterator[tuple[str, str]]:
    header = f"---\nname: {suite}\ndescription: A system prompt, imported.\n---\n\n"
    texts = [header + system.strip() + "\n" for system in systems]
    if not texts:
        yield f"prompts/{suite}/0000-no-persona.md", NO_PERSONA.format(name=suite)
    for number, text in enumerate(texts, 1):
        yield f"prompts/{suite}/{number:04}-imported.md", text


def usable(decides: TextCheck) -> str | None:
    """Why a check cannot be carried out here; None when it can."""
    return next(iter(check_faults(decides)), None)


def inside(folder: Path, path: Path, shown: str) -> bool:
    """Whether a path, with links followed, lies in a folder. Raises InputError for what is no path at all."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle; a zero or half a character in the name
        raise InputError(Fault(message="is no name of a file", file=shown)) from None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # reading it will say what is wrong


def text_inside(folder: Path, name: str, most: int = 2_000_000) -> str:
    """A file that other files name, as long as it lies in their folder. Raises InputError."""
    path = folder / name
    if not inside(folder, path, name):
        raise InputError(Fault(message="lies outside the folder of the configuration, and is not read", file=name))
    if _size(path) > most:
        raise InputError(Fault(message=f"is larger than {most:,} bytes", file=name))
    return read_text(path, name)


def expression(pattern: str) -> str:
    """JavaScript's spelling of a code point as RE2's.

    >>> expression(r"caf\\u00e9")
    'caf\\\\x{00e9}'
    """
    return re.sub(r"\\u\{?([0-9A-Fa-f]{4,6})\}?", r"\\x{\1}", pattern)
