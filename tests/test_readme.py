"""What the README counts and shows is what there is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.commands import shared
from evals.gold import read_gold
from evals.judge_record import asked
from evals.load import load_suite
from evals.load_personas import load_instructions, revisions
from evals.project import Project
from evals.report.terminal import run_summary
from graders.execution.grading import attacks_of
from graders.registry import ATTACKS, BUILT_IN, RULES_BY_ID
from tests.hostile import ASKED, hostile_set

ROOT = Path(__file__).parent.parent
HOME = Project(ROOT)
SUITE = load_suite(HOME, "backend-engineer")


def words(name: str = "README.md") -> str:
    return " ".join((ROOT / name).read_text(encoding="utf-8").split())


def answers() -> int:
    return sum("/judge/" not in recording.place for recording in shared.recordings(HOME, SUITE.id))


def instructions() -> int:
    found = load_instructions(HOME, SUITE.persona)
    assert found
    return len(found.items)


COUNTS: dict[str, tuple[str, Callable[[], int]]] = {
    "criteria": (r"a migration: (\d+) criteria", lambda: sum(len(case.criteria) for case in SUITE.cases)),
    "attacks": (r"\*\*Attacks\*\*: (\d+) on", lambda: len(ATTACKS)),
    "rules": (r"\*\*Rules\*\*: (\d+) for", lambda: len(RULES_BY_ID)),
    "instructions": (r"into (\d+) addressable instructions", instructions),
    "answers": (r"\*\*Recordings\*\*: (\d+) real answers", answers),
    "defects": (r"seeds (\d+) defects", lambda: sum(bool(row["should_fail"]) for row in selftest())),
    "good answers": (r"into (\d+) good answers", lambda: sum(len(suite.good_answers()) for suite in BUILT_IN.suites)),
}


def selftest() -> list[dict[str, list[str]]]:
    path = ROOT / "results/selftest/backend-engineer.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]


@pytest.mark.parametrize("what", COUNTS)
def test_it_counts_right(what: str) -> None:
    pattern, count = COUNTS[what]
    found = re.search(pattern, words())
    assert found, what
    assert int(found[1]) == count()


def test_the_scorecard_is_the_one_that_ships() -> None:
    shown = run_summary(SUITE, shared.cards(HOME, SUITE), provider="replay")
    block = "\n".join(f"    {line}".rstrip() for line in shown.splitlines())
    assert block in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_judge_is_described_as_measured() -> None:
    items, _ = read_gold(HOME, SUITE.id)
    found = [
        one for one in asked(SUITE, items, shared.recordings(HOME, SUITE.id)) if one.item.provenance == "execution"
    ]
    said = re.search(r"the judge agreed on (\d+) of (\d+)", words())
    assert said
    assert (int(said[1]), int(said[2])) == (sum(not one.differs for one in found), len(found))
    assert len(revisions(HOME, SUITE.persona)) == 3


def test_the_hostile_set_is_described_as_it_is() -> None:
    said = re.search(r"Recorded so far are those on (\d+) of the (\d+)", words("docs/judging.md"))
    assert said
    assert (int(said[1]), int(said[2])) == (len(ASKED), len(hostile_set()))


def test_every_attack_but_one_decides_a_criterion() -> None:
    """PAY-SEC-14 can only veto, which no case can say yet."""
    decided = {name for case in SUITE.cases for criterion in case.criteria for name in attacks_of(criterion)}
    assert set(ATTACKS) - decided == {"PAY-SEC-14"}
