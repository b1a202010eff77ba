"""How often the gate is wrong, and what it costs: `make power`.

The gate's own rules (`evals.gate`) and tests (`evals.statistics`) decide in worlds whose truth is known. Required figures
that are missed make the command fail. `--doc FILE` puts the tables between the marks in that file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.shipped import shipped_tables
from benchmarks.worlds import (
    Effect,
    Floats,
    collapsed,
    draw_scores,
    drop,
    published,
    reshuffled,
    unchanged,
)
from evals.comparison import Verdict
from evals.gate import Schedule
from evals.report.tables import table
from evals.statistics.arrangements import Design
from evals.statistics.exact import Table, exact_test
from evals.statistics.family import family_tests

SEED = 20_261
WORLDS = 4_000
PERMUTATIONS = 1_999
BEGIN, END = "<!-- power: begin -->", "<!-- power: end -->"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Shares of worlds by verdict, and answers asked for on average."""

    alarms: float
    passes: float
    calls: float


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What happens to the candidate, and what the gate must make of it."""

    name: str
    effect: Effect
    at_most: float | None = None
    """Largest share of alarms allowed."""
    at_least: float | None = None
    """Smallest share of alarms required."""
    saved: float | None = None
    """Smallest share of the fixed design's calls that must be saved."""


def situations(*, required: bool) -> tuple[Situation, ...]:
    need = (lambda value: value) if required else (lambda _: None)
    return (
        Situation(name="nothing changed", effect=unchanged, at_most=need(0.05), saved=need(0.5)),
        Situation(name="cases reshuffled, mean equal", effect=reshuffled, at_most=need(0.05)),
        Situation(name="overall -3 points", effect=drop(3)),
        Situation(name="overall -5 points", effect=drop(5), at_least=need(0.80)),
        Situation(name="overall -10 points", effect=drop(10), at_least=need(0.99)),
        Situation(name="one dimension -10 points", effect=drop(10, dimension=0)),
        Situation(name="one dimension -15 points", effect=drop(15, dimension=0), at_least=need(0.95)),
        Situation(name="2 of 24 cases collapse", effect=collapsed(2)),
    )


def run_gate(base: Floats, candidate: Floats, schedule: Schedule) -> Outcome:
    """The sequential gate on many worlds at once: each goes on until its own gate stops."""
    worlds, cases = base.shape[:2]
    going = np.arange(worlds)
    verdicts: dict[int, Verdict] = {}
    calls = 0
    for look, repeats in enumerate(schedule.looks):
        values = np.concatenate([base[going], candidate[going, :, :repeats]], axis=2)
        design = Design((schedule.baseline,) * cases, (repeats,) * cases)
        flat = values.reshape(len(going), -1, values.shape[3])
        decided = [schedule.decide(look, shifts) for shifts in family_tests(flat, design, permutations=PERMUTATIONS)]
        verdicts |= {int(world): verdict for world, verdict in zip(going, decided, strict=True) if verdict}
        calls += cases * repeats * sum(verdict is not None for verdict in decided)
        going = going[[verdict is None for verdict in decided]]
        if not len(going):
            break
    found = list(verdicts.values())
    return Outcome(
        alarms=found.count(Verdict.REGRESSED) / worlds,
        passes=sum(verdict in (Verdict.NOT_WORSE, Verdict.IMPROVED) for verdict in found) / worlds,
        calls=calls / worlds,
    )


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Which world, and who grades in it."""

    alike: bool = False
    sensitivity: float = 1.0
    specificity: float = 1.0


def simulate(situation: Situation, setting: Setting, schedule: Schedule, worlds: int = WORLDS) -> Outcome:
    """One situation; the same seed draws the same suites and baselines for each."""
    rng = np.random.default_rng(SEED)
    world = published(worlds, rng, alike=setting.alike)
    world = replace(world, sensitivity=setting.sensitivity, specificity=setting.specificity)
    base = draw_scores(world, worlds, schedule.baseline, rng)
    candidate = draw_scores(situation.effect(world), worlds, schedule.looks[-1], rng)
    return run_gate(base, candidate, schedule)


def gate_table(setting: Setting, *, required: bool) -> tuple[str, int]:
    """The table of one setting, and how many required figures are missed."""
    schedule = Schedule(baseline=10)
    rows, missed = [], 0
    for situation in situations(required=required):
        outcome = simulate(situation, setting, schedule)
        cap = 24 * schedule.looks[-1]
        wanted = list(_wanted(situation, outcome, cap))
        missed += len(missing(situation, outcome, cap))
        said = ", ".join(f"{text} {'met' if met else 'MISSED'}" for text, met in wanted)
        rows.append([situation.name, _percent(outcome.alarms), _percent(outcome.passes), f"{outcome.calls:.0f}", said])
    headers = ["situation", "alarm", "not worse", "calls of 192", "required"]
    return table(rows, headers, markdown=True), missed


def _wanted(situation: Situation, outcome: Outcome, cap: int) -> Iterator[tuple[str, bool]]:
    if situation.at_most is not None:
        yield f"≤ {situation.at_most:.0%}", outcome.alarms <= situation.at_most
    if situation.at_least is not None:
        yield f"≥ {situation.at_least:.0%}", outcome.alarms >= situation.at_least
    if situation.saved is not None:
        yield f"≥ {situation.saved:.0%} fewer calls", outcome.calls <= (1 - situation.saved) * cap


def missing(situation: Situation, outcome: Outcome, cap: int) -> list[str]:
    """The required figures that are missed."""
    return [text for text, met in _wanted(situation, outcome, cap) if not met]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def flag_table(worlds: int = 500) -> str:
    """What one strict flag an answer (every criterion passed) would see with all 192 calls, by the exact test."""
    rows = []
    for name, effect in (
        ("nothing changed", unchanged),
        ("overall -5 points", drop(5)),
        ("overall -10 points", drop(10)),
    ):
        rng = np.random.default_rng(SEED)
        world = published(worlds, rng)
        base = draw_scores(world, worlds, 10, rng)[..., 0] >= 1
        candidate = draw_scores(effect(world), worlds, 8, rng)[..., 0] >= 1
        alarms = [_flag_p(one, other) <= 0.05 for one, other in zip(base, candidate, strict=True)]
        rows.append([name, _percent(float(np.mean(alarms)))])
    return table(rows, ["situation", "alarm"], markdown=True)


def _flag_p(base: Sequence[Sequence[bool]], candidate: Sequence[Sequence[bool]]) -> float:
    tables = [
        Table(base_passes=int(sum(b)), base_scored=len(b), candidate_passes=int(sum(c)), candidate_scored=len(c))
        for b, c in zip(base, candidate, strict=True)
    ]
    return exact_test(tables).mid_p_worse


def report(root: Path, suite: str) -> tuple[str, int]:
    """Every table with its title, and how many required figures are missed."""
    exact, missed = gate_table(Setting(), required=True)
    judged, _ = gate_table(Setting(sensitivity=0.95, specificity=0.90), required=False)
    harder, _ = gate_table(Setting(alike=True), required=False)
    error = 100 * np.sqrt(0.05 * 0.95 / WORLDS)
    intro = (
        "24 cases × 6 criteria in 3 dimensions, mean 0.85, hidden correlation within an answer 0.3, ICC 0.6, baseline of "
        f"10 answers a case, looks at 2, 3, 5 and 8; {WORLDS:,} worlds a row, standard error at 5 %: {error:.1f} points."
    )
    parts = [
        intro,
        f"Graders without error:\n\n{exact}",
        f"A judge of sensitivity 0.95 and specificity 0.90 decides everything:\n\n{judged}",
        f"A harder world, graders without error: one pass rate a case, verdicts themselves correlated by 0.3:\n\n{harder}",
        f"For comparison, one strict flag an answer, all 192 calls, exact test (mid-p):\n\n{flag_table()}",
        shipped_tables(root, suite),
    ]
    return "\n\n".join(parts), missed


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.power", description=__doc__)
    parser.add_argument("--suite", default="backend-engineer")
    parser.add_argument("--doc", type=Path, help="file whose marked part is replaced by the tables")
    args = parser.parse_args(argv)
    before, begin, rest = args.doc.read_text(encoding="utf-8").partition(BEGIN) if args.doc else ("", BEGIN, END)
    _, end, after = rest.partition(END)
    if not (begin and end):
        parser.error(f"{args.doc} has no lines `{BEGIN}` and `{END}`")
    text, missed = report(Path.cwd(), args.suite)
    print(text)
    if args.doc:
        args.doc.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    if missed:
        print(f"\n{missed} required figures are missed", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
