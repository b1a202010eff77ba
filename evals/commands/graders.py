"""Who grades in a run: processes of this machine or a cluster, with this machine's memory of grades in front.

Here: putting them together. Not here: any of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing

from evals.commands import shared
from evals.errors import InputError
from evals.execution import Attacked, Executor
from evals.grade_cache import GradeCache
from evals.grading import Grader, Split, Threads, Work
from evals.project import Project
from evals.report.safe import plain
from evals.workers import Rules
from graders.criterion import Criterion, Kind
from graders.work import by_attack, by_rule

LOCAL = "local"


@asynccontextmanager
async def grader(
    home: Project, executor: Executor, *, where: str, answers: int, remember: bool
) -> AsyncIterator[Grader]:
    """A grader for so many answers, `local` or at dask://HOST:PORT. Raises InputError where nobody can grade there."""
    async with AsyncExitStack() as stack:
        boxes = executor.level if isinstance(executor, Attacked) else None
        rules, attacks = await _works(stack, where, boxes, answers)
        memory = _memory(home, stack) if remember else None
        if memory is not None:
            from evals.grade_marks import attack_mark, rule_mark
            from evals.remembering import Remembering

            def mark(criterion: Criterion) -> str:
                return attack_mark(criterion, boxes or "")

            rules = Remembering(rules, memory, Kind.RULE, rule_mark)
            attacks = Remembering(attacks, memory, Kind.EXECUTION, mark)
        yield Split(rules, attacks if boxes else executor.grades)


async def _works(stack: AsyncExitStack, where: str, boxes: str | None, answers: int) -> tuple[Work, Work]:
    if where == LOCAL:
        return stack.enter_context(closing(Rules(answers))), stack.enter_context(closing(Threads()))
    from evals.dask_workers import OnCluster, cluster

    found = await stack.enter_async_context(cluster(where, boxes))
    shared.say(plain(f"answers are graded by {where}"))
    return OnCluster(found, by_rule), OnCluster(found, by_attack)


def _memory(home: Project, stack: AsyncExitStack) -> GradeCache | None:
    """The memory of grades; None, with a word about it, where it cannot be used: nothing depends on it."""
    try:
        memory = GradeCache(home.memory / "grades")
    except InputError as error:
        shared.say(plain(f"warning: {error}"))
        return None
    stack.callback(_closing(memory))
    return memory


def _closing(memory: GradeCache) -> Callable[[], None]:
    def close() -> None:
        trouble = memory.close()
        if trouble:
            shared.say(plain(f"warning: some grades were not remembered ({trouble}); nothing else is missing"))

    return close
