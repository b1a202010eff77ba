"""Who grades the grader: sound answers must pass every attack, and answers with one seeded defect must fail one.

Here: running them and what came of it. Not here: the answers (each suite's own), or printing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from evals.case import Case
from graders.answer import read_answer
from graders.criterion import Criterion, Grade, Status
from graders.execution.attack import Mutant, Suite
from graders.execution.grading import attacks_of, grade_attacks

SHARE = 0.95
"""Of the seeded defects so many must be noticed."""

Progress = Callable[[str, int, int], None]


class BadMutant(Exception):
    """A seeded defect that does not fit the answer it is seeded into."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One answer to run: as it is, or with a defect."""

    suite: Suite
    case: Case
    name: str
    answer: str
    """The sound answer that it is, or that the defect is seeded into."""
    text: str
    should_fail: tuple[str, ...]
    """Criteria of which at least one has to fail; empty for a sound answer."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the attacks said of it."""

    job: Job
    failed: tuple[str, ...]
    """Criteria that failed, in the case's order."""
    passed: tuple[str, ...]
    unscored: tuple[tuple[str, str], ...]
    """Criteria that could not be decided, each with the reason."""

    @property
    def sound(self) -> bool:
        """Whether it came out as it must."""
        if not self.job.should_fail:
            return not self.failed and not self.unscored
        return bool(set(self.failed) & set(self.job.should_fail))


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that was run."""

    results: tuple[Result, ...]

    @property
    def defects(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.job.should_fail)

    @property
    def answers(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if not result.job.should_fail)

    @property
    def noticed(self) -> float:
        """Share of the defects that were noticed, 0 to 1; 1 without defects."""
        return sum(result.sound for result in self.defects) / len(self.defects) if self.defects else 1.0

    @property
    def mute(self) -> tuple[str, ...]:
        """Criteria that no defect made fail: attacks that cannot fail are defects themselves."""
        asked = [f"{r.job.case.id}/{name}" for r in self.results for name in (*r.failed, *r.passed)]
        failed = {f"{r.job.case.id}/{name}" for r in self.defects for name in r.failed}
        return tuple(name for name in dict.fromkeys(asked) if name not in failed)

    @property
    def passed(self) -> bool:
        return self.noticed >= SHARE and all(result.sound for result in self.answers) and not self.mute


def seeded(answer: str, mutant: Mutant) -> str:
    """An answer's text with the defect in it. Raises BadMutant unless `old` stands in it exactly once."""
    found = answer.count(mutant.old)
    if found != 1:
        message = f"{mutant.id}: the text to replace stands {found} times in {mutant.answer}, not once"
        raise BadMutant(message)
    return answer.replace(mutant.old, mutant.new)


def jobs(suite: Suite, case: Case) -> Iterator[Job]:
    """Every sound answer of a suite, then every defect. Raises BadMutant."""
    answers = suite.good_answers()
    for name, text in answers.items():
        yield Job(suite=suite, case=case, name=name, answer=name, text=text, should_fail=())
    for mutant in suite.mutants():
        expected = tuple(c.id for c in case.criteria if set(attacks_of(c)) & set(mutant.noticed_by))
        if expected:
            text = seeded(answers[mutant.answer], mutant)
            yield Job(suite=suite, case=case, name=mutant.id, answer=mutant.answer, text=text, should_fail=expected)


def selftest(work: Sequence[Job], progress: Progress = lambda *_: None) -> Report:
    """Run every job, as many at once as there are cores; where no box is to be had, every result is unscored."""
    results = []
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for done, result in enumerate(pool.map(_run, work), 1):
            results.append(result)
            progress("answers attacked", done, len(work))
    return Report(results=tuple(results))


def _run(job: Job) -> Result:
    criteria = tuple(c for c in job.case.criteria if attacks_of(c))
    grades = {
        g.criterion: g
        for g in grade_attacks(criteria, read_answer(job.text, job.case.task), job.case.task, (job.suite,))
    }
    return Result(
        job=job,
        failed=_with(criteria, grades, Status.FAIL),
        passed=_with(criteria, grades, Status.PASS),
        unscored=tuple((name, grades[name].reason) for name in _with(criteria, grades, Status.UNSCORED)),
    )


def _with(criteria: Sequence[Criterion], grades: dict[str, Grade], status: Status) -> tuple[str, ...]:
    return tuple(c.id for c in criteria if grades[c.id].status is status)
