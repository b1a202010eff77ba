"""The work as a task of Inspect AI: `inspect eval inspect_task.py -T n=200`."""

from __future__ import annotations

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import Score, Scorer, Target, accuracy, includes, scorer
from inspect_ai.solver import TaskState, generate, system_message

from benchmarks.work import MAX_TOKENS, passes, persona, prompt


@scorer(metrics=[accuracy()])
def fields() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=int(passes(state.output.completion)))

    return score


@task
def bench(n: int = 200, cache: bool = False) -> Task:
    return Task(
        dataset=[Sample(id=number + 1, input=prompt(number), target="answer is") for number in range(n)],
        solver=[system_message(persona()), generate(cache=cache)],
        scorer=[includes(), fields()],
        config=GenerateConfig(max_tokens=MAX_TOKENS),
    )
