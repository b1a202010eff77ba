"""Regular expressions of others, run in time that grows with the text and never with the cunning of the expression.

Cases are files that anybody may have written, and one short expression can keep Python's `re` busy for years. RE2 has no
such expression, because it has no look-around and no back references. Here: compiling and finding. Not here: what a find means.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

MAX_PATTERN = 1000
"""Characters of an expression."""
MAX_STEPS = 1000
"""Steps of an expression's program: a character of the text costs at most so many, however the expression is nested."""


class PatternError(Exception):
    """RE2 does not take the expression; the message says why."""


@lru_cache(maxsize=64)
def _compiled(pattern: str, ignore_case: bool) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(pattern, options=options)
    except UnicodeEncodeError:
        raise PatternError("holds half a character") from None
    except re2.error as error:
        said = error.args[0] if error.args else error
        raise PatternError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None


def check_pattern(pattern: str) -> None:
    """Raises PatternError for an expression that cannot be used."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"longer than {MAX_PATTERN} characters")
    steps = _compiled(pattern, False).programsize
    if steps > MAX_STEPS:
        raise PatternError(f"its repetitions unfold to {steps:,} steps, more than {MAX_STEPS:,}")


def find(pattern: str, text: str, *, ignore_case: bool = False) -> tuple[int, int] | None:
    """Where the expression is first found, as (start, end) in characters; None where it is not. Raises PatternError.

    >>> find("b+", "abbc"), find("B", "abbc"), find("B", "abbc", ignore_case=True)
    ((1, 3), None, (1, 2))
    """
    found = _compiled(pattern, ignore_case).search(text)
    return None if found is None else (found.start(), found.end())


def find_literal(word: str, text: str, *, ignore_case: bool = False) -> tuple[int, int] | None:
    """The same for a word that is meant as it stands. Case folding is RE2's, which keeps positions."""
    if ignore_case:
        import re2

        return find(re2.escape(word), text, ignore_case=True)
    start = text.find(word)
    return None if start < 0 else (start, start + len(word))
