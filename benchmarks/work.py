"""The work of a benchmark: a persona of 5 KB, prompts of 1 KB, replies of 3 KB, two graders. The same for whoever does it.

Here: the texts, the plain graders, and a project of ours around them. Where our work differs from the others': they have as
many prompts as samples, we have ten cases and as many repeats as it takes, since repeats are what a suite is made of.
"""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

WORDS = [
    "harbour",
    "lantern",
    "careful",
    "evening",
    "quiet",
    "answer",
    "promise",
    "customer",
    "ledger",
    "reply",
    "gentle",
    "precision",
    "case",
    "shipment",
    "invoice",
    "window",
    "table",
    "orders",
    "account",
    "please",
    "review",
    "compare",
    "explain",
    "summary",
    "figure",
]
MODEL = "claude-sonnet-4-6"
MAX_TOKENS = 1024
CASES = 10
KEY = "sk-ant-benchmark"
EXPECTED = {"verdict": "ok", "score": 7}
ANSWER = re.compile(r"answer is \d+")


def words(seed: int, characters: int) -> list[str]:
    dice = random.Random(seed)  # noqa: S311 - the same words every time
    chosen: list[str] = []
    size = 0
    while size < characters:
        chosen.append(dice.choice(WORDS))
        size += len(chosen[-1]) + 1
    return chosen


def persona() -> str:
    """Some 5 KB."""
    rules = [f"Rule {number}: {' '.join(words(number, 150))}." for number in range(1, 32)]
    return "\n".join(["You are Mara, the night-desk concierge of a harbour hotel. Stay in persona.", *rules])


def prompt(number: int) -> str:
    """Some 1 KB."""
    return f"Case {number:06d}: {' '.join(words(1000 + number, 1000))}?"


def reply(mark: str) -> str:
    """Some 3 KB: a JSON object with paragraphs and two fields. `mark` makes it differ from other replies."""
    chosen = words(7, 2800)
    paragraphs = [" ".join(chosen[at : at + 45]).capitalize() + "." for at in range(0, len(chosen), 45)]
    text = "\n\n".join([f"Good evening. The answer is 42, number {mark}.", *paragraphs])
    return json.dumps({"text": text, **EXPECTED})


def passes(text: str) -> bool:
    """What a plain script grades: a pattern in the text, and the fields of the JSON object."""
    found = json.loads(text[text.rfind("{") : text.rfind("}") + 1])
    return ANSWER.search(text) is not None and all(found.get(name) == value for name, value in EXPECTED.items())


def body(number: int, system: str) -> dict[str, object]:
    """A request as the Messages API spells it."""
    messages = [{"role": "user", "content": prompt(number)}]
    return {"model": MODEL, "max_tokens": MAX_TOKENS, "system": system, "messages": messages}


SUITE = f"""persona: bench
max_tokens: {MAX_TOKENS}
repeats: 1
model: {MODEL}
judge: {MODEL}
"""
SHAPE = {"required": list(EXPECTED), "properties": {name: {"const": value} for name, value in EXPECTED.items()}}
CASE = """id: {id}
version: 1
family: {id}
title: A case of the benchmark
message: |
  {message}
criteria:
  - id: number
    dimension: judgement
    sort: tripwire
    points: 2
    statement: The answer states a number.
    guidance: Pass where it is there.
    covers: []
    graders:
      - text: {{matches: '{pattern}'}}
  - id: verdict
    dimension: judgement
    sort: depth
    points: 2
    statement: The answer is JSON and gives the expected verdict.
    guidance: Pass where both fields are right.
    covers: []
    graders:
      - text: {{json: {shape}}}
"""


def write_project(folder: Path) -> None:
    """A project whose only suite is this work."""
    cases, prompts = folder / "cases" / "bench", folder / "prompts" / "bench"
    cases.mkdir(parents=True)
    prompts.mkdir(parents=True)
    (cases / "suite.yaml").write_text(SUITE)
    for number in range(CASES):
        name = f"case-{number}"
        (cases / f"{name}.yaml").write_text(
            CASE.format(id=name, message=prompt(number), pattern=ANSWER.pattern, shape=json.dumps(SHAPE))
        )
    (prompts / "0001-bench.md").write_text(f"---\nname: bench\ndescription: A benchmark.\n---\n{persona()}\n")
