"""The work with DeepEval: the SDK asks, two metrics without a model grade. `deepeval_run.py SAMPLES AT_ONCE FOLDER`.

Its cache of verdicts is off: it rewrites one file for each test case, and that is most of its time beyond a few hundred.
"""

from __future__ import annotations

import asyncio
import sys
from abc import abstractmethod

import anthropic
from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, CacheConfig, DisplayConfig
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase

from benchmarks.work import ANSWER, MAX_TOKENS, MODEL, passes, persona, prompt


class Checked(BaseMetric):
    """A metric that is a function of the text. DeepEval copies metrics by calling their class without arguments."""

    def __init__(self) -> None:
        self.threshold, self.async_mode, self.include_reason = 1.0, True, False

    @abstractmethod
    def check(self, text: str) -> bool: ...

    def measure(self, test_case: LLMTestCase, *_: object, **__: object) -> float:
        self.score = float(self.check(test_case.actual_output))
        self.success, self.reason = self.score >= 1, "checked"
        return self.score

    async def a_measure(self, test_case: LLMTestCase, *_: object, **__: object) -> float:
        return self.measure(test_case)

    def is_successful(self) -> bool:
        return bool(self.success)

    @property
    def __name__(self) -> str:
        return type(self).__name__


class Pattern(Checked):
    def check(self, text: str) -> bool:
        return ANSWER.search(text) is not None


class Fields(Checked):
    def check(self, text: str) -> bool:
        return passes(text)


async def answers(samples: int, at_once: int) -> list[LLMTestCase]:
    gate, system = asyncio.Semaphore(at_once), persona()
    async with anthropic.AsyncAnthropic(max_retries=5) as client:

        async def ask(number: int) -> LLMTestCase:
            async with gate:
                message = await client.messages.create(
                    model=MODEL,
                    max_tokens=MAX_TOKENS,
                    system=system,
                    messages=[{"role": "user", "content": prompt(number)}],
                )
            text = "".join(block.text for block in message.content if block.type == "text")
            return LLMTestCase(input=prompt(number), actual_output=text, name=f"case-{number}")

        return list(await asyncio.gather(*map(ask, range(samples))))


def main(samples: int, at_once: int, folder: str) -> None:
    evaluate(
        asyncio.run(answers(samples, at_once)),
        metrics=[Pattern(), Fields()],
        async_config=AsyncConfig(max_concurrent=at_once),
        cache_config=CacheConfig(write_cache=False, use_cache=False),
        display_config=DisplayConfig(
            show_indicator=False, print_results=False, results_folder=folder, inspect_after_run=False
        ),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
