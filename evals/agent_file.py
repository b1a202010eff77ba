"""Reading an agent's Markdown file: a header between `---` lines, and a body that is the system prompt.

Here: splitting, reading headers that are valid YAML or not, and warning where Claude Code would read less than was
written. Not here: the values (`evals.persona`), files and paths (`evals.load`).

The body is kept to the letter. Dropped are only a byte order mark, the line breaks directly after the closing fence and
the white space at the very end; line ends become LF. A header can be as wrong as it likes: it warns, and the body can
still be tested. InputError is for a body that could be sent to no model, and for a file that is too large to be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from evals.errors import Fault, InputError
from evals.persona import Example, HeaderWarning, Persona

FIELDS = frozenset(
    {
        "name",
        "description",
        "tools",
        "disallowedTools",
        "model",
        "permissionMode",
        "maxTurns",
        "skills",
        "mcpServers",
        "hooks",
        "memory",
        "background",
        "effort",
        "isolation",
        "color",
        "initialPrompt",
    }
)
"""The header fields that Claude Code knows; only these start a field in a header that is not valid YAML."""

TEXT_LIMIT = 4_000_000
"""Characters in a file; more than any model's context holds."""
HEADER_LIMIT = 64_000
"""Characters in a header; a longer one is skipped, which bounds the time that parsing can take."""
DEPTH_LIMIT = 16
"""Nesting in a header; the YAML scanner's time grows with the square of the depth."""
WARNINGS_LIMIT = 20

_FENCE = re.compile(r"^---[ \t]*$", re.MULTILINE)
_FIELD = re.compile(r"([A-Za-z][\w-]*):(?:\s|$)")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_NOT_TEXT = re.compile(r"true|false|null|~|[-+]?\d[\d_]*(?:\.\d*)?", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LABEL = re.compile(r"^[ \t]*(?:[-*][ \t]+)?(context|user|assistant)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_FOLDER_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)

Node = tuple[yaml.Event, int, int]
"""A YAML node's first event, and where its text begins and ends."""
Notes = Iterable[tuple[int, str]]
"""(1-based line of the file, message) of what becomes warnings."""


@dataclass(frozen=True, kw_only=True)
class _Field:
    """One header field, as written and as read."""

    key: str
    raw: str
    text: str
    line: int
    plain: bool = False
    """A YAML scalar without quotes, which may be a number or the like."""
    nested: bool = False
    """A YAML list or mapping."""
    cut: bool = False
    """A ` #` follows the value on its line."""


@dataclass(eq=False)
class _NotStrictError(Exception):
    """From this line on the header cannot be taken as YAML."""

    line: int
    message: str
    syntax: bool = False


def read_agent(text: str, *, revision: str, source: str) -> Persona:
    """Read one agent file. Raises InputError only where the body cannot be a prompt."""
    if len(text) > TEXT_LIMIT:
        raise InputError(Fault(file=source, message=f"{len(text):,} characters; a prompt has at most {TEXT_LIMIT:,}"))
    clean = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    header, body, notes = _split(clean)
    if bad := _UNSENDABLE.search(clean, len(clean) - len(body)):
        what = "a NUL character" if bad[0] == "\0" else "bytes that are not valid UTF-8"
        raise InputError(Fault(file=source, line=clean.count("\n", 0, bad.start()) + 1, message=f"the body has {what}"))
    fields, header_notes = _read_header(header, crlf="\r\n" in text)
    value = {field.key: field.text for field in fields}  # of two fields of one name the last counts, as in Claude Code
    name, name_notes = _name(value.get("name", ""), source)
    description = _decoded(value.get("description", ""))
    return Persona(
        name=name,
        revision=revision,
        body=body.lstrip("\n").rstrip(),
        description=description,
        source=source,
        examples=tuple(_examples(description)),
        header=tuple((field.key, field.raw) for field in fields),
        warnings=_warnings([*notes, *header_notes, *name_notes]),
    )


def _split(text: str) -> tuple[str | None, str, Notes]:
    """Header (None without one), everything after it, and what is odd about the fences."""
    opening = _FENCE.match(text)
    if opening is None:
        return None, text, [(1, "no header on the first line: Claude Code takes the file for a document, not an agent")]
    start = min(opening.end() + 1, len(text))
    closing = _FENCE.search(text, start)
    header = text[start : closing.start() if closing else len(text)]
    early = re.search(r"---[ \t]*$", header, re.MULTILINE)
    notes = [(_line(header, early.start()), "Claude Code ends the header at this line's last `---`")] if early else []
    if closing is None:
        return None, text, [*notes, (1, "no line `---` closes the header; the whole file is read as the body")]
    return header, text[closing.end() :], notes


def _read_header(header: str | None, *, crlf: bool) -> tuple[list[_Field], Notes]:
    if header is None:
        return [], []
    if len(header) > HEADER_LIMIT:
        return [], [(1, f"the header has {len(header):,} characters, more than {HEADER_LIMIT:,}, and is not read")]
    bad = _UNPRINTABLE.search(header)
    notes = [(_line(header, bad.start()), "a control character; Claude Code may drop the header")] if bad else []
    header = _UNPRINTABLE.sub("\ufffd", header)
    try:
        fields = _strict_fields(header)
    except _NotStrictError as problem:
        fields = list(_tolerant_fields(header))
        notes += _not_strict_notes(header, problem, crlf=crlf)
    return fields, [*notes, *_field_notes(fields)]


def _line(header: str, index: int) -> int:
    """Line of the file; the header begins on its second."""
    return header.count("\n", 0, index) + 2


def _strict_fields(header: str) -> list[_Field]:
    """A header that is valid YAML. Only its events are read: aliases, tags and dates have nothing to act on."""
    nodes = list(_top_nodes(header))
    fields = [_strict_field(header, key, value) for key, value in zip(nodes[::2], nodes[1::2], strict=True)]
    seen: set[str] = set()
    for field in fields:
        if field.key in seen:
            raise _NotStrictError(field.line, f"`{field.key[:40]}` is given twice; the last one counts")
        if field.key.lower() in {"context", "user", "assistant"}:
            raise _NotStrictError(field.line, f"Claude Code takes `{field.key}:` for a field, not for text")
        if field.key == "description" and field.nested:
            raise _NotStrictError(field.line, "the description is a list or mapping to YAML; Claude Code drops it")
        seen.add(field.key)
    return fields


def _strict_field(header: str, key: Node, value: Node) -> _Field:
    (name, at, _), (first, start, end) = key, value
    line = _line(header, at)
    if not isinstance(name, yaml.ScalarEvent) or (not name.style and _NOT_TEXT.fullmatch(name.value)):
        raise _NotStrictError(line, "a key of the header is not text")
    raw = header[start:end].rstrip()
    if not isinstance(first, yaml.ScalarEvent):
        return _Field(key=name.value, raw=raw, text=raw, line=line, nested=True)
    cut = re.match(r"[ \t]+#", header[start + len(raw) :]) is not None
    return _Field(key=name.value, raw=raw, text=first.value, line=line, plain=not first.style, cut=cut)


def _top_nodes(header: str) -> Iterator[Node]:
    """The keys and values of the outermost mapping, in turn."""
    depth = 0
    opened: tuple[yaml.Event, int] | None = None
    for event, start, end in _events(header):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            raise _NotStrictError(_line(header, start), f"the header nests deeper than {DEPTH_LIMIT} levels")
        if depth == 0 and isinstance(event, (yaml.ScalarEvent, yaml.SequenceEndEvent)):
            raise _NotStrictError(2, "the header is no list of `key: value` fields; Claude Code drops it")
        if depth == 2 and opened is None:
            opened = event, start
        if depth == 1 and isinstance(event, (yaml.ScalarEvent, yaml.CollectionEndEvent)):
            yield (*(opened or (event, start)), end)
            opened = None


def _events(header: str) -> Iterator[Node]:
    documents = 0
    try:
        for event in yaml.parse(header, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            start, end = (mark.index if mark else 0 for mark in (event.start_mark, event.end_mark))
            documents += isinstance(event, yaml.DocumentStartEvent)
            if isinstance(event, yaml.AliasEvent) or documents > 1:
                what = "a second YAML document" if documents > 1 else "a YAML alias (`*`)"
                raise _NotStrictError(_line(header, start), f"the header has {what}; it is read as plain text")
            yield event, start, end
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = "Claude Code cannot parse the header and drops every field of it"
        raise _NotStrictError(_line(header, mark.index if mark else 0), message, syntax=True) from error


def _tolerant_fields(header: str) -> Iterator[_Field]:
    """Any other header. Known keys at the margin start fields; every other line continues the one before."""
    key, start, lines = "", 0, list[str]()
    for number, line in enumerate([*header.split("\n"), "name:"], start=2):  # the added line closes the last field
        found = _FIELD.match(line)
        if not found or found[1] not in FIELDS:
            lines.append(line)
            continue
        if key:
            raw = "\n".join(lines).rstrip()
            yield _Field(key=key, raw=raw, text=_unfolded(raw), line=start)
        key, start, lines = found[1], number, [line[found.end() :].strip()]


def _unfolded(raw: str) -> str:
    """The value without quotes, block mark and indentation.

    Where it spells its line breaks as `\\n`, the real ones are an editor's wrapping and become spaces.
    """
    text = re.sub(r"\A[|>][-+\d]{0,2}[ \t]*\n", "", raw).strip()
    return _unquoted((" " if "\\n" in text else "\n").join(line.strip() for line in text.split("\n")))


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _not_strict_notes(header: str, problem: _NotStrictError, *, crlf: bool) -> Notes:
    """Where YAML fails, Claude Code puts values of one line in quotes, though not in CRLF files, and tries again."""
    if problem.syntax and not crlf:
        try:
            fields = _strict_fields("\n".join(map(_requoted, header.split("\n"))))
        except _NotStrictError as still:
            problem = still
        else:
            return list(_unknown(fields))
    return [(problem.line, problem.message), *(_causes(header, crlf=crlf) if problem.syntax else ())]


def _requoted(line: str) -> str:
    found = re.fullmatch(r"([A-Za-z_-]+):\s+(.+)", line)
    if not found or _unquoted(found[2]) != found[2] or not re.search(r"[{}\[\]*&#!|>%@`]|: ", found[2]):
        return line
    return found[1] + ': "' + found[2].replace("\\", "\\\\").replace('"', '\\"') + '"'


def _causes(header: str, *, crlf: bool) -> Iterator[tuple[int, str]]:
    """The known reasons why a header does not parse, each at its line."""
    for number, line in enumerate(header.split("\n"), start=2):
        field = _FIELD.match(line)
        value = line[field.end() :].strip() if field else line.strip()
        if re.match(r" *\t\s*[A-Za-z][\w-]*:(?:\s|$)", line):
            yield number, "a tab before a key; begin it at the margin"
        elif re.match(r"\"(?:[^\"\\]|\\.)*\"\s*[^\s#]|'(?:[^']|'')*'\s*[^\s#]", value):
            yield number, "a quoted string with more text after it; quote all of the value or nothing"
        elif field and crlf and ": " in value:
            yield number, "a value with a colon in a file with CRLF line ends; quote it, or save the file with LF"
        elif (not field or field[1] not in FIELDS) and re.search(r":(?:\s|$)", line):
            yield number, "`key: value` in text that goes on below its field; put all of it on the field's line"
        elif value and not field and not line[0].isspace() and line[0] not in "#-":
            yield number, "text at the margin that is no field; put it on the line of the field it belongs to"


def _field_notes(fields: list[_Field]) -> Iterator[tuple[int, str]]:
    given = {field.key: field for field in fields}
    name, description = given.get("name"), given.get("description")
    if name is None:
        yield 1, "no `name`: Claude Code takes the file for a document, not an agent"
    else:
        if description is None or not description.text.strip():
            yield name.line, "a `name` without `description`: Claude Code skips the file"
        if name.nested or (name.plain and _NOT_TEXT.fullmatch(name.text)):
            yield name.line, "the name is not text to YAML; put it in quotes"
        elif not _NAME.fullmatch(_first_line(name.text)):
            yield name.line, "a name is lower-case letters and digits, with single hyphens between them"
    yield from _unknown(fields)
    for field in fields:
        if field.cut:
            yield field.line, f"`{field.key[:40]}` ends at ` #`, which begins a comment; quote the value to keep it"


def _unknown(fields: list[_Field]) -> Iterator[tuple[int, str]]:
    return ((f.line, f"`{f.key[:40]}` is no field that Claude Code knows") for f in fields if f.key not in FIELDS)


def _name(given: str, source: str) -> tuple[str, Notes]:
    """The persona's name. It names folders, so one that is no plain folder name gives way to the file's."""
    first = _first_line(given)
    if _FOLDER_NAME.fullmatch(first):
        return first, []
    path = PurePosixPath(re.sub(r"\.md@.*", ".md", source, flags=re.DOTALL))  # PATH@GITREF
    stem = re.sub(r"[^\w.-]+", "-", path.stem, flags=re.ASCII).strip(".-")[:100] or "persona"
    return stem, [(1, f"the name cannot name a folder; the persona is called `{stem}`, as its file")] if first else []


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0].strip()


def _warnings(notes: Notes) -> tuple[HeaderWarning, ...]:
    """By line, each once, and no more than anybody reads."""
    distinct = sorted(set(notes))
    if len(distinct) > WARNINGS_LIMIT:
        more = distinct[WARNINGS_LIMIT][0], f"{len(distinct) - WARNINGS_LIMIT} more warnings from here on"
        distinct = [*distinct[:WARNINGS_LIMIT], more]
    return tuple(HeaderWarning(line=line, message=message) for line, message in distinct)


def _decoded(text: str) -> str:
    """Descriptions spell line breaks and quotes as `\\n` and `\\"` also where YAML leaves these as they are."""
    return text.replace("\\n", "\n").replace('\\"', '"').strip()


def _examples(description: str) -> Iterator[Example]:
    for piece in description.split("<example>")[1:]:
        block, closed, _ = piece.partition("</example>")
        if closed:
            talk, _, rest = block.partition("<commentary>")
            commentary, _, after = rest.partition("</commentary>")
            yield Example(**_said(f"{talk}\n{after}"), commentary=_words(commentary))


def _said(talk: str) -> dict[str, str]:
    """What stands after each label. Labels begin lines, or follow a space where wrapping has joined the lines."""
    labels = list(_LABEL.finditer(talk))
    if not {"user", "assistant"} <= {label[1].lower() for label in labels}:
        labels = list(re.finditer(r"(?<!\S)(context|user|assistant):", talk, re.IGNORECASE))
    ends = [label.start() for label in labels] + [len(talk)]
    said: dict[str, list[str]] = {"context": [], "user": [], "assistant": []}
    for label, end in zip(labels, ends[1:], strict=True):
        said[label[1].lower()].append(_words(talk[label.end() : end]))
    return {who: "\n".join(texts) for who, texts in said.items()}


def _words(text: str) -> str:
    return _unquoted(" ".join(text.split()))
