"""Files to values: the only reader of `cases/`. Reports all faults of all files at once.

Here: reading and checking. Not here: `prompts/` (`evals.load_personas`), or what is done with a case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from evals.case import Attachment, Case, Margins, Minimum, Suite
from evals.errors import Fault, InputError, raise_all
from evals.messages import detail
from evals.nearest import nearest, unknown
from evals.project import Project
from evals.schema import check, schema_text
from evals.yaml_file import Located, read_yaml
from graders.criterion import Criterion, Dimension, GraderRef, Kind, Sort
from graders.registry import BUILT_IN, Registry
from graders.text_check import check_faults, read_check

MAX_ATTACHMENT = 200_000


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A suite with whatever is wrong in its files. Values are only complete when there are no faults."""

    suite: Suite | None
    faults: tuple[Fault, ...]


def read_text(path: Path, shown: str) -> str:
    """A file's text. Raises InputError for one that is missing, not readable or not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise InputError(Fault(message="no such file", file=shown)) from None
    except UnicodeDecodeError as error:
        raise InputError(Fault(message=f"is not UTF-8 text (byte {error.start})", file=shown)) from None
    except OSError as error:
        raise InputError(Fault(message=f"cannot be read: {error.strerror}", file=shown)) from None


def suite_ids(project: Project) -> list[str]:
    """Ids of the suites in the project, sorted."""
    return sorted(path.parent.name for path in project.cases.glob("*/suite.yaml"))


def load_suite(project: Project, suite_id: str, registry: Registry | None = None) -> Suite:
    """A suite whose files are all sound. Raises InputError with every fault."""
    loaded = read_suite(project, suite_id, registry)
    raise_all(loaded.faults)
    assert loaded.suite is not None
    detail(f"read {project.shown(project.cases)}/{suite_id}: {len(loaded.suite.cases)} cases")
    return loaded.suite


def read_suite(project: Project, suite_id: str, registry: Registry | None = None) -> Loaded:
    """A suite and all its faults. With a registry, what the project's `evals.toml` names is not imported."""
    folder = project.cases / suite_id
    settings, faults = _read_settings(project, suite_id)
    cases: list[Case] = []
    try:
        registry = registry or _registry(project)
    except InputError as error:
        return Loaded(suite=None, faults=error.faults)
    for case_path in sorted(folder.glob("*.yaml")):
        if case_path.name != "suite.yaml":
            case, case_faults = read_case(project, case_path, registry)
            faults += case_faults
            cases += [case] if case else []
    if not cases and not faults:
        faults.append(Fault(message="the suite has no cases", file=project.shown(folder)))
    if faults or settings is None:
        return Loaded(suite=None, faults=tuple(faults))
    return Loaded(suite=replace(settings, cases=tuple(cases)), faults=())


def _registry(project: Project) -> Registry:
    """The graders that cases of the project may name: the house's, unless `evals.toml` names more."""
    if not (project.root / "evals.toml").is_file():
        return BUILT_IN
    from evals.extensions import registry_of

    return registry_of(project)


def load_settings(project: Project, suite_id: str) -> Suite:
    """A suite without its cases, for what does not look at them. Raises InputError with every fault of `suite.yaml`."""
    settings, faults = _read_settings(project, suite_id)
    raise_all(faults)
    assert settings is not None
    return settings


def _read_settings(project: Project, suite_id: str) -> tuple[Suite | None, list[Fault]]:
    path = project.cases / suite_id / "suite.yaml"
    if not path.is_file() or not re.fullmatch(r"[a-z0-9][a-z0-9-]*", suite_id):
        raise InputError(unknown("suite", suite_id, suite_ids(project), f" in {project.shown(project.cases)}/"))
    located, faults = _read(project, path, schema_text("suite.schema.json"))
    data: Any = located.data
    if faults or not isinstance(data, dict):
        return None, faults
    return Suite(
        id=suite_id,
        persona=data["persona"],
        max_tokens=data["max_tokens"],
        repeats=data["repeats"],
        model=data["model"],
        judge=data["judge"],
        unscored_limit=data.get("unscored_limit", 0.05),
        cases=(),
        margins=Margins(**data.get("margins", {})),
        minimum=_minimum(data),
        votes=data.get("votes", 1),
    ), []


def _read(project: Project, path: Path, schema: str) -> tuple[Located, list[Fault]]:
    shown = project.shown(path)
    try:
        located, faults = read_yaml(read_text(path, shown), shown)
    except InputError as error:
        return Located(file=shown, data=None), list(error.faults)
    if located.data is not None:
        faults += check(located, schema)
    return located, faults


def read_case(project: Project, path: Path, registry: Registry = BUILT_IN) -> tuple[Case | None, list[Fault]]:
    """A case, or None with everything that is wrong in its file and folder. Its graders are looked up in the registry."""
    located, faults = _read(project, path, schema_text("case.schema.json"))
    data: Any = located.data
    if not isinstance(data, dict):
        return None, faults
    faults += [*_case_faults(located, data, path, registry), *([] if faults else _text_faults(located, data))]
    attachments: list[Attachment] = []
    names = data.get("attachments")
    for number, name in enumerate(names if isinstance(names, list) else []):
        try:
            attachments.append(_attachment(path.with_suffix(""), name))
        except InputError as error:
            faults.append(located.fault(("attachments", number), str(error)))
    if faults:
        return None, faults
    criteria = tuple(_criterion(item) for item in data["criteria"])
    return Case(
        id=data["id"],
        version=data["version"],
        family=data["family"],
        title=data["title"],
        message=data["message"],
        attachments=tuple(attachments),
        files=tuple(data.get("files", ())),
        criteria=criteria,
        minimum=_minimum(data),
        registry=None if registry is BUILT_IN else registry,
    ), []


def _minimum(data: dict[str, Any]) -> Minimum:
    return tuple(sorted((Dimension(name), float(least)) for name, least in data.get("minimum", {}).items()))


def _minimum_faults(located: Located, data: dict[str, Any]) -> Iterator[Fault]:
    """A least score in a dimension that the case does not ask about could never be met."""
    stated, criteria = data.get("minimum"), data.get("criteria")
    asked = {str(c.get("dimension")) for c in criteria if isinstance(c, dict)} if isinstance(criteria, list) else set()
    for name in stated if isinstance(stated, dict) else ():
        if name not in asked:
            yield located.fault(("minimum", name), f"no criterion of the case is of {name}{nearest(name, asked)}")


def _case_faults(located: Located, data: dict[str, Any], path: Path, registry: Registry) -> Iterator[Fault]:
    """What the schema cannot say: names that must agree, ids that must be unique, graders in their order."""
    if data.get("id") != path.stem:
        yield located.fault(("id",), f"must be {path.stem!r}, as the file's name says")
    yield from _minimum_faults(located, data)
    criteria = data.get("criteria")
    seen: set[str] = set()
    for number, item in enumerate(criteria if isinstance(criteria, list) else []):
        if not isinstance(item, dict):
            continue
        where = ("criteria", number)
        if item.get("id") in seen:
            yield located.fault((*where, "id"), f"the id {item['id']!r} stands here twice")
        seen.add(str(item.get("id")))
        yield from _grader_faults(located, where, item, data, registry)


def _grader_faults(
    located: Located, where: tuple[str | int, ...], criterion: dict[str, Any], data: dict[str, Any], registry: Registry
) -> Iterator[Fault]:
    listed = criterion.get("graders")
    graders = [item for item in listed if item == "judge" or isinstance(item, dict)] if isinstance(listed, list) else []
    yield from (located.fault((*where, "graders"), message) for message in _order_faults(graders, criterion))
    for number, item in enumerate(graders):
        if item == "judge":
            continue
        yield from _unknown_graders(located, (*where, "graders", number), item, registry)
        file = item.get("file")
        if file is not None and file not in (data.get("files") or []):
            yield located.fault((*where, "graders", number, "file"), f"{file!r} is not among the case's `files`")


def _unknown_graders(
    located: Located, at: tuple[str | int, ...], item: dict[str, Any], registry: Registry
) -> Iterator[Fault]:
    for kind, known in (("rules", registry.rules), ("attacks", registry.attacks)):
        names = item.get(kind)
        for position, name in enumerate(names if isinstance(names, list) else []):
            if isinstance(name, str) and name not in known:
                message = f"no {kind.removesuffix('s')} {name!r}{nearest(name, known)}"
                yield located.fault((*at, kind, position), message)


def _text_faults(located: Located, data: dict[str, Any]) -> Iterator[Fault]:
    """What is wrong with checks of the text in a case that its schema approves."""
    for number, criterion in enumerate(data["criteria"]):
        for place, grader in enumerate(criterion["graders"]):
            if isinstance(grader, dict) and "text" in grader:
                at = ("criteria", number, "graders", place, "text")
                yield from (located.fault(at, message) for message in check_faults(read_check(grader["text"])))


TRUSTED_FIRST = ["attacks", "rules", "judge"]


def _order_faults(graders: list[Any], criterion: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a list of graders as a whole."""
    kinds = ["judge" if item == "judge" else "attacks" if "attacks" in item else "rules" for item in graders]
    if kinds != sorted(kinds, key=TRUSTED_FIRST.index):
        yield "the most trusted grader comes first: attacks, then rules, then the judge"
    if kinds.count("judge") > 1:
        yield "the judge is listed twice"
    if kinds.count("attacks") > 1:
        yield "attacks stand here twice; put them into one list"
    if kinds == ["attacks"] and not criterion.get("must"):
        yield "where nothing can be executed, attacks leave a gap; name a lesser grader too, or make it a `must`"
    if graders and graders[-1] != "judge" and graders[-1].get("veto"):
        yield "rules with `veto` can only fail; name a grader after them that can pass"


def _attachment(folder: Path, name: object) -> Attachment:
    """One attachment. Links are refused: a case must not bring in files from outside its folder."""
    path = folder / str(name)
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", str(name)) or path.is_symlink() or folder.is_symlink():
        message = f"{name!r} must be a plain file in {folder.name}/"
        raise InputError(message)
    if not path.is_file():
        message = f"there is no {folder.name}/{name}"
        raise InputError(message)
    if path.stat().st_size > MAX_ATTACHMENT:
        message = f"{folder.name}/{name} is larger than {MAX_ATTACHMENT:,} bytes"
        raise InputError(message)
    return Attachment(name=str(name), text=read_text(path, f"{folder.name}/{name}").replace("\r\n", "\n"))


def _criterion(item: dict[str, Any]) -> Criterion:
    return Criterion(
        id=item["id"],
        dimension=Dimension(item["dimension"]),
        sort=Sort(item["sort"]),
        points=item["points"],
        statement=item["statement"].strip(),
        guidance=item["guidance"].strip(),
        covers=tuple(item["covers"]),
        graders=tuple(_grader(entry) for entry in item["graders"]),
        must=item.get("must", False),
    )


def _grader(entry: Any) -> GraderRef:
    if entry == "judge":
        return GraderRef(kind=Kind.JUDGE)
    if "text" in entry:
        return GraderRef(kind=Kind.RULE, text=read_check(entry["text"]), file=entry.get("file"))
    if "attacks" in entry:
        return GraderRef(kind=Kind.EXECUTION, attacks=tuple(entry["attacks"]))
    return GraderRef(kind=Kind.RULE, rules=tuple(entry["rules"]), file=entry.get("file"), veto=entry.get("veto", False))


def select_cases(suite: Suite, pattern: str | None) -> tuple[Case, ...]:
    """The cases whose id matches a glob. Raises InputError when none does."""
    cases = tuple(case for case in suite.cases if pattern is None or fnmatchcase(case.id, pattern))
    if not cases:
        raise InputError(
            f"no case of suite `{suite.id}` matches {pattern!r}{nearest(str(pattern), [c.id for c in suite.cases])}"
        )
    return cases
