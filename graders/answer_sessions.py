"""Shell and interpreter sessions: what was typed, without prompts and without what came back.

Here: prompts. Not here: which language the commands are in beyond what the prompt itself says.
"""

from __future__ import annotations

import re

SHELL = re.compile(
    r"\s{0,4}(?:\([\w.-]+\)\s+)?(?:[\w.-]+@[\w.-]+(?::[^\s$#%]*)?\s?|[~/][\w./~-]*\s?)?[$%❯](?:\s+(?P<typed>.*)|$)"
)
PYTHON = re.compile(r"\s{0,4}(?:>>>|\.\.\.)(?: (?P<typed>.*)|$)")
PSQL = re.compile(r"\s{0,4}\w+[=\-('\"*][#>](?:\s+(?P<typed>.*)|$)")
PROMPTS = (("python", PYTHON), ("bash", SHELL), ("sql", PSQL))
HOSTS = {
    "python": {None, "python", "bash", "text"},
    "bash": {None, "bash", "text", "sql"},
    "sql": {None, "sql", "bash", "text"},
}
"""Labels under which each kind of session is found."""


def typed(text: str, label: str | None) -> tuple[str, str] | None:
    """The language of a session and what was typed in it, line for line; None where a text is no session.

    Lines that the program wrote become empty, so that line numbers stay right.
    """
    lines = text.split("\n")
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    for language, prompt in PROMPTS:
        if (
            label in HOSTS[language]
            and prompt.match(first)
            and not (language == "python" and first.lstrip().startswith("..."))
        ):
            return language, "\n".join(_typed(lines, prompt, language))
    return None


def _typed(lines: list[str], prompt: re.Pattern[str], language: str) -> list[str]:
    kept: list[str] = []
    goes_on = ""
    for line in lines:
        found = prompt.match(line)
        if goes_on == "\\" or (goes_on not in {"", "\\"}):
            kept.append(line.removeprefix("> "))
            goes_on = _open_end(kept[-1], goes_on, language)
        elif found:
            kept.append(found["typed"] or "")
            goes_on = _open_end(kept[-1], "", language)
        else:
            kept.append(line if line.lstrip().startswith("#") else "")
    return kept


def _open_end(line: str, goes_on: str, language: str) -> str:
    """What keeps a command open beyond its line: a backslash, or the word that ends a here-document. Empty where it ends."""
    if language != "bash":
        return ""
    if goes_on not in {"", "\\"}:
        return "" if line.strip() == goes_on else goes_on
    here = re.search(r"<<-?\s*[\"']?([A-Za-z_]\w*)", line)
    if here:
        return here[1]
    return "\\" if line.endswith("\\") else ""
