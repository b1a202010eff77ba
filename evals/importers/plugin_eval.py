"""Cases of `claude plugin eval` as cases: prompt, and the graders that look at the final message.

Those cases run an agent with tools; a case here has one answer. So what looks at tools, files or the trace is left out,
and said. Here: reading a folder of them. Not here: files of a project (`evals.importers.imported`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evals.errors import Fault, InputError, raise_all
from evals.importers.imported import MAX_CASES, Check, Import, ImportedCase, LeftOut, expression, inside, usable
from evals.load import read_text
from evals.slug import slug
from evals.yaml_file import read_yaml
from graders.text_check import TextCheck, TextOp

HEADER = re.compile(r"---[ \t]*\n(.*?\n)?---[ \t]*(?:\n|\Z)(.*)", re.DOTALL)
SKIPPED = {"results", "mocks", "graders", "node_modules", ".git"}
WHY = {
    "tool_used": "looks at tool calls, and an answer here calls none",
    "tool_order": "looks at tool calls, and an answer here calls none",
    "file_exists": "looks at files that the agent made, and an answer here is text",
    "baseline": "compares with a recorded transcript; write what it must meet as a rubric",
}
FIELDS = {
    "allowed_tools": "an answer here uses no tools",
    "append_system_prompt": "the system prompt is the persona; add it there",
    "env": "an answer here has no environment",
    "model": "see suite.yaml and --model",
    "context": "a workspace, a history or folders to read; put what matters into the message or attachments",
    "plugins": "no plugin is loaded; the persona is what is tested",
    "runs": "see `repeats` in suite.yaml",
}
QUIET = {
    "schema_version",
    "name",
    "description",
    "expected_outcome",
    "tags",
    "max_turns",
    "timeout_seconds",
    "graders",
    "execution",
    "prompt",
}
"""Fields that are carried over, or that say nothing about an answer."""


def read_plugin_eval(folder: Path) -> Import:
    """The cases of a plugin, of its folder of evals, or of one case. Raises InputError where there is none."""
    if not folder.is_dir():
        raise InputError(Fault(message="no such folder", file=str(folder)))
    start = folder / "evals" if (folder / "evals").is_dir() and not _is_case(folder) else folder
    _refuse_outside(folder, start, "evals")
    places = list(_cases(start))[: MAX_CASES + 1]
    if not places:
        message = "no case here: a folder with `prompt.md` or `case.yaml`, at best below `evals/`"
        raise InputError(Fault(message=message, file=str(folder)))
    if len(places) > MAX_CASES:
        raise InputError(Fault(message=f"more than {MAX_CASES:,} cases", file=str(folder)))
    cases: list[ImportedCase] = []
    left_out: list[LeftOut] = []
    for place in places:
        where = place.relative_to(folder).as_posix() if place != folder else place.name
        found = _read(folder, place, where, left_out)
        cases += [found] if found else []
    if (start / "mocks").is_dir():
        left_out.append(LeftOut(where="mocks", what="mocked servers", why="an answer here calls no server"))
    return Import(cases=tuple(cases), left_out=tuple(left_out))


def _is_case(folder: Path) -> bool:
    return (folder / "prompt.md").is_file() or (folder / "case.yaml").is_file()


def _cases(folder: Path) -> Iterator[Path]:
    """Folders of cases, in order; what lies in a case belongs to it. Links are not followed."""
    if _is_case(folder):
        yield folder
        return
    for place in sorted(folder.iterdir()):
        if place.is_dir() and not place.is_symlink() and place.name not in SKIPPED:
            yield from _cases(place)


def _refuse_outside(plugin: Path, path: Path, shown: str) -> None:
    if not inside(plugin, path, shown):
        raise InputError(Fault(message="leads outside the plugin's folder, and is not read", file=shown))


def _text(plugin: Path, path: Path, shown: str) -> str:
    """A file's text. Raises InputError for links that lead out of the plugin."""
    _refuse_outside(plugin, path, shown)
    return read_text(path, shown)


def _file(plugin: Path, path: Path) -> tuple[dict[str, Any], str]:
    """Header and body of a Markdown file. Raises InputError with the line."""
    text = _text(plugin, path, str(path)).removeprefix("\ufeff").replace("\r\n", "\n")
    found = HEADER.match(text)
    if not found or not (found[1] or "").strip():
        return {}, found[2] if found else text
    located, faults = read_yaml("\n" + found[1], str(path), foreign=True)  # the fence is the first line
    raise_all(faults)
    if not isinstance(located.data, dict):
        raise InputError(Fault(message="the header is no mapping", file=str(path), line=2))
    return located.data, found[2]


def _read(plugin: Path, place: Path, where: str, left_out: list[LeftOut]) -> ImportedCase | None:
    data: dict[str, Any] = {}
    prompt = ""
    if (place / "case.yaml").is_file():
        shown = f"{where}/case.yaml"
        located, faults = read_yaml(_text(plugin, place / "case.yaml", shown), shown, foreign=True)
        raise_all(faults)
        data = located.data if isinstance(located.data, dict) else {}
        execution = data.get("execution")
        data |= execution if isinstance(execution, dict) else {}
        prompt = str(data.get("prompt", ""))
    listed = data.get("graders")
    graders = [
        (f"{where}/case.yaml graders[{n}]", g)
        for n, g in enumerate(listed if isinstance(listed, list) else [])
        if isinstance(g, dict)
    ]
    if (place / "prompt.md").is_file():
        header, prompt = _file(plugin, place / "prompt.md")
        data |= header
    for path in sorted((place / "graders").glob("*.md")):
        header, body = _file(plugin, path)
        graders.append((f"{where}/graders/{path.name}", {"_body": body.strip(), "name": path.stem, **header}))
    left_out += [
        LeftOut(where=f"{where}: {key}", what=key, why=FIELDS.get(key, "no counterpart"))
        for key in data
        if key not in QUIET
    ]
    checks: list[Check] = []
    for at, grader in graders:
        found = _grader(grader)
        if isinstance(found, Check):
            checks.append(found)
        else:
            left_out.append(LeftOut(where=at, what=str(grader.get("type")), why=found))
    if not checks or not prompt.strip():
        why = "no grader of it could be carried over, and a case needs one" if prompt.strip() else "it has no prompt"
        left_out.append(LeftOut(where=where, what="the whole case", why=why))
        return None
    name = str(data.get("name") or place.name)
    title = str(data.get("description") or data.get("expected_outcome") or name)
    return ImportedCase(
        name=name, title=title, message=prompt.strip() + "\n", checks=tuple(checks), family=slug(name), where=where
    )


def _grader(grader: Mapping[str, Any]) -> Check | str:
    """The criterion, or why there is none."""
    kind = grader.get("type")
    weight = grader.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or weight <= 0:
        return "its weight is no positive number"
    target = grader.get("target" if kind == "regex" else "focus", "last_message")
    if kind not in ("regex", "llm"):
        return WHY.get(str(kind), "no counterpart")
    if target != "last_message":
        seen = target if isinstance(target, str) else "a file"
        return f"looks at {seen}; here there is the final message only"
    if kind == "llm":
        rubric = str(grader.get("criteria") or grader.get("_body") or "").strip()
        return Check(decides=rubric, weight=weight) if 0 < len(rubric) <= 3900 else "its rubric is empty or too long"
    check = _regex(grader)
    return Check(decides=check, weight=weight) if isinstance(check, TextCheck) else check


def _regex(grader: Mapping[str, Any]) -> TextCheck | str:
    pattern = str(grader.get("pattern") or grader.get("_body") or "")
    match = grader.get("match", "contains")
    flags = str(grader.get("flags", ""))
    if match not in ("contains", "not_contains"):
        return f"`match: {match}` counts; a check here finds or does not"
    if not pattern or set(flags) - set("igmsuy"):
        return f"flags {flags!r} are not known" if pattern else "it has no pattern"
    inline = "".join(flag for flag in "ms" if flag in flags)
    check = TextCheck(
        op=TextOp.MATCHES,
        values=((f"(?{inline})" if inline else "") + expression(pattern),),
        ignore_case="i" in flags,
        negated=match == "not_contains",
    )
    return usable(check) or check
