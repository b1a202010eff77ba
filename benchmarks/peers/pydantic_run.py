"""The work with pydantic-evals, the SDK's call as its task: `pydantic_run.py SAMPLES AT_ONCE FOLDER`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import anthropic
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import Evaluator, EvaluatorContext
from pydantic_evals.reporting import EvaluationReportAdapter

from benchmarks.work import ANSWER, MAX_TOKENS, MODEL, passes, persona, prompt


@dataclass
class Pattern(Evaluator):
    def evaluate(self, ctx: EvaluatorContext) -> bool:
        return ANSWER.search(ctx.output) is not None


@dataclass
class Fields(Evaluator):
    def evaluate(self, ctx: EvaluatorContext) -> bool:
        return passes(ctx.output)


async def main(samples: int, at_once: int, folder: Path) -> None:
    cases = [Case(name=f"case-{number}", inputs=prompt(number)) for number in range(samples)]
    dataset = Dataset(name="bench", cases=cases, evaluators=[Pattern(), Fields()])
    system = persona()
    async with anthropic.AsyncAnthropic(max_retries=5) as client:

        async def ask(text: str) -> str:
            message = await client.messages.create(
                model=MODEL, max_tokens=MAX_TOKENS, system=system, messages=[{"role": "user", "content": text}]
            )
            return "".join(block.text for block in message.content if block.type == "text")

        report = await dataset.evaluate(ask, max_concurrency=at_once, progress=False)
    (folder / "report.json").write_bytes(EvaluationReportAdapter.dump_json(report))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
