"""YAML as plain data with line numbers, and with everything refused that makes YAML surprising.

Here: syntax, duplicate keys, aliases, keys that are no strings, values that YAML turns into dates or octal numbers.
Not here: what the data means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from evals.canonical import Json
from evals.errors import Fault

LoaderClass = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_DEPTH = 40
MAX_CHARACTERS = 2_000_000

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Located:
    """Parsed data, and the 1-based line on which the value of each path begins."""

    file: str
    data: Json
    lines: dict[Path, int] = field(default_factory=dict, repr=False)

    def line(self, path: Path) -> int | None:
        """The line of a path, or of the nearest parent that has one."""
        return next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), None)

    def fault(self, path: Path, message: str) -> Fault:
        return Fault(message=message, file=self.file, line=self.line(path), path=json_path(path))


def json_path(path: Path) -> str:
    """
    >>> json_path(("criteria", 3, "points"))
    '$.criteria[3].points'
    """
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def read_yaml(text: str, file: str) -> tuple[Located, list[Fault]]:
    """The data and everything that is wrong with its YAML. With a syntax error the data is None and there is one fault."""
    if len(text) > MAX_CHARACTERS:
        return Located(file=file, data=None), [Fault(message=f"larger than {MAX_CHARACTERS:,} characters", file=file)]
    try:
        faults = list(_aliases(text, file))
        node = None if faults else yaml.compose(text, Loader=LoaderClass)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        return Located(file=file, data=None), [
            Fault(message=f"not valid YAML: {error.problem or error.context}", file=file, line=line)
        ]
    except (yaml.YAMLError, RecursionError) as error:
        return Located(file=file, data=None), [
            Fault(message=f"not valid YAML: {' '.join(str(error).split())}", file=file)
        ]
    if node is None:
        return Located(file=file, data=None), faults or [Fault(message="is empty", file=file)]
    reader = _Reader(file)
    data = reader.value(node, ())
    return Located(file=file, data=data, lines=reader.lines), reader.faults


def _aliases(text: str, file: str) -> Iterator[Fault]:
    """Aliases are refused before anything is built from them: ten lines of them can unfold to gigabytes."""
    depth = 0
    for event in yaml.parse(text, Loader=LoaderClass):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            yield Fault(message="anchors and aliases are not allowed; write the value out", file=file, line=line)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            yield Fault(message=f"nested deeper than {MAX_DEPTH} levels", file=file, line=line)
            return


class _Reader:
    """Turns YAML nodes into JSON data; remembers lines and collects faults as it goes."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.faults: list[Fault] = []

    def value(self, node: yaml.Node, path: Path) -> Json:
        self.lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, number)) for number, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Json:
        result: dict[str, Json] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != "tag:yaml.org,2002:str":
                self._fault(key_node, path, f"the key {key_node.value!r} is not a string; put it in quotes")
                continue
            if key in result:
                self._fault(key_node, path, f"the key {key!r} stands here twice")
                continue
            result[key] = self.value(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.Node, path: Path) -> Json:
        kind = node.tag.rpartition(":")[2]
        text = str(node.value)
        if kind == "str":
            return text
        if kind == "null":
            return None
        if kind == "bool" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if kind in ("int", "float"):
            number = _number(text)
            if number is not None:
                return number
        self._fault(node, path, f"{text!r} would be read as {kind}; put it in quotes if it is text")
        return None

    def _fault(self, node: yaml.Node, path: Path, message: str) -> None:
        self.faults.append(Fault(message=message, file=self.file, line=node.start_mark.line + 1, path=json_path(path)))


def _number(text: str) -> int | float | None:
    """Plain decimal numbers only: no octal `012`, no sexagesimal `12:30`, no infinity."""
    import json

    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15 else None


class _Writer(yaml.SafeDumper):
    """Long text in lines, and every value written out: `read_yaml` refuses aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(writer: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # YAML folds these separators into line feeds unless they are escaped, which only double quotes do
    style = '"' if set(text) & set("\x85\u2028\u2029\ufeff") else "|" if "\n" in text else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)


def yaml_text(data: Json) -> str:
    """The data as YAML that `read_yaml` reads back equal, keys in their order."""
    return str(yaml.dump(data, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=1_000_000))
