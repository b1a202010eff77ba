"""How the command line is read and explained: near misses, errors in one line, help that keeps examples as they are.

Here: a parser for any verbs. Not here: which verbs and options there are (`evals.cli`).
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from evals.nearest import nearest

INDENT = "  "
EXAMPLE = "evals "


class Layout(argparse.HelpFormatter):
    """Wraps what it explains line by line, and leaves examples as they can be typed."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(_laid_out(line, width) for line in text.splitlines())


def _laid_out(line: str, width: int) -> str:
    if line.startswith(f"{INDENT}{EXAMPLE}"):
        return line
    hanging = INDENT * 4 if line.startswith(INDENT) else ""
    return textwrap.fill(line, width, subsequent_indent=hanging, break_long_words=False)


class Parser(argparse.ArgumentParser):
    """An argument parser that says what may have been meant. Options are not abbreviated: a new one breaks no script."""

    verbs: Mapping[str, Parser] = {}
    """Its sub-parsers, by verb."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=Layout, allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """One line, as every other error, and exit code 2."""
        from evals.report.safe import plain

        said = plain(message, 600)
        self.exit(2, f"error: {self.prog}: {said}{' ' if said.endswith('?') else '; '}see `{self.prog} --help`\n")

    def read(self, words: Sequence[str] | None = None) -> argparse.Namespace:
        """What the words ask for (default: those that the process was started with). Ends the process where they cannot be read."""
        found, extra = self.parse_known_args(words)
        if extra:
            verb = self.verbs.get(getattr(found, "verb", None) or "", self)
            verb.error(_unexpected(extra, list(verb.flags())))
        return found

    def arguments(self) -> Sequence[argparse.Action]:
        """Every option and argument, those that help does not show included."""
        return self._actions

    def examples(self) -> list[str]:
        """Commands that its help shows."""
        return [line.strip() for line in (self.epilog or "").splitlines() if line.startswith(f"{INDENT}{EXAMPLE}")]

    def flags(self) -> Iterator[str]:
        """Every spelling of every option."""
        for action in self._actions:
            yield from action.option_strings

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = list(map(str, action.choices))
            what = action.metavar if isinstance(action.metavar, str) and action.dest == "verb" else ""
            said = f"no {'verb' if what else 'such choice'} `{value}`{nearest(str(value), known)} (choose from {', '.join(known)})"
            raise argparse.ArgumentError(None if what else action, said)


def _unexpected(extra: Sequence[str], known: Sequence[str]) -> str:
    flag = next((word for word in extra if word.startswith("-")), None)
    if flag is None:
        return f"unexpected argument `{extra[0]}`"
    name = flag.split("=", maxsplit=1)[0]
    return f"no option `{name}`{nearest(name, known)}"
