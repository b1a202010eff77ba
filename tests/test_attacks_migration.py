"""The migration suite: sound answers pass, seeded defects are noticed, hostile ones harm nothing, and all of it every time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from evals.selftest import seeded
from graders.answer import read_answer
from graders.criterion import Status
from graders.execution.attack import Mutant, Outcome
from graders.execution.migration import rows, server
from graders.execution.migration.document import document
from graders.execution.migration.events import held_during_scan, read_looks, without_bound
from graders.execution.migration.examples import FIXTURES, good_answers, mutants
from graders.execution.migration.scene import shown
from graders.execution.migration.suite import ENTRIES, STARTS, SUITE

ROOT = Path(__file__).parent.parent
ALL = tuple(entry.attack.id for entry in ENTRIES)
GOOD = good_answers()
MUTANTS = {mutant.id: mutant for mutant in mutants()}
SPREAD = (
    "migration-validated-in-the-same-transaction",
    "migration-waits-without-end",
    "migration-totals-cut-off",
    "migration-cards-copied-aside",
    "migration-filter-begins-well",
    "migration-refund-lock-left-out",
    "migration-items-deleted",
    "migration-broken-index-kept",
)
"""One of each kind of defect, for the ordinary run."""


def run(answer: str, wanted: tuple[str, ...] = ALL) -> Mapping[str, Outcome]:
    read = read_answer(answer)
    return SUITE.run({name: block.text for name in SUITE.files if (block := read.file(name))}, wanted)


@cache
def sound(name: str) -> Mapping[str, Outcome]:
    return run(GOOD[name])


def bad(name: str, wanted: tuple[str, ...] = ALL) -> Mapping[str, Outcome]:
    return run((FIXTURES / f"bad-{name}.md").read_text(encoding="utf-8"), wanted)


def failed(outcomes: Mapping[str, Outcome]) -> set[str]:
    return {name for name, outcome in outcomes.items() if outcome.status is Status.FAIL}


def test_the_schema_is_the_one_of_the_case() -> None:
    (case,) = ROOT.glob("cases/*/schema-review/schema.sql")
    assert (ROOT / "graders/execution/migration/schema.sql").read_bytes() == case.read_bytes()


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_sound_answer_passes_everything(name: str) -> None:
    open_ones = {"DB-TX-8"} if "rollback.sql" not in GOOD[name] else set()
    statuses = {key: (outcome.status, outcome.reason, outcome.transcript) for key, outcome in sound(name).items()}
    assert {key: value for key, value in statuses.items() if value[0] is not Status.PASS and key not in open_ones} == {}
    assert all(statuses[key][0] is Status.NOT_APPLICABLE for key in open_ones)


def test_the_same_answer_has_the_same_outcomes() -> None:
    name = "good-plain"
    assert [run(GOOD[name]), run(GOOD[name])] == [sound(name), sound(name)]


@pytest.mark.long
@pytest.mark.parametrize("name", ALL)
def test_an_attack_alone_ends_as_among_all(name: str) -> None:
    assert run(GOOD["good-plain"], (name,)) == {name: sound("good-plain")[name]}


def test_a_defect_has_the_same_outcomes() -> None:
    answer = seeded(GOOD["good-swaps-columns"], MUTANTS["migration-capture-without-lock"])
    wanted = ("DB-TX-9", "DB-TX-10")
    first = run(answer, wanted)
    assert failed(first) == {"DB-TX-10"}
    assert [run(answer, wanted), run(answer, wanted)] == [first, first]


def test_every_defect_fits_its_answer_and_every_attack_has_one() -> None:
    for mutant in MUTANTS.values():
        assert seeded(GOOD[mutant.answer], mutant) != GOOD[mutant.answer]
    assert len(MUTANTS) == len(mutants())
    assert {name for mutant in MUTANTS.values() for name in mutant.noticed_by} == set(ALL)


@pytest.mark.parametrize("name", SPREAD)
def test_a_seeded_defect_is_noticed(name: str) -> None:
    assert noticed(MUTANTS[name])


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(MUTANTS) - set(SPREAD)))
def test_every_seeded_defect_is_noticed(name: str) -> None:
    assert noticed(MUTANTS[name])


def noticed(mutant: Mutant) -> set[str]:
    return failed(run(seeded(GOOD[mutant.answer], mutant), mutant.noticed_by)) & set(mutant.noticed_by)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no-file", "the answer has no complete migration.sql"),
        ("stops", "the migration does not run to its end on clean data"),
        ("kills-its-box", "the migration does not run to its end on clean data"),
    ],
)
def test_what_does_not_start_fails_once_and_leaves_the_rest_open(name: str, reason: str) -> None:
    outcomes = bad(name)
    assert (outcomes[STARTS].status, outcomes[STARTS].reason) == (Status.FAIL, reason)
    assert {outcome.status for key, outcome in outcomes.items() if key != STARTS} == {Status.UNSCORED}
    assert "root:" not in repr(outcomes)


def test_an_endless_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ENDED", 2.0)
    assert failed(bad("endless")) == {STARTS}


def test_a_hostile_answer_harms_nothing_and_is_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_HOST", "do-not-read-me")
    outcomes = bad("hostile")
    assert outcomes[STARTS].status is Status.PASS
    assert {"DB-TX-6", "DB-TX-5", "DB-SEC-1", "DB-SEC-2", "DB-SEC-3", "DB-TX-3", "DB-TX-4", "DB-TX-9"} <= failed(
        outcomes
    )
    assert "do-not-read-me" not in repr(outcomes)
    assert "\\x1b" not in repr(outcomes)
    assert not [line for line in commands() if b"86399" in line]


def commands() -> Iterator[bytes]:
    """Command lines of everything that runs on this machine."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            yield (folder / "cmdline").read_bytes()


def test_the_document_is_printed_from_the_attacks() -> None:
    assert (ROOT / "docs/attacks-migration.md").read_text(encoding="utf-8") == document()


def look(phase: str, transaction: str, touched: int, *modes: str, timeout: str = "0") -> str:
    entry = {
        "phase": phase,
        "tag": "ALTER TABLE",
        "object": "public.orders",
        "transaction": transaction,
        "tables": {"orders": [7, touched]},
        "locks": [[7, mode] for mode in modes] + [[8, "AccessExclusiveLock"]],
        "lock_timeout": timeout,
        "statement_timeout": "0",
    }
    return f"LOG:  secret {json.dumps(entry)}\n"


def held(*lines: str) -> list[tuple[str, str, int]]:
    looks = read_looks("".join(lines), "secret")
    return [(entry.table, entry.lock, entry.rows) for entry in held_during_scan(looks, {"orders": 100})]


def test_a_scan_under_a_strong_lock_is_held_against_the_statement() -> None:
    lines = (look("start", "1/1", 0), look("end", "1/1", 100, "ShareLock"))
    assert held(*lines) == [("orders", "ShareLock", 100)]


def test_a_scan_before_the_lock_is_not() -> None:
    assert held(look("start", "1/1", 100), look("end", "1/1", 100, "AccessExclusiveLock")) == []
    assert held(look("end", "1/1", 0), look("start", "1/1", 100), look("end", "1/1", 101, "ShareLock")) == []


def test_a_scan_after_the_lock_until_the_commit_is() -> None:
    lines = (look("end", "1/1", 0, "AccessExclusiveLock"), look("commit", "1/1", 70, "AccessExclusiveLock"))
    assert held(*lines) == [("orders", "AccessExclusiveLock", 70)]


def test_another_transaction_begins_anew() -> None:
    assert held(look("end", "1/1", 0, "AccessExclusiveLock"), look("start", "1/2", 100), look("end", "1/2", 100)) == []


def test_lines_without_the_secret_are_passed_over() -> None:
    forged = look("end", "1/1", 100, "ShareLock").replace("secret", "guess")
    assert read_looks(forged, "secret") == ()


@pytest.mark.parametrize(("timeout", "loose"), [("0", 1), ("5min", 1), ("3s", 0), ("1min", 0)])
def test_a_wait_is_bounded_by_a_minute(timeout: str, loose: int) -> None:
    looks = read_looks(look("end", "1/1", 0, "AccessExclusiveLock", timeout=timeout), "secret")
    assert len(list(without_bound(looks))) == loose


def test_a_lock_is_counted_where_it_is_first_held() -> None:
    lines = look("end", "1/1", 0, "ShareLock", timeout="2s") + look("end", "1/1", 0, "ShareLock")
    assert list(without_bound(read_looks(lines, "secret"))) == []


@pytest.mark.parametrize(
    ("column", "before", "after", "kept"),
    [
        ("total", "0.30000000000000004", "0.30", True),
        ("total", "19.99", "1999", True),
        ("total", "19.99", "20", False),
        ("unit_price", "5.00", "500", True),
        ("amount_minor", "500", "5.00", False),
        ("email", "Anna@example.org", "anna@example.org", False),
        ("created_at", "2024-01-01 10:00:00", "2024-01-01 09:00:00+00", True),
        ("created_at", "2024-01-01 10:00:00", "2024-01-01 10:07:00+00", False),
        ("created_at", "2024-01-01 10:00:00", None, False),
        ("reason", None, "unknown", True),
        ("card_last4", "0042", "0042 ", True),
    ],
)
def test_what_says_the_same(column: str, before: str, after: str | None, kept: bool) -> None:
    assert rows.same(column, before, after) is kept


def test_a_transcript_line_is_short_printable_and_the_same_each_time() -> None:
    assert shown("a\x1b[2J\u202eb") == "a?[2J?b"
    assert len(shown("x" * 5000)) == 200
    assert shown("CALL pg_temp_12.ddl at 2026-01-02 03:04:05.678+00") == shown(
        "CALL pg_temp_3.ddl at 2027-11-12 13:14:15+00"
    )
