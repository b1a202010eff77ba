"""Ways of dealing the labels of two sides within each case: all of them where they are few, else a fixed sample.

Here: the arrangements. Not here: what is computed under them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
FEW = 20_000
"""Up to so many arrangements are gone through one by one."""


@dataclass(frozen=True)
class Design:
    """Repeats per case on either side, each at least 1. Answers stand case by case, the base's first."""

    base: tuple[int, ...]
    candidate: tuple[int, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Answers of each (case, side)."""
        return tuple(size for pair in zip(self.base, self.candidate, strict=True) for size in pair)

    @property
    def totals(self) -> tuple[int, ...]:
        """Answers of each case."""
        return tuple(one + other for one, other in zip(self.base, self.candidate, strict=True))

    @property
    def is_candidate(self) -> NDArray[np.bool_]:
        """For each answer, whether it is the candidate's."""
        return np.repeat(np.tile([False, True], len(self.base)), self.sizes)


@dataclass(frozen=True)
class Arrangements:
    """Arrangement × answer: 1 where the answer carries the candidate's label."""

    labels: Floats
    complete: bool
    """Whether these are all arrangements there are."""


@lru_cache(maxsize=8)
def arrangements(design: Design, wanted: int) -> Arrangements:
    """All arrangements, or `wanted` sampled ones.

    The generator's seed follows from the design alone: equal data give equal results on every machine, and nobody can
    draw again until the result pleases.
    """
    ways = prod(comb(total, drawn) for total, drawn in zip(design.totals, design.candidate, strict=True))
    if ways <= FEW:
        return Arrangements(_all(design, ways), complete=True)
    rng = np.random.Generator(np.random.PCG64([*design.base, *design.candidate, wanted]))
    blocks = [
        _dealt(rng.random((wanted, total)), drawn) for total, drawn in zip(design.totals, design.candidate, strict=True)
    ]
    return Arrangements(np.hstack(blocks), complete=False)


def _dealt(keys: Floats, drawn: int) -> Floats:
    """Give the label to the answers with the smallest keys of each row."""
    labels = np.zeros_like(keys)
    chosen = np.argpartition(keys, drawn - 1, axis=1)[:, :drawn]
    np.put_along_axis(labels, chosen, 1.0, axis=1)
    return labels


def _all(design: Design, ways: int) -> Floats:
    """Every combination of every case's own arrangements."""
    index, blocks = np.arange(ways), []
    for total, drawn in zip(design.totals, design.candidate, strict=True):
        own = np.array([[place in chosen for place in range(total)] for chosen in combinations(range(total), drawn)])
        index, this = np.divmod(index, len(own))
        blocks.append(own[this].astype(np.float64))
    return np.hstack(blocks)
