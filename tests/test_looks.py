"""Levels of interim looks: against published design figures, and against paths that are simulated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from evals.statistics.looks import information, nominal_levels, spent_alpha


def test_one_look_spends_everything() -> None:
    assert nominal_levels(10, (8,)) == pytest.approx((0.05,))


def test_spending_by_hand() -> None:
    # gamma -1, half of the information: 0.05 (e^0.5 - 1) / (e - 1)
    assert spent_alpha(0.5, 0.05) == pytest.approx(0.05 * 0.6487212707 / 1.7182818285)
    assert spent_alpha(0.0, 0.05) == 0.0


def test_five_equal_looks_of_hwang_shih_decani() -> None:
    """gamma -4, one-sided 2.5 %, five equally spaced looks: 3.25, 2.99, 2.69, 2.37, 2.03 (gsDesign manual, table)."""
    huge = 10**9  # with an endless baseline, information is the candidate's repeats alone
    levels = nominal_levels(huge, (1, 2, 3, 4, 5), alpha=0.025, gamma=-4.0)
    assert [-float(ndtri(level)) for level in levels] == pytest.approx([3.25, 2.99, 2.69, 2.37, 2.03], abs=0.01)


def test_simulated_paths_cross_as_often_as_promised() -> None:
    rng = np.random.default_rng(4)
    looks = (2, 3, 5, 8)
    levels = nominal_levels(10, looks)
    paths = 200_000
    base = rng.normal(size=paths) / np.sqrt(10)
    draws = rng.normal(size=(paths, 8))
    crossed = np.zeros(paths, dtype=bool)
    for repeats, level in zip(looks, levels, strict=True):
        z = (draws[:, :repeats].mean(axis=1) - base) * np.sqrt(information(10, repeats))
        crossed |= z <= ndtri(level)
    assert crossed.mean() == pytest.approx(0.05, abs=0.002)
