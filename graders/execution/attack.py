"""An attack: something done to a running answer, and what was seen.

Here: the values that suites of attacks share. Not here: any attack, or how outcomes become grades.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from graders.criterion import Status


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an attack decided, and the transcript that proves it."""

    status: Status
    """`UNSCORED`: it could not be tried (with why); never a silent pass."""
    reason: str
    transcript: tuple[str, ...] = ()
    """What was done and seen, in order: request, reply, state before and after. Nothing that differs from run to run."""


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One attack of a suite."""

    id: str
    """`JWT-SEC-2`; stable."""
    title: str
    """What is tried, in a few words."""
    version: int = 1
    """Raised when the same code may be judged differently."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A good answer with one defect seeded, and the attacks of which at least one has to notice it."""

    id: str
    """`payment-no-unique-key`."""
    answer: str
    """File name of the good answer, without ending."""
    file: str
    """Which of its files is changed."""
    old: str
    """Text that stands there exactly once."""
    new: str
    noticed_by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Attacks on answers to one kind of task."""

    name: str
    attacks: tuple[Attack, ...]
    files: tuple[str, ...]
    """Files of the answer that it needs."""
    run: Callable[[Mapping[str, str], Collection[str]], Mapping[str, Outcome]]
    """Files by name and ids of the wanted attacks → an outcome for each of them. Raises BoxError when no box can be had."""
    good_answers: Callable[[], Mapping[str, str]] = dict
    """Sound answers by name, as Markdown: none may fail any attack."""
    mutants: Callable[[], tuple[Mutant, ...]] = tuple
    """Defects to seed into them, one at a time: each has to be noticed."""


AttackSuite = Suite
"""Its name outside this package, where a suite is one of cases."""
