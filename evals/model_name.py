"""Names of a model: the same one goes by several, on each platform and with a date behind it.

Here: which row of a table a name belongs to. Not here: the tables.
"""

from __future__ import annotations

import re
from functools import lru_cache

BEDROCK = re.compile(r"(?:[a-z]{2,6}\.)?anthropic\.(?P<name>.+?)(?:-v\d+(?::\d+)?)?")


def plain_name(model: str) -> str:
    """The name as the Messages API spells it, of one as Amazon Bedrock or Google Vertex AI spell it.

    >>> plain_name("us.anthropic.claude-haiku-4-5-20251001-v1:0"), plain_name("claude-haiku-4-5@20251001")
    ('claude-haiku-4-5-20251001', 'claude-haiku-4-5-20251001')
    """
    name = model.rsplit("/", 1)[-1] if model.startswith("arn:") else model
    match = BEDROCK.fullmatch(name)
    return (match["name"] if match else name).replace("@", "-")


@lru_cache(maxsize=1024)  # each request asks this of each row
def is_named(model: str, row: str) -> bool:
    """Whether a model is the one that a row of a table is about. A date behind the name is no other model.

    >>> is_named("claude-haiku-4-5-20251001", "claude-haiku-4-5"), is_named("claude-opus-5-5", "claude-opus-5")
    (True, False)
    """
    name = plain_name(model)
    rest = name.removeprefix(f"{row}-")
    return name == row or (rest != name and len(rest) == 8 and rest.isdigit())
