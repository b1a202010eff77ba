"""The simulation of the gate: its worlds are what they say they are, and a small run of it keeps the promises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.power import BEGIN, END, Outcome, Setting, Situation, main, missing, simulate
from benchmarks.shipped import shipped_tables
from benchmarks.worlds import (
    CaseModel,
    World,
    collapsed,
    draw_scores,
    drop,
    published,
    reshuffled,
    trial_scores,
    unchanged,
    variance_within,
)
from evals.gate import Schedule
from evals.scores import trial_score
from graders.criterion import Criterion, Dimension, Sort, Status

ROOT = Path(__file__).parent.parent


def test_scores_are_the_scorecards_own_arithmetic() -> None:
    rng = np.random.default_rng(1)
    points = np.array([3, 2, -4, 1])
    criteria = [
        Criterion(
            id=f"c{n}",
            dimension=Dimension.SECURITY,
            sort=Sort.DEPTH,
            points=int(worth),
            statement="",
            guidance="",
            covers=(),
            graders=(),
        )
        for n, worth in enumerate(points)
    ]
    passed = rng.random((40, 4)) < 0.5
    expected = [
        trial_score((c, Status.PASS if p else Status.FAIL) for c, p in zip(criteria, row, strict=True))
        for row in passed
    ]
    assert trial_scores(passed, points) == pytest.approx(expected)
    assert np.isnan(trial_scores(passed[:, 2:3], points[2:3])).all()


@pytest.mark.parametrize(("alike", "correlation"), [(False, 0.05), (True, 0.30)])
def test_the_worlds_are_as_described(*, alike: bool, correlation: float) -> None:
    rng = np.random.default_rng(2)
    world = published(3_000, rng, alike=alike)
    rates = np.stack([case.rates for case in world.cases])
    assert rates.mean() == pytest.approx(0.85, abs=0.005)
    assert rates.var() / (0.85 * 0.15) == pytest.approx(0.6, abs=0.02), "ICC of a verdict"
    # m verdicts correlated by c: their mean has (1 + (m - 1) c) / m of one verdict's variance
    within = variance_within(world, 3_000) / float(np.mean(rates * (1 - rates)))
    assert (6 * within - 1) / 5 == pytest.approx(correlation, abs=0.02)


def test_effects_do_what_they_say() -> None:
    rng = np.random.default_rng(3)
    world = published(2_000, rng)

    def mean(changed: World, dimension: int | None = None) -> float:
        return float(
            np.mean([c.rates[:, c.dimension == dimension] if dimension is not None else c.rates for c in changed.cases])
        )

    assert mean(world) - mean(drop(5)(world)) == pytest.approx(0.05, abs=0.001)
    one = drop(15, dimension=0)(world)
    assert mean(world, 0) - mean(one, 0) == pytest.approx(0.15, abs=0.005)
    assert mean(one, 1) == mean(world, 1)
    assert mean(reshuffled(world)) == pytest.approx(mean(world))
    assert (reshuffled(world).cases[0].rates != world.cases[0].rates).any()
    assert [c.rates.max() for c in collapsed(2)(world).cases[:3]][:2] == [0.0, 0.0]
    assert collapsed(2)(world).cases[2] is world.cases[2]


def test_a_judge_errs_as_often_as_it_is_said_to() -> None:
    case = CaseModel(points=np.ones(1, dtype=np.int64), dimension=np.zeros(1, dtype=np.int64), rates=np.array([[0.8]]))
    world = World(cases=(case,), dimensions=1, latent=0.0, sensitivity=0.95, specificity=0.9)
    seen = draw_scores(world, 4_000, 5, np.random.default_rng(4))[..., 0].mean()
    assert seen == pytest.approx(0.8 * 0.95 + 0.2 * 0.1, abs=0.01)


def gate(effect: object, worlds: int = 250) -> Outcome:
    return simulate(Situation(name="x", effect=effect), Setting(), Schedule(baseline=10), worlds)  # type: ignore[arg-type]  # an effect


def test_a_small_run_keeps_the_promises() -> None:
    """250 worlds each: far enough from the promised figures that chance alone cannot fail it, near enough to notice a break."""
    still, lower, broken = gate(unchanged), gate(drop(10)), gate(drop(15, dimension=1))
    assert still.alarms <= 0.08
    assert still.calls <= 0.55 * 192
    assert lower.alarms >= 0.97
    assert broken.alarms >= 0.95
    assert lower.calls < still.calls
    assert gate(unchanged, 50) == gate(unchanged, 50)


@pytest.mark.parametrize(
    ("outcome", "missed"),
    [
        (Outcome(alarms=0.04, passes=0.9, calls=90), []),
        (Outcome(alarms=0.06, passes=0.9, calls=90), ["≤ 5%"]),
        (Outcome(alarms=0.04, passes=0.9, calls=100), ["≥ 50% fewer calls"]),
    ],
)
def test_a_missed_figure_is_noticed(outcome: Outcome, missed: list[str]) -> None:
    situation = Situation(name="x", effect=unchanged, at_most=0.05, saved=0.5)
    assert missing(situation, outcome, 192) == missed
    strong = replace(situation, at_most=None, saved=None, at_least=0.8)
    assert missing(strong, outcome, 192) == ["≥ 80%"]


def test_the_shipped_suite_is_simulated_from_its_scorecard() -> None:
    text = shipped_tables(ROOT, "backend-engineer", worlds=60)
    assert "By the grades that may gate today" in text
    assert "nothing changed" in text


def test_the_document_holds_what_the_simulation_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doc = tmp_path / "doc.md"
    doc.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr("benchmarks.power.report", lambda *_: ("new", 0))
    assert main(["--doc", str(doc)]) == 0
    assert doc.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    monkeypatch.setattr("benchmarks.power.report", lambda *_: ("new", 2))
    assert main([]) == 1
    doc.write_text("no marks\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--doc", str(doc)])
    assert doc.read_text(encoding="utf-8") == "no marks\n"
