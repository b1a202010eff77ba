"""The file name that an answer gives a block of code.

Here: where names stand, and which are safe. Not here: what the file holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from graders.answer_languages import LABELS, NAMES, of_file
from graders.answer_tokens import comments

REFUSED = "refused"
"""Stands for a name that was given but is not safe; no other name is looked for then. Has no ending, so no file is called so."""

NO_FILES = frozenset(
    {
        "node.js",
        "express.js",
        "next.js",
        "nest.js",
        "vue.js",
        "react.js",
        "console.log",
        "process.env",
        "import.meta.env",
    }
)
"""Products and expressions that are spelt like files."""

PART = r"[A-Za-z0-9_@.+\[\]()-]+"
SAFE = re.compile(rf"{PART}(?:/{PART})*", re.ASCII)
DRIVE = re.compile(r"[A-Za-z]:[\\/]?")
ATTRIBUTE = re.compile(
    r"\b(?:title|file|filename|file_name|name|path)\s*[=:]\s*(?:\"(?P<double>[^\"\n]+)\"|'(?P<single>[^'\n]+)'|(?P<bare>[^\s}\"']+))",
    re.IGNORECASE,
)
NAMED = re.compile(r"^(?:(?:new\s+)?file(?:\s*name)?|path|save\s+as|create)\s*[:=]\s*", re.IGNORECASE)
NUMBERING = re.compile(r"^(?:(?:step\s+)?\d+[.):]\s*|[-*+•]\s+|\(\d+\)\s*)", re.IGNORECASE)
REMARK = re.compile(r"\s*(?:\([^()]*\)|[—–:]\s.*|-\s.*)?\s*:?\s*$", re.DOTALL)
CANDIDATE = re.compile(r"(?<![\w/.\\:-])(?:[\w@.\[\]()+~-]*[/\\:])*[\w@.\[\]+~-]*\w")
COMMENT = re.compile(r"\A(?:#+|//+|--+|/\*+)|\*+/\Z")
SAVING = re.compile(
    r"\b(?:save|create|put|write|place|copy)\b|\b(?:full|complete|whole|entire|updated|final|new|revised|corrected|rewritten|here(?:'s| is| are)"
    r"|this is|goes? (?:in|into)|contents? of|lives in)\b|^(?:in|the|and|then|your|now)\b|^\W*$",
    re.IGNORECASE,
)
PATCHING = re.compile(
    r"\b(?:replace|change|add|modify|remove|delete|insert|append|edit|adjust|extend|swap|excerpt|snippet|part|section|lines?|run|apply|execute|start"
    r"|import|imports|call|calls|use|uses|test|same|instead|before|below|above|next to|requires?|needs?)\b",
    re.IGNORECASE,
)


def split_info(info: str) -> tuple[str, str]:
    """The language label and the rest of a fence's info string. A bare file name is no label."""
    head, _, rest = info.strip().partition(" ")
    head = head.strip("{},")
    label, colon, name = head.partition(":")
    if colon and label.lower() in LABELS:
        return label, f"{name} {rest}".strip()
    if re.fullmatch(r"[A-Za-z]+[-_]?\d+(?:\.\d+)*", head) and re.split(r"[-_\d]", head.lower())[0] in LABELS:
        return head, rest.strip()
    # `dockerfile` is a language, `Dockerfile` and `.env` are files
    if head.lower().lstrip(".") in LABELS and (head.lower() not in NAMES or head in {"dockerfile", "makefile"}):
        return head.lstrip("."), rest.strip()
    if re.search(r"[./\\]", head) or head.lower() in NAMES or "=" in head:
        return "", info.strip()
    bracket = re.match(r"([\w+#-]+)[{\[(]", head)
    return (bracket[1] if bracket else head), rest.strip()


def safe(name: str) -> str | None:
    """A name below the working folder, without `./`; None for one that leads elsewhere."""
    name = name.strip().strip("`\"'*")
    while name.startswith("./"):
        name = name[2:]
    if not SAFE.fullmatch(name) or DRIVE.match(name) or len(name) > 200:
        return None
    return None if any(not part.strip(".") for part in name.split("/")) else name


def from_info(info: str, known: Collection[str]) -> str | None:
    """The name in an info string; REFUSED for an unsafe one."""
    _, rest = split_info(info)
    if not rest:
        return info.strip() if info.strip() in known else None
    given = ATTRIBUTE.search(rest)
    if given:
        return _checked(given["double"] or given["single"] or given["bare"], known, explicit=True)
    word = rest.split()[0].strip("(){}[],:`\"'")
    return _checked(word, known) if _is_name(word, known) else None


def from_lead(text: str, known: Collection[str]) -> str | None:
    """The name in the line directly before a block: a line that is a name, or a sentence that introduces one file."""
    line = text.strip().rsplit("\n", 1)[-1].strip()
    if not line or len(line) > 300:
        return None
    bare = NAMED.sub("", NUMBERING.sub("", line)).strip("*`\"' ")
    word = bare.split(" ", 1)[0].rstrip(":,").strip("*`\"'")
    if (
        _is_name(word, known)
        and REMARK.fullmatch(bare[bare.find(word) + len(word) :].lstrip("*`\"'"))
        and not _sentence(bare, word)
    ):
        return _checked(word, known)
    return _introduced(line, known)


def _sentence(bare: str, word: str) -> bool:
    """Whether more than a short remark follows the name."""
    return len(bare) - len(word) > 100


def _introduced(line: str, known: Collection[str]) -> str | None:
    if not line.endswith((":", "：")):
        return None
    clause = re.split(r"(?<=[.!?;])\s+", line)[-1]
    names = {word for word in CANDIDATE.findall(clause) if _is_name(word, known)}
    if len(names) != 1:
        return None
    (name,) = names
    around = clause.replace(name, " ")
    if PATCHING.search(around) or not SAVING.search(around.strip(" `*:")):
        return None
    return _checked(name, known)


def from_comment(text: str, language: str | None, known: Collection[str]) -> str | None:
    """The name in a comment that is the first or second line of the code and holds nothing else."""
    head = "\n".join(text.split("\n", 3)[:3])[:1000]
    for comment in comments(head, language or "python"):
        if comment.line > 1 or not comment.alone or comment.text.startswith("#!"):
            continue
        bare = NAMED.sub("", COMMENT.sub("", comment.text).strip())
        word = bare.split(" ", 1)[0].rstrip(":,").strip("`\"'")
        if _is_name(word, known) and REMARK.fullmatch(bare[bare.find(word) + len(word) :]):
            return _checked(word, known)
    return None


def _is_name(word: str, known: Collection[str]) -> bool:
    """Whether a word looks like the name of a file, safe or not."""
    if not word or len(word) > 300 or re.search(r"\s|://|\(\)|@\w+\.\w+$", word):
        return False
    base = re.split(r"[/\\]", word)[-1]
    if word.removeprefix("./") in known:
        return True
    if word.lower() in NO_FILES:
        return False
    return of_file(base) is not None and (
        base.lower() in NAMES or len(base.rsplit(".", 1)[0]) > 0 or base.startswith(".env")
    )


def _checked(name: str, known: Collection[str], *, explicit: bool = False) -> str | None:
    good = safe(name)
    if good is None:
        return REFUSED
    # `title="Before"` is a title, not a file
    return None if explicit and not _is_name(good, known) else good
