"""A small project with recorded fixtures: what most integration tests begin with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., tuple[int, str, str]]

ANSWER = """\
I take parameters, because text in SQL can be injected.

**`app.py`**

```python
def login(db, name):
    return db.execute("SELECT id FROM users WHERE name = %s", (name,))
```
"""
VERDICT = json.dumps({"reason": "It says why.", "quotes": ["because text in SQL can be injected"], "verdict": "pass"})
DECLARED = {"conversation": "fixture", "judge_context": "alone"}


def answer_pending(project: Path, cli: Cli, answer: str = ANSWER, verdict: str = VERDICT) -> int:
    """Export, answer by script, import; the number of responses kept."""
    code, out, err = cli(project, "export", "requests", "--suite", "small")
    assert code == 0, err
    lines = []
    for line in out.splitlines():
        request = json.loads(line)
        text = verdict if "output_config" in request["params"] else f"{answer}\nAnswer {request['custom_id'][:8]}.\n"
        lines.append(
            json.dumps(
                {
                    "custom_id": request["custom_id"],
                    "result": {"type": "succeeded", "message": {"content": [{"type": "text", "text": text}]}},
                }
            )
        )
    (project / "results.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (project / "declared.json").write_text(json.dumps(DECLARED), encoding="utf-8")
    code, out, err = cli(
        project,
        "import",
        "responses",
        "results.jsonl",
        "--suite",
        "small",
        "--set",
        "fixtures",
        "--declare",
        "declared.json",
    )
    assert code == 0, err
    return len(lines)


@pytest.fixture
def recorded(project: Path, cli: Cli) -> Path:
    """The small project with all recordings, a lock and scorecards."""
    assert answer_pending(project, cli) == 4, "one case, two revisions, two repeats"
    assert answer_pending(project, cli) == 8, "two criteria ask the judge about each answer"
    for verb in (("lock",), ("run", "--suite", "small")):
        code, _, err = cli(project, *verb)
        assert code == 0, err
    return project
