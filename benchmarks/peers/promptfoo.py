"""The work as a configuration of promptfoo, which reads no code of ours."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.work import ANSWER, KEY, MAX_TOKENS, MODEL, persona, prompt

FIELDS = (
    "((d) => d.verdict === 'ok' && d.score === 7)"
    "(JSON.parse(output.slice(output.lastIndexOf('{'), output.lastIndexOf('}') + 1)))"
)


def write_config(path: Path, url: str, samples: int) -> None:
    """A configuration that asks the server at `url`."""
    messages = [{"role": "system", "content": persona()}, {"role": "user", "content": "{{prompt}}"}]
    config = {
        "description": "bench",
        "prompts": [{"id": "bench", "label": "bench", "raw": json.dumps(messages)}],
        "providers": [
            {
                "id": f"anthropic:messages:{MODEL}",
                "config": {"apiBaseUrl": url, "apiKey": KEY, "max_tokens": MAX_TOKENS},
            }
        ],
        "defaultTest": {
            "assert": [{"type": "regex", "value": ANSWER.pattern}, {"type": "javascript", "value": FIELDS}]
        },
        "tests": [{"description": f"case-{n}", "vars": {"prompt": prompt(n)}} for n in range(samples)],
    }
    path.write_text(json.dumps(config))
