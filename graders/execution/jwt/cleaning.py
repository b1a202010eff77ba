"""Text of the answer's process, made fit for a transcript, and what in it must not reach a caller.

Here: pure functions on text. Not here: where the text comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_TEXT = 120
CHANGING = (
    (re.compile(r"eyJ[\w-]*\.[\w-]*\.[\w-]*"), "TOKEN"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?"), "TIME"),
    (re.compile(r"(/[\w.@-]+)+/"), "…/"),
    (re.compile(r"\b[\w-]{32,}\b"), "DATA"),
    (re.compile(r"\d+"), "N"),
)
HIDDEN = re.compile(r"[^\x20-\x7e]")


def cleaned(lines: Iterable[str]) -> list[str]:
    """Lines in plain characters, without what differs from run to run or machine to machine, bounded."""
    shown = []
    for line in lines:
        text = HIDDEN.sub("?", line[:2000].strip())
        for pattern, word in CHANGING:
            text = pattern.sub(word, text)
        if text:
            shown.append(text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…")
    return shown


INTERNALS = {
    "a stack": re.compile(r"\bat [^\n]{0,200}?(?:js|node:[\w/]{1,60}|<anonymous>):\d+:\d+|&nbsp; ?at "),
    "a path of the server": re.compile(r"node_modules|node:internal|\b(?:app|store)\.js\b"),
    "a page of Express": re.compile(r"<title>Error</title>|<pre>"),
    "the name of an error class": re.compile(
        r"\b(?:JsonWebTokenError|TokenExpiredError|NotBeforeError|JWT\w*(?:Invalid|Expired|Failed)|JWS\w*(?:Invalid|Failed)"
        r"|JOSE\w+|ERR_JW\w+|TypeError|ReferenceError|RangeError|SyntaxError|ERR_(?:HTTP|ERL|INVALID_ARG|OSSL|CRYPTO|STREAM|REQUIRE|MODULE)_\w+)\b"
    ),
    "a message of a JWT library": re.compile(
        r"jwt (?:malformed|expired|not active|(?:audience|issuer) invalid|must be provided|signature is required)"
        r"|claim timestamp check failed|unexpected \\?\"?\w+\\?\"? claim value|signature verification failed|Invalid Compact JWS",
    ),
    "a message of the engine": re.compile(
        r"Cannot (?:read properties|destructure)|is not a function|is not iterable|Illegal arguments|argument must be of type"
    ),
}


def internals(text: str) -> str | None:
    """What kind of internal detail a reply shows; None when it shows none that we know."""
    return next((kind for kind, pattern in INTERNALS.items() if pattern.search(text)), None)
