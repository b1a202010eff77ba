"""The figures that the project holds itself to, each measured beside the plain scripts in the same run.

CPU a sample is what one more sample takes, start-up left out (`table.each`). Where a step is short it is run several times,
the participants by turns, and the median counts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from benchmarks.child import Cost, bytes_below
from benchmarks.stage import ROOT, Stage
from benchmarks.table import Figure, each, middle

LIGHT = ("--help", "list cases", "list personas", "list rules", "list scorecards", "list recordings", "show")
HEAVY = ("compare 0000 0001", "gate 0000 0001")
STARTS = 0.10
STATISTICS = 1.5
VERDICTS = (0, 1, 3, 4)
"""What `gate` may end with: its start-up is measured, not its verdict. Everything else must end well."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many samples the steps take."""

    small: int = 1_000
    middle: int = 5_000
    large: int = 10_000
    huge: int | None = None
    """Of the long form only."""
    rounds: int = 3
    """How often a short step is run."""
    latency: int = 500
    """Milliseconds to a reply, where it takes time."""


@dataclass
class Measured:
    """Runs that several figures speak of."""

    stage: Stage
    sizes: Sizes
    runs: dict[int, Cost] = field(default_factory=dict)
    """Of ours, by the number of samples, nothing remembered before."""
    disk: dict[int, int] = field(default_factory=dict)
    """Bytes that such a run left, by the number of samples."""

    def fresh(self, samples: int) -> Cost:
        """A first run over so many samples, made once; its project stays, with everything remembered."""
        if samples not in self.runs:
            folder = self.stage.project(f"ours-{samples}")
            self.stage.serve()
            self.runs[samples] = self.stage.ours(folder, samples)
            self.disk[samples] = bytes_below(folder / ".evals", folder / "out")
        return self.runs[samples]


def by_turns(participants: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Each participant's costs, A B A B."""
    costs: dict[str, list[Cost]] = {name: [] for name in participants}
    for _ in range(rounds):
        for name, step in participants.items():
            costs[name].append(step())
    return costs


def cpu(costs: list[Cost]) -> float:
    return middle(cost.cpu for cost in costs)


def wall(costs: list[Cost]) -> float:
    return middle(cost.wall for cost in costs)


def starting(run: Measured) -> Iterator[Figure]:
    """1: start-up, on this repository's own suite."""
    stage = run.stage
    steps: dict[str, Callable[[], Cost]] = {"python": lambda: stage.python("-c", "pass")}
    for words in (*LIGHT, *HEAVY):
        codes = VERDICTS if words.startswith("gate") else (0,)
        steps[words] = partial(stage.evals, ROOT, *words.split(), codes=codes)
    costs = by_turns(steps, run.sizes.rounds)
    bare = cpu(costs["python"])
    for words in LIGHT:
        yield Figure(
            number=1,
            what=f"`{words}`, CPU above the interpreter",
            value=cpu(costs[words]) - bare,
            unit="s",
            limit=STARTS,
        )
    for words in HEAVY:
        yield Figure(number=1, what=f"`{words}`, CPU", value=cpu(costs[words]), unit="s", limit=STATISTICS)


def one_sample(run: Measured) -> Iterator[Figure]:
    """2: one sample that nobody remembers, the whole process."""
    stage = run.stage
    stage.serve()
    costs = by_turns(
        {
            "ours": lambda: stage.ours(stage.project("one"), 1),
            "plain SDK script": lambda: stage.plain("sdk", 1),
            "bare aiohttp": lambda: stage.plain("raw", 1),
        },
        run.sizes.rounds,
    )
    run.runs[1] = Cost(wall=wall(costs["ours"]), cpu=cpu(costs["ours"]), memory=costs["ours"][0].memory, others=0)
    for what, of in (("wall", wall), ("CPU", cpu)):
        beside = tuple((name, of(costs[name])) for name in ("plain SDK script", "bare aiohttp"))
        limit = 0.75 * beside[0][1]
        yield Figure(
            number=2, what=f"one sample, {what}", value=of(costs["ours"]), unit="s", limit=limit, beside=beside
        )


def cpu_each(run: Measured) -> Iterator[Figure]:
    """3: CPU a sample."""
    stage, samples = run.stage, run.sizes.middle
    start = run.fresh(1).cpu
    ours = each(run.fresh(samples).cpu, start, samples)
    beside = []
    for mode, name in (("sdkaio", "SDK over aiohttp"), ("sdk", "plain SDK script"), ("raw", "bare aiohttp")):
        stage.serve()
        first, all_ = stage.plain(mode, 1), stage.plain(mode, samples)
        beside.append((name, 1000 * each(all_.cpu, first.cpu, samples)))
    what = f"CPU a sample, {samples:,} samples, 50 at once"
    yield Figure(number=3, what=what, value=1000 * ours, unit="ms", limit=1.0, beside=tuple(beside))


def against_latency(run: Measured) -> Iterator[Figure]:
    """4: wall time against the least there can be."""
    stage, samples, latency = run.stage, run.sizes.small, run.sizes.latency
    at_once = min(100, samples)
    ideal = samples / at_once * latency / 1000
    steps: dict[str, Callable[[], Cost]] = {
        "ours": lambda: stage.ours(stage.project("slow"), samples, at_once),
        "plain SDK script": lambda: stage.plain("sdk", samples, at_once),
        "bare aiohttp": lambda: stage.plain("raw", samples, at_once),
    }
    took = {}
    for name, step in steps.items():
        stage.serve(latency=latency)
        took[name] = step().wall / ideal
    beside = tuple((name, took[name]) for name in ("plain SDK script", "bare aiohttp"))
    what = f"wall, {samples:,} samples of {latency} ms, {at_once} at once"
    yield Figure(number=4, what=what, value=took["ours"], unit=f"x the ideal {ideal:.2g} s", limit=1.3, beside=beside)


def remembered(run: Measured) -> Iterator[Figure]:
    """5: everything in the cache."""
    for samples, limit in ((run.sizes.small, 0.25), (run.sizes.large, 1.2)):
        run.fresh(samples)
        folder = run.stage.folder / f"ours-{samples}"
        run.stage.plain("fill", samples)
        run.stage.serve()
        costs = by_turns(
            {
                "ours": partial(run.stage.ours, folder, samples),
                "diskcache loop": partial(run.stage.plain, "warm", samples),
            },
            run.sizes.rounds,
        )
        asked = run.stage.stats()["requests"]
        for name, of in (("wall", wall), ("CPU", cpu)):
            what = f"all {samples:,} samples cached, {name} ({asked} requests)"
            beside = (("diskcache loop", of(costs["diskcache loop"])),)
            yield Figure(number=5, what=what, value=of(costs["ours"]), unit="s", limit=limit, beside=beside)


def memory(run: Measured) -> Iterator[Figure]:
    """6: memory at the peak, and what a sample adds."""
    small, large = run.sizes.small, run.sizes.large
    peak = run.fresh(large).memory
    growth = 1000 * (peak - run.fresh(small).memory) / max(1, large - small)
    yield Figure(number=6, what=f"memory at the peak, {large:,} samples", value=peak, unit="MB", limit=125)
    yield Figure(number=6, what=f"memory a sample adds, {small:,} to {large:,}", value=growth, unit="KB", limit=3)
    if run.sizes.huge:
        peak = run.fresh(run.sizes.huge).memory
        yield Figure(number=6, what=f"memory at the peak, {run.sizes.huge:,} samples", value=peak, unit="MB", limit=300)


def disk(run: Measured) -> Iterator[Figure]:
    """7: what is left on disk."""
    samples = run.sizes.large
    run.fresh(samples)
    yield Figure(
        number=7,
        what=f"on disk a sample, {samples:,} samples",
        value=run.disk[samples] / samples / 1000,
        unit="KB",
        limit=5,
    )


def faulty(run: Measured) -> Iterator[Figure]:
    """8: one request in twenty refused. Everything completes, and nothing is asked more often than it must."""
    stage, samples = run.stage, run.sizes.small
    stage.serve(faults=5)
    stage.ours(stage.project("faulty"), samples)
    seen = stage.stats()
    what = (
        f"5 % refused: {seen['answered']:,} of {samples:,} answered, {seen['refused']} refusals; requests beyond both"
    )
    unanswered = samples - seen["answered"]
    beyond = seen["requests"] - samples - seen["refused"]
    yield Figure(number=8, what=what, value=abs(unanswered) + abs(beyond), unit="requests", limit=0)


def linear(run: Measured) -> Iterator[Figure]:
    """9: ten times the samples, ten times the CPU."""
    small, large = run.sizes.small, run.sizes.large
    start = run.fresh(1).cpu
    few, many = each(run.fresh(small).cpu, start, small), each(run.fresh(large).cpu, start, large)
    what = f"CPU a sample at {large:,} over that at {small:,} ({1000 * many:.2f} and {1000 * few:.2f} ms)"
    yield Figure(number=9, what=what, value=many / few if few > 0 else 0.0, unit="x", limit=1.15)


STEPS = (starting, one_sample, cpu_each, against_latency, remembered, memory, disk, faulty, linear)


def measure(run: Measured, wanted: frozenset[int] = frozenset()) -> Iterator[Figure]:
    """The wanted figures (all, where none is named), as they come."""
    for number, step in enumerate(STEPS, 1):
        if not wanted or number in wanted:
            print(f"measuring figure {number} …", file=sys.stderr, flush=True)
            yield from step(run)
