"""promptfoo's prompts: texts, files and chats, each as a system text and a user's text.

Here: reading them, and which of them one suite can hold. Not here: filling in variables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.errors import InputError
from evals.importers.imported import LeftOut, text_inside
from evals.yaml_file import read_yaml

READ = (".txt", ".md", ".json", ".yaml", ".yml")
CODE = (".js", ".cjs", ".mjs", ".ts", ".py", ".rb", ".sh")


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One prompt."""

    where: str
    label: str
    user: str
    """A template."""
    system: str = ""


Found = Prompt | LeftOut


def read_prompts(data: Any, folder: Path) -> Iterator[Found]:
    """Every prompt of the configuration, or why it is none."""
    items = data if isinstance(data, list) else list(data) if isinstance(data, dict) else [data]
    for number, item in enumerate(items):
        yield from _prompt(item, f"prompts[{number}]", folder)


def _prompt(item: Any, where: str, folder: Path) -> Iterator[Found]:
    label = ""
    if isinstance(item, dict):
        label = str(item.get("label") or item.get("display") or "")
        item = item.get("raw") or item.get("id")
    if not isinstance(item, str) or not item.strip():
        yield LeftOut(where=where, what="prompt", why="is no text")
        return
    name = item.removeprefix("file://")
    is_file = item.startswith("file://") or ("\n" not in item and name.endswith((*READ, *CODE)) and " " not in name)
    if not is_file:
        yield _parsed(item, where, label or item)
        return
    if not name.endswith(READ) or "*" in name:
        yield LeftOut(
            where=where, what=item, why="a prompt made by code or named by a pattern; write its text into a file"
        )
        return
    try:
        text = text_inside(folder, name)
    except InputError as error:
        yield LeftOut(where=where, what=item, why=str(error))
        return
    pieces = text.split("\n---\n") if name.endswith(".txt") else [text]
    for piece in pieces:
        if piece.strip():
            yield _parsed(piece.strip(), where, label or name)


def _parsed(text: str, where: str, label: str) -> Found:
    """A text, or a chat that is spelled as JSON or YAML."""
    chat = _chat(text)
    if chat is None:
        return Prompt(where=where, label=label, user=text)
    texts: dict[str, list[str]] = {"system": [], "user": []}
    for turn in chat:
        role, content = str(turn["role"]).replace("developer", "system"), turn.get("content")
        if role not in texts:
            return LeftOut(where=where, what="chat", why="a conversation of several turns; a case has one message")
        if not isinstance(content, str):
            return LeftOut(where=where, what="chat", why="a message that is not plain text")
        texts[role].append(content)
    if len(texts["user"]) != 1 or len(texts["system"]) > 1:
        return LeftOut(where=where, what="chat", why="a conversation of several turns; a case has one message")
    system = "".join(texts["system"])
    if "{{" in system or "{%" in system:
        why = "its system text has variables; a persona is the same for every case"
        return LeftOut(where=where, what="chat", why=why)
    return Prompt(where=where, label=label, user=texts["user"][0], system=system)


def _chat(text: str) -> list[dict[str, Any]] | None:
    if text.lstrip().startswith("["):
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError):
            return None
    elif text.lstrip().startswith("- role:"):
        located, faults = read_yaml(text, "", foreign=True)
        data = None if faults else located.data
    else:
        return None
    return (
        data
        if isinstance(data, list) and data and all(isinstance(turn, dict) and "role" in turn for turn in data)
        else None
    )


def held_by_one_suite(prompts: Sequence[Prompt]) -> tuple[list[Prompt], list[str], list[LeftOut]]:
    """The prompts whose user's texts become cases, the system texts that become revisions, and what fits neither.

    Every case of a suite is asked with every revision. So system texts are revisions where they share one user's text;
    prompts without system text are one case each.
    """
    if not any(prompt.system for prompt in prompts):
        return list(prompts), [], []
    first = prompts[0]
    same = [prompt for prompt in prompts if prompt.user == first.user]
    why = (
        "its user's text is not the first prompt's, and each case is asked with every system text; import it by itself"
    )
    other = [LeftOut(where=p.where, what=f"prompt {p.label[:40]!r}", why=why) for p in prompts if p.user != first.user]
    return [first], list(dict.fromkeys(prompt.system for prompt in same)), other
