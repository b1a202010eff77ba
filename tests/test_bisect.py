"""Bisection: planted culprits are found in few rounds, and what cannot be told is said to be open."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.bisect import Bisection, Ending, Found, expected_rounds, hunks, mixed
from evals.comparison import Comparison, Verdict
from evals.context import Context
from evals.errors import InputError
from evals.persona import Persona

Compared = Callable[..., tuple[Comparison, Context]]
Harm = Callable[[set[int]], bool]
Search = Callable[..., tuple[Found, list[set[int]]]]

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "d"]), max_size=14).map("".join)


@given(TEXTS, TEXTS)
def test_no_hunk_is_the_base_and_all_are_the_candidate(base: str, candidate: str) -> None:
    found = hunks(base, candidate)
    assert mixed(base, ()) == base
    assert mixed(base, found) == candidate
    assert [hunk.number for hunk in found] == list(range(1, len(found) + 1))
    assert bool(found) == (base != candidate)


@given(TEXTS, TEXTS, st.sets(st.integers(1, 14)))
def test_each_hunk_brings_its_lines_whatever_else_is_applied(base: str, candidate: str, chosen: set[int]) -> None:
    some = [hunk for hunk in hunks(base, candidate) if hunk.number in chosen]
    grown = sum(len("".join(hunk.after)) - len("".join(hunk.before)) for hunk in some)
    assert len(mixed(base, some)) == len(base) + grown
    assert all("".join(hunk.after) in mixed(base, some) for hunk in some)


def test_an_added_text_is_parted_at_its_paragraphs() -> None:
    found = hunks("keep\n", "keep\none\nmore\n\n\ntwo\n")
    assert [hunk.after for hunk in found] == [("one\n", "more\n", "\n", "\n"), ("two\n",)]
    assert mixed("keep\n", found[1:]) == "keep\ntwo\n"
    assert found[0].lines == ["+one", "+more", "+", "+"]


def test_a_removed_text_is_parted_too() -> None:
    base = "one\n\ntwo\n\nkeep\n"
    found = hunks(base, "keep\n")
    assert len(found) == 2
    assert mixed(base, found[:1]) == "two\n\nkeep\n"
    assert mixed(base, found[1:]) == "one\n\nkeep\n"


@pytest.fixture
def search(compared: Compared) -> Search:
    """Bisect `count` hunks where `harm` says which sets of them regress; the sets that were tried, the whole first."""

    def run(
        count: int, harm: Harm, unclear: Callable[[set[int]], Verdict | None] = lambda _: None, **options: int
    ) -> tuple[Found, list[set[int]]]:
        base = Persona("helper", "0001", "".join(f"keep {n}\nold {n}\n" for n in range(1, count + 1)))
        candidate = Persona("helper", "0002", base.body.replace("old", "new"))
        tried: list[set[int]] = []

        async def decide(persona: Persona) -> Comparison:
            applied = {n for n in range(1, count + 1) if f"new {n}" in persona.body.splitlines()}
            tried.append(applied)
            verdict = unclear(applied) or (Verdict.REGRESSED if harm(applied) else Verdict.NOT_WORSE)
            return compared(verdict=verdict, sentence=f"{verdict.value}.")[0]

        found = asyncio.run(Bisection(base, candidate, decide, **options).run())
        assert [set(each.hunks) for each in found.rounds] == tried[1:]
        assert len({frozenset(each) for each in tried}) == len(tried), "the same revision was asked for twice"
        return found, tried

    return run


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 13, 16, 32, 33])
def test_one_culprit_is_found_wherever_it_is(search: Search, count: int) -> None:
    for culprit in range(1, count + 1):
        found, tried = search(count, lambda applied, culprit=culprit: culprit in applied)
        assert [each.hunks for each in found.culprits] == [(culprit,)]
        assert (found.ending, found.suspects) == (Ending.FOUND, ())
        assert len(found.rounds) <= expected_rounds(count)
        # found, and shown to carry it by itself; the round that shows the rest to be harmless comes after
        before = next(i for i, each in enumerate(tried) if each == {culprit})
        assert before <= math.log2(count) + 2 if count > 1 else before == 0


def test_the_bound_of_the_issue_holds_for_the_whole_search_where_halving_comes_out_even(search: Search) -> None:
    for count in (2, 4, 8, 16, 32):
        rounds = [len(search(count, lambda applied, c=c: c in applied)[0].rounds) for c in range(1, count + 1)]
        assert max(rounds) <= math.log2(count) + 2


@pytest.mark.parametrize("pair", [(1, 2), (1, 8), (3, 6), (7, 8)])
def test_several_culprits_are_all_found(search: Search, pair: tuple[int, int]) -> None:
    found, _ = search(8, lambda applied: bool(applied & set(pair)))
    assert sorted(each.hunks for each in found.culprits) == [(number,) for number in pair]
    assert found.ending is Ending.FOUND
    assert len(found.rounds) <= 2 * expected_rounds(8)


@pytest.mark.parametrize("together", [(1, 2), (1, 8), (3, 6), (2, 5, 7)])
def test_hunks_that_act_only_together_are_named_together(search: Search, together: tuple[int, ...]) -> None:
    found, _ = search(8, lambda applied: set(together) <= applied)
    (culprit,) = found.culprits
    assert sorted(culprit.hunks) == list(together)
    assert "carry one together" in found.sentence
    assert f"hunk {culprit.hunks[0]} does not by itself" in found.sentence


@given(data=st.data())
def test_whatever_harms_is_found_and_the_rest_is_harmless(data: st.DataObject) -> None:
    """For any set of harmful combinations: each culprit carries a regression, and nothing without them does."""
    count = data.draw(st.integers(1, 9))
    harms = data.draw(st.lists(st.sets(st.integers(1, count), min_size=1, max_size=3), min_size=1, max_size=4))

    def harm(applied: set[int]) -> bool:
        return any(each <= applied for each in harms)

    base = Persona("h", "1", "".join(f"k{n}\nold {n}\n" for n in range(1, count + 1)))
    tried: list[set[int]] = []

    async def decide(persona: Persona) -> Comparison:
        applied = {n for n in range(1, count + 1) if f"new {n}" in persona.body.splitlines()}
        tried.append(applied)
        return made(Verdict.REGRESSED if harm(applied) else Verdict.NOT_WORSE)

    found = asyncio.run(Bisection(base, Persona("h", "2", base.body.replace("old", "new")), decide).run())
    assert found.ending is Ending.FOUND
    for culprit in found.culprits:
        assert harm(set(culprit.hunks))
        assert not any(harm(set(culprit.hunks) - {number}) for number in culprit.hunks)
    left = set(range(1, count + 1)) - {number for culprit in found.culprits for number in culprit.hunks}
    assert not harm(left)


def made(verdict: Verdict) -> Comparison:
    from typing import cast

    class Only:
        def __init__(self) -> None:
            self.verdict = verdict

    return cast("Comparison", Only())


def test_a_repair_elsewhere_hides_no_culprit(search: Search) -> None:
    """Hunk 5 repairs what hunk 2 breaks, and 7 breaks for itself: what was tried is what is claimed."""
    found, _ = search(8, lambda applied: (2 in applied and 5 not in applied) or 7 in applied)
    carried = {number for each in found.culprits for number in each.hunks}
    assert carried <= {2, 7}
    assert 7 in carried


def test_an_undecided_round_ends_the_search_with_what_is_open(search: Search) -> None:
    found, _ = search(8, lambda a: 6 in a, lambda a: Verdict.INCONCLUSIVE if a == {1, 2, 3, 4, 5, 6} else None)
    assert (found.ending, found.culprits, found.suspects) == (Ending.INCONCLUSIVE, (), (5, 6, 7, 8))
    assert "hunks 5–8 are open" in found.sentence


def test_a_culprit_that_is_known_stays_known_when_the_rest_is_not(search: Search) -> None:
    found, _ = search(8, lambda a: 6 in a, lambda a: Verdict.TOO_LITTLE_SCORED if a == {1, 2, 3, 4, 5, 7, 8} else None)
    assert [each.hunks for each in found.culprits] == [(6,)]
    assert found.ending is Ending.INCONCLUSIVE
    assert found.suspects == (1, 2, 3, 4, 5, 7, 8)
    assert found.sentence == (
        "Hunk 6 carries a regression by itself; the gate could not decide before more was known; "
        f"hunks 1–5, 7–8 are open ({len(found.rounds)} rounds)."
    )


@pytest.mark.parametrize(
    ("verdict", "ending"),
    [
        (Verdict.NOT_WORSE, Ending.NOTHING),
        (Verdict.IMPROVED, Ending.NOTHING),
        (Verdict.INCONCLUSIVE, Ending.INCONCLUSIVE),
        (Verdict.NOT_COMPARABLE, Ending.INCONCLUSIVE),
    ],
)
def test_a_candidate_that_is_not_regressed_costs_no_round(search: Search, verdict: Verdict, ending: Ending) -> None:
    found, tried = search(8, lambda _: False, lambda _: verdict)
    assert (found.ending, found.rounds, len(tried)) == (ending, (), 1)


def test_the_allowed_rounds_are_kept(search: Search) -> None:
    found, _ = search(16, lambda a: 11 in a, most_rounds=2)
    assert (found.ending, len(found.rounds), found.suspects) == (Ending.STOPPED, 2, (9, 10, 11, 12))


def test_the_same_text_twice_is_refused() -> None:
    async def never(_: Persona) -> Comparison:
        raise AssertionError

    with pytest.raises(InputError, match="the same text"):
        Bisection(Persona("h", "1", "a"), Persona("h", "2", "a"), never)
