"""Did you mean …? One spelling of it for every name that a user may mistype.

Here: near words and the sentence about an unknown one. Not here: what names there are.
"""

from __future__ import annotations

from collections.abc import Iterable

MOST = 12
"""Names that a message lists when none is near."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` for a word that is close to a known one, else nothing.

    >>> nearest("jwt-aut", ["jwt-auth", "schema-review"])
    '; did you mean `jwt-auth`?'
    """
    import difflib

    names = list(known)
    close = difflib.get_close_matches(word, names, n=1) or [name for name in names if name.lower() == word.lower()]
    return f"; did you mean `{close[0]}`?" if close else ""


def unknown(kind: str, word: str, known: Iterable[str], where: str = "") -> str:
    """The sentence about a name that is not there: what it may have meant, and what there is.

    >>> unknown("case", "logn", ["login"], " in suite `small`")
    'no case `logn` in suite `small`; did you mean `login`? (there: login)'
    >>> unknown("revision", "7", [])
    'no revision `7` (there: none)'
    """
    names = list(known)
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return f"no {kind} `{word}`{where}{nearest(word, names)} (there: {', '.join(names[:MOST]) or 'none'}{more})"
