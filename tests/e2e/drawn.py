"""Pages that several tests open."""

from __future__ import annotations

from functools import lru_cache

from evals.report.page import comparison_page
from graders.criterion import Dimension
from tests.pages import World, made


@lru_cache
def small() -> str:
    return comparison_page(*made())


@lru_cache
def matrix() -> str:
    return comparison_page(*made(World(cases=12, criteria=8, shared_ids=True, licensed=tuple(Dimension))))
