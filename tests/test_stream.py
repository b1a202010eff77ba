"""A run streams: bounded work under way, little held, order kept, and the same outcome as the simple way."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.asking import ask_all
from evals.canonical import digest
from evals.card_stream import CardStream
from evals.case import Case, Suite
from evals.errors import FatalProviderError, MissingRecording, ProviderError
from evals.exchange import Message, Provenance, Request, Response, Settings
from evals.grade_spool import GradeSpool
from evals.grading import Here
from evals.held import Held
from evals.judging import Judging
from evals.load import load_suite
from evals.load_personas import revisions
from evals.prices import read_prices
from evals.project import Project
from evals.providers.scripted import ScriptedProvider
from evals.run import Graded, run, stream
from evals.scorecard import GradeLine, Scorecard
from evals.scorecard_file import card_text, grades_text
from evals.tally import tally
from evals.trial import Plan, Trial, plan_trials
from evals.usage import Meter
from graders.criterion import Grade, Kind, Status

VERDICT = json.dumps({"reason": "It counts wrongly.", "quotes": ["number"], "verdict": "fail"})


def text_of(request: Request) -> str:
    """Another answer to every request."""
    return f'The number {request.digest}.\n\n```python\n# app.py\ndb.execute("SELECT 1 WHERE a = %s", (a,))\n```\n'


class Memory:
    """A provider with a memory of its own, outside of the run; the memory may lose what `lost` says."""

    def __init__(self, lost: frozenset[str] = frozenset()) -> None:
        self.asked: Counter[str] = Counter()
        self.lost = lost

    async def respond(self, request: Request) -> Response:
        self.asked[request.digest] += 1
        return self._response(request)

    def recall(self, request: Request) -> Response | None:
        return None if request.digest in self.lost else self._response(request)

    def _response(self, request: Request) -> Response:
        said = VERDICT if request.settings.schema else text_of(request)
        return Response(text=said, provenance=Provenance(kind="scripted"), stop_reason="end_turn")


@pytest.fixture
def suite(project: Path) -> Suite:
    return load_suite(Project(project), "small")


@pytest.fixture
def plan(project: Path, suite: Suite) -> Plan:
    people = revisions(Project(project), "helper")
    return Plan(suite=suite, cases=suite.cases, personas=people, model="m", repeats=3)


def simple(plan: Plan) -> list[Graded]:
    scripted = ScriptedProvider(lambda request: VERDICT if request.settings.schema else text_of(request))
    return asyncio.run(run(list(plan), scripted, scripted, judge_model="j", jobs=1))


def streamed(plan: Plan, provider: Memory, jobs: int = 5) -> list[Graded]:
    async def go() -> list[Graded]:
        with Here(lambda *_: ()) as grader:
            found = stream(plan, provider, provider, judge_model="j", jobs=jobs, grader=grader)
            return [item async for item in found]

    return asyncio.run(go())


def test_a_plan_is_gone_through_as_often_as_one_likes(plan: Plan) -> None:
    first, second = list(plan), list(plan)
    assert first == second
    assert len(first) == len(plan) == 6
    assert all(trial in plan for trial in first)
    assert replace(first[0], repeat=9) not in plan


@given(st.text(max_size=40), st.text(max_size=40), st.integers(1, 999), st.sampled_from([None, "{}", ',"repeat":1']))
def test_the_digest_of_another_repeat_is_the_digest_of_its_request(
    system: str, message: str, repeat: int, schema: str | None
) -> None:
    one = Request(
        model='m","repeat":1',
        messages=(Message(role="user", text=message + ',"repeat":1,"'),),
        settings=Settings(max_tokens=1, schema=schema),
        system=system or None,
        repeat=7,
    )
    again = one.again(repeat)
    assert again == replace(one, repeat=repeat)
    assert again.digest == digest(replace(one, repeat=repeat))


@pytest.mark.parametrize("room", [0, 10**6])
def test_nothing_changes_when_nothing_is_held(plan: Plan, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr("evals.held.Held.__init__.__defaults__", (room,))
    monkeypatch.setattr("evals.judging.Judging.__init__.__kwdefaults__", {"room": room})
    provider = Memory()
    found, wanted = streamed(plan, provider), simple(plan)
    assert [(item.trial, item.response, item.grades) for item in found] == [
        (item.trial, item.response, item.grades) for item in wanted
    ]
    assert set(provider.asked.values()) == {1}, "what the memory has is not asked for again"


def test_what_the_memory_lost_meanwhile_is_asked_for_again(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.held.Held.__init__.__defaults__", (0,))
    monkeypatch.setattr("evals.held.RECENT", 1)
    gone = next(iter(plan)).request.digest
    provider = Memory(frozenset({gone}))
    assert [item.grades for item in streamed(plan, provider)] == [item.grades for item in simple(plan)]
    assert provider.asked[gone] > 1
    assert all(times == 1 for key, times in provider.asked.items() if key != gone)


def test_the_second_verdict_counts_when_it_is_read_again(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.judging.Judging.__init__.__kwdefaults__", {"room": 0})

    class Stammers(Memory):
        def _response(self, request: Request) -> Response:
            said = super()._response(request)
            return replace(said, text="well…") if request.attempt == 1 else said

    found = streamed(plan, Stammers())
    judged = [(grade.status, grade.reason) for item in found for grade in item.grades if grade.kind is Kind.JUDGE]
    assert judged == [(Status.FAIL, "It counts wrongly.")] * 12


def missing_of(work: Coroutine[None, None, None]) -> list[str]:
    """The items that are missing, without the line that sums them up."""
    try:
        asyncio.run(work)
    except MissingRecording as error:
        return [str(fault) for fault in error.faults if str(fault).startswith("item")]
    return []


def of_kind(kinds: Sequence[str], wanted: str) -> list[int]:
    return [number for number, kind in enumerate(kinds) if kind == wanted]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(["fine", "fails", "misses"]), max_size=30),
    st.integers(1, 6),
    st.lists(st.integers(0, 3), min_size=30, max_size=30),
)
def test_asking_is_bounded_complete_and_in_order(kinds: list[str], jobs: int, waits: list[int]) -> None:
    under_way = most = taken = 0
    asked: list[int] = []
    failures: list[int] = []

    async def ask(number: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        asked.append(number)
        for _ in range(waits[number]):
            await asyncio.sleep(0)
        under_way -= 1
        if kinds[number] == "fails":
            raise ProviderError("overloaded")
        if kinds[number] == "misses":
            raise MissingRecording(f"item {number}")

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(len(kinds)):
            taken += 1
            assert taken - len(asked) <= 1, "an item is taken when somebody is free for it"
            yield number

    work = ask_all(
        items(),
        ask,
        lambda number, _: failures.append(number),
        jobs=jobs,
        total=len(kinds),
        what="things",
        progress=lambda *_: None,
    )
    assert missing_of(work) == [f"item {number}" for number in of_kind(kinds, "misses")]
    assert asked == list(range(len(kinds)))
    assert sorted(failures) == of_kind(kinds, "fails")
    assert most <= jobs


@pytest.mark.parametrize("error", [FatalProviderError("bad key"), KeyboardInterrupt(), RuntimeError("defect")])
def test_nothing_is_asked_after_an_error_that_ends_the_run(error: BaseException) -> None:
    asked: list[int] = []

    async def ask(number: int) -> None:
        asked.append(number)
        await asyncio.sleep(0)
        if number == 3:
            raise error

    work = ask_all(range(100), ask, lambda *_: None, jobs=2, total=100, what="things", progress=lambda *_: None)
    with pytest.raises(type(error)):
        asyncio.run(work)
    assert len(asked) <= 5


def lines(case: str, repeat: int, criteria: Sequence[str], kinds: Sequence[Kind]) -> list[GradeLine]:
    return [
        GradeLine(
            case=case,
            repeat=repeat,
            answer=f"{repeat}\ud800" if repeat == 2 else "é",
            grade=Grade(criterion=c, status=Status.PASS, kind=kind, grader=f"g{kind.value}", version="1"),
            prevails=True,
        )
        for c in criteria
        for kind in kinds
    ]


@settings(max_examples=50)
@given(
    st.permutations(["a", "b", "c"]),
    st.integers(1, 5),
    st.permutations(["x", "y", "z"]),
    st.permutations(list(Kind)),
    st.sampled_from([0, 300, 10**6]),
)
def test_the_spool_is_the_sorted_file(
    tmp_path_factory: pytest.TempPathFactory,
    cases: list[str],
    repeats: int,
    criteria: list[str],
    kinds: list[Kind],
    room: int,
) -> None:
    spool = GradeSpool(tmp_path_factory.mktemp("spool"), room)
    everything: list[GradeLine] = []
    for case in cases:
        for repeat in range(1, repeats + 1):
            answer = lines(case, repeat, criteria, kinds)
            spool.add(answer)
            everything += answer
    assert "".join(spool.parts()) == "".join(spool.parts()) == grades_text(everything)
    spool.close()


def test_the_spool_refuses_answers_out_of_order(tmp_path: Path) -> None:
    spool = GradeSpool(tmp_path)
    spool.add(lines("a", 2, "x", [Kind.RULE]))
    with pytest.raises(ValueError, match="answer 1 to a comes after answer 2"):
        spool.add(lines("a", 1, "x", [Kind.RULE]))


def sheet_of(plan: Plan, folder: Path, graded: Sequence[Graded]) -> tuple[Scorecard, str]:
    sheet = CardStream(plan.suite, plan.personas[1], Meter(read_prices(), "2026-11-01"), folder)
    for item in graded:
        sheet.add(item)
    text = "".join(sheet.grades())
    card = sheet.card(judge_model="j", judge_context="alone", licensed=())
    sheet.close()
    return card, text


def test_a_streamed_scorecard_is_the_one_of_the_simple_way(plan: Plan, tmp_path: Path) -> None:
    graded = [item for item in simple(plan) if item.trial.persona == plan.personas[1]]
    failed = replace(graded[-1], response=None, grades=(), failure="overloaded")
    for items in (graded, [*graded[:-1], failed], []):
        card, text = sheet_of(plan, tmp_path, items)
        whole = tally(plan.suite, plan.personas[1], items, judge_model="j", judge_context="alone")
        assert card_text(card) == card_text(whole)
        assert text == grades_text(whole.grades)
        assert card.highlights == whole.highlights
        assert card.unscored_share == whole.unscored_share


def growth(plan: Plan, tmp_path: Path) -> int:
    """Bytes at the peak of a run whose texts all differ, started anew."""

    class Long(Memory):
        async def respond(self, request: Request) -> Response:
            return self._response(request)

        def _response(self, request: Request) -> Response:
            said = super()._response(request)
            return said if request.settings.schema else replace(said, text=said.text + "Word. " * 1000)

    async def go() -> None:
        provider = Long()
        sheet = CardStream(plan.suite, plan.personas[0], Meter(read_prices(), "2026-11-01"), tmp_path)
        with Here(lambda *_: ()) as grader:
            async for item in stream(plan, provider, provider, judge_model="j", jobs=8, grader=grader):
                sheet.add(item)
        sheet.close()

    tracemalloc.start()
    try:
        asyncio.run(go())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_answers(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals.held.Held.__init__.__defaults__", (0,))
    monkeypatch.setattr("evals.judging.Judging.__init__.__kwdefaults__", {"room": 0})
    monkeypatch.setattr("evals.grade_spool.GradeSpool.__init__.__defaults__", (10_000,))
    monkeypatch.setattr("evals.scorecard.NOT_PASSED_SHOWN", 10)
    case: Case = replace(plan.suite.cases[0], criteria=plan.suite.cases[0].criteria[:1])
    small = replace(plan, cases=(case,), personas=plan.personas[:1], repeats=100)
    growth(small, tmp_path)  # what is loaded and compiled once
    few, many = growth(small, tmp_path), growth(replace(small, repeats=400), tmp_path)
    assert (many - few) / 300 < 700, "bytes a sample, of which the text alone would be 6,000"


def test_trials_in_a_plan_are_those_of_the_list(plan: Plan) -> None:
    listed: list[Trial] = list(
        plan_trials(plan.suite, plan.cases, plan.personas, model=plan.model, repeats=plan.repeats)
    )
    assert list(plan) == listed
    assert [trial.request.digest for trial in plan] == [digest(trial.request) for trial in listed]


def test_held_answers_are_those_that_were_kept(plan: Plan) -> None:
    trial = next(iter(plan))
    provider = Memory()
    held = Held(provider, room=10)
    first, second = (Response(text=text, provenance=Provenance(kind="scripted")) for text in ("one" * 9, "two"))
    held.keep(0, first)
    held.keep(1, second)
    assert asyncio.run(held.take(0, trial)) is first
    assert asyncio.run(held.take(1, trial)).text == text_of(trial.request), "there was no more room"
    assert provider.asked.total() == 0


def test_all_is_held_of_a_provider_without_a_memory(plan: Plan) -> None:
    held = Held(ScriptedProvider(lambda _: "other"), room=0)
    kept = Response(text="kept", provenance=Provenance(kind="scripted"))
    held.keep(5, kept)
    assert asyncio.run(held.take(5, next(iter(plan)))) is kept


def test_a_judging_without_questions_is_quiet(plan: Plan) -> None:
    provider = Memory()
    judging = Judging(provider, Held(provider), model="j", votes=1, jobs=2, progress=lambda *_: None)
    asyncio.run(judging.ask(plan, range(len(plan))))
    assert provider.asked.total() == 0
