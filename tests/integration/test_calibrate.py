"""From labels to a licence: gold items are made, measured, bound, and void when what they are about changes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.calibrate import calibration_json
from evals.commands import shared
from evals.gold import EXECUTION, LABEL, executed_items, gold_path, misfits, read_gold
from evals.judge_record import answer_digests, asked
from evals.licence import licensed
from evals.load import load_suite
from evals.lock import read_lock
from evals.project import Project
from graders.criterion import HEADLINE, Dimension, Status
from graders.judge import question
from tests.integration.conftest import ANSWER, Cli, answer_pending

ROOT = Path(__file__).parent.parent.parent
SUITE = "backend-engineer"


def row(repeat: int, label: str, *, revision: str = "0001", criterion: str = "explains") -> dict[str, object]:
    key = {"case": "login", "revision": revision, "repeat": repeat, "criterion": criterion}
    return {**key, "label": label, "quote": "because text", "reason": "It says so."}


def labels(project: Path, name: str, *rows: dict[str, object]) -> str:
    (project / name).write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    return name


@pytest.fixture
def labelled(recorded: Path, cli: Cli) -> Path:
    """The small project, in which two readers differ on one of three answers, and the third agrees with the second."""
    one = labels(recorded, "a.jsonl", row(1, "pass"), row(2, "pass"), row(1, "fail", revision="0000"))
    two = labels(recorded, "b.jsonl", row(1, "pass"), row(2, "fail"), row(1, "fail", revision="0000"))
    third = labels(recorded, "c.jsonl", row(2, "fail"))
    who = ("--by", "model:acme", "--adjudicated", third)
    code, out, err = cli(recorded, "import", "labels", one, two, *who, "--suite", "small")
    assert (code, err) == (0, "")
    assert "3 labelled items" in out
    assert "agreed on 2 of 3" in out
    assert cli(recorded, "lock")[0] == 0
    return recorded


# --- labels -----------------------------------------------------------------------------------------------------------


def test_a_dispute_is_no_truth_until_it_is_adjudicated(recorded: Path, cli: Cli) -> None:
    one, two = labels(recorded, "a.jsonl", row(1, "pass")), labels(recorded, "b.jsonl", row(1, "fail"))
    code, out, err = cli(recorded, "import", "labels", one, two, "--by", "human", "--suite", "small")
    assert code == 0
    assert out.startswith("0 labelled items")
    assert "not adjudicated yet: login/0001/1/explains" in err


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([row(1, "perhaps")], ("--by", "human"), "a.jsonl:1: $.label: 'perhaps' is not one of"),
        ([row(1, "pass"), row(1, "pass")], ("--by", "human"), "a.jsonl:2: login/0001/1/explains is labelled twice"),
        ([row(9, "pass")], ("--by", "human"), "login/0001/9/explains, which is not there"),
        ([row(1, "pass", criterion="no-such")], ("--by", "human"), "no-such, which is not there"),
        ([row(1, "pass")], (), "say who labelled"),
        ([row(1, "pass")], ("--by", "an expert"), "say who labelled"),
    ],
)
def test_bad_labels_are_refused_whole(
    recorded: Path, cli: Cli, rows: list[dict[str, object]], options: tuple[str, ...], said: str
) -> None:
    one, two = labels(recorded, "a.jsonl", *rows), labels(recorded, "b.jsonl", *rows[:1])
    code, _, err = cli(recorded, "import", "labels", one, two, *options, "--suite", "small")
    assert code == 2
    assert said in err
    assert not gold_path(Project(recorded), "small").exists()


def test_one_reader_is_not_enough(recorded: Path, cli: Cli) -> None:
    code, _, err = cli(recorded, "import", "labels", labels(recorded, "a.jsonl"), "--by", "human", "--suite", "small")
    assert code == 2
    assert "two readers" in err


# --- calibration ------------------------------------------------------------------------------------------------------


def test_the_judge_is_measured_and_gets_no_licence_from_its_own_kind(labelled: Path, cli: Cli) -> None:
    code, out, err = cli(labelled, "calibrate", "--suite", "small", "--format", "json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    every = found["dimensions"][0]
    assert every["dimension"] is None
    table = every["labelled"]["confusion"]
    assert {name: table[name] for name in ("tp", "fp", "fn", "tn")} == {"tp": 1, "fp": 2, "fn": 0, "tn": 0}
    assert found["licensed"] == []
    (licence,) = [one["licence"] for one in found["dimensions"] if one["dimension"] == "documentation"]
    assert "0 held-out items, 120 are needed" in licence["reasons"]
    corrected = {(one["revision"], one["dimension"]): one for one in found["corrected"]}
    both = corrected["0001", "documentation"]
    assert (both["raw"], both["value"], both["known"], both["answers"]) == (1.0, 0.5, 2, 2), (
        "the judge passed all, readers half"
    )


def test_the_worst_items_stand_quote_beside_quote(labelled: Path, cli: Cli) -> None:
    code, out, _ = cli(labelled, "calibrate", "--suite", "small", "--worst")
    assert code == 0
    assert out.startswith("2 items on which the judge's first vote differs from the truth")
    assert "truth fail (label, model:acme): It says so." in out
    assert "because text in SQL can be injected" in out


def test_more_votes_show_how_steady_the_judge_is(labelled: Path, cli: Cli) -> None:
    options = ("--suite", "small", "--votes", "3")
    code, out, _ = cli(labelled, "export", "requests", *options)
    requests = [json.loads(line) for line in out.splitlines()]
    assert (code, len(requests)) == (0, 16), "two more votes on two criteria of four answers"
    said = [
        {"reason": "So.", "quotes": ["because text in SQL"], "verdict": "fail" if n % 4 == 0 else "pass"}
        for n in range(16)
    ]
    lines = [
        {"custom_id": r["custom_id"], "result": {"type": "succeeded", "message": {"content": [text(reply)]}}}
        for r, reply in zip(requests, said, strict=True)
    ]
    (labelled / "votes.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    where = ("--set", "fixtures", "--declare", "declared.json")
    code, out, err = cli(labelled, "import", "responses", "votes.jsonl", *options, *where)
    assert code == 0, err
    assert out.startswith("kept 16 responses")
    assert cli(labelled, "lock")[0] == 0
    assert cli(labelled, "validate")[0] == 0, "votes that only the calibration reads are no dead weight"
    _, out, _ = cli(labelled, "calibrate", "--suite", "small", "--format", "json")
    steady = json.loads(out)["dimensions"][0]["labelled"]["self_consistency"]
    assert steady["n"] == 3


def text(reply: object) -> dict[str, str]:
    return {"type": "text", "text": json.dumps(reply)}


def test_without_gold_there_is_one_clear_line(recorded: Path, cli: Cli) -> None:
    code, _, err = cli(recorded, "calibrate", "--suite", "small")
    assert code == 2
    assert err.startswith("error: no gold set graders/judge/gold/small.jsonl")


# --- what the licence is bound to -------------------------------------------------------------------------------------


@pytest.fixture
def another_word(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The rubric with one word changed."""
    before = question.rubric()
    monkeypatch.setattr(question, "rubric", lambda: before.replace("exact", "precise", 1))
    question.judge_version.cache_clear()
    yield
    question.judge_version.cache_clear()


def test_one_word_of_the_rubric_voids_everything(labelled: Path, cli: Cli, request: pytest.FixtureRequest) -> None:
    card = (labelled / "results/scorecards/small/helper/0001.jsonl").read_bytes()
    request.getfixturevalue("another_word")
    code, _, err = cli(labelled, "validate")
    assert code == 2
    assert "the judge is not as calibrated (rubric): its licence is void" in err
    assert "results/recordings/small/*/*/*/judge/ must be recorded anew" in err
    code, _, err = cli(labelled, "run", "--suite", "small")
    assert code == 2
    assert err.startswith("error: 8 judge replies have no recording")
    assert (labelled / "results/scorecards/small/helper/0001.jsonl").read_bytes() == card
    code, out, _ = cli(labelled, "show", "0001", "--suite", "small")
    assert "Judge grades of another rubric" in out
    code, _, err = cli(labelled, "calibrate", "--suite", "small")
    assert code == 2
    assert "none of the 3 gold items that fit has a recorded judge reply to the question as it now stands" in err


def grant(project: Path, dimension: str) -> None:
    """As if the judge had earned a licence."""
    lock = project / "evals.lock"
    data = json.loads(lock.read_text(encoding="utf-8"))
    data["suites"]["small"]["calibration"]["licensed"] = [dimension]
    lock.write_text(json.dumps(data), encoding="utf-8")


def test_a_licence_holds_for_what_it_is_bound_to_and_nothing_else(labelled: Path, cli: Cli) -> None:
    grant(labelled, "documentation")
    home = Project(labelled)
    bound = {"judge": "claude-unstated", "context": "alone"}
    assert licensed(home, "small", **bound) == (Dimension.DOCUMENTATION,)
    assert licensed(home, "small", **{**bound, "judge": "another"}) == ()
    assert licensed(home, "small", **{**bound, "context": "shared-by-answer"}) == ()
    assert cli(labelled, "run", "--suite", "small")[0] == 0
    _, out, _ = cli(labelled, "show", "0001", "--suite", "small")
    assert "The judge has a licence in documentation; elsewhere" in out
    path = gold_path(home, "small")
    path.write_text(path.read_text(encoding="utf-8").replace("It says so.", "It does."), encoding="utf-8")
    assert licensed(home, "small", **bound) == ()
    code, _, err = cli(labelled, "validate")
    assert code == 2
    assert "the judge is not as calibrated (gold)" in err


def test_gold_about_another_answer_is_a_fault(labelled: Path, cli: Cli) -> None:
    path = gold_path(Project(labelled), "small")
    lines = path.read_text(encoding="utf-8").splitlines()
    data = json.loads(lines[0])
    data["answer"] = "0" * 16
    path.write_text("\n".join([json.dumps(data), lines[1], "{"]), encoding="utf-8")
    code, _, err = cli(labelled, "validate")
    assert code == 2
    assert "1 items are about another answer than the recorded one" in err
    assert "graders/judge/gold/small.jsonl:3: is not JSON" in err


def test_points_are_no_part_of_the_question_and_guidance_is(labelled: Path, cli: Cli) -> None:
    case = labelled / "cases/small/login.yaml"
    text = case.read_text(encoding="utf-8").replace("version: 1", "version: 2")
    case.write_text(text.replace("points: 1", "points: 2"), encoding="utf-8")
    assert cli(labelled, "lock")[0] == 0
    assert cli(labelled, "validate")[0] == 0
    changed = text.replace("version: 2", "version: 3").replace("Pass: it does.", "Pass: it surely does.")
    case.write_text(changed, encoding="utf-8")
    assert cli(labelled, "lock")[0] == 0
    code, _, err = cli(labelled, "validate")
    assert code == 2
    assert "3 items are about another wording of task or criterion (login/" in err


# --- the set that ships -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home() -> Project:
    return Project(ROOT)


def test_the_gold_set_is_what_it_is_said_to_be(home: Project) -> None:
    suite = load_suite(home, SUITE)
    items, faults = read_gold(home, SUITE)
    recorded = shared.recordings(home, SUITE)
    assert faults == []
    assert list(misfits(items, suite, answer_digests(recorded), "gold")) == []
    assert len(items) >= 360
    assert {item.case for item in items} == {case.id for case in suite.cases}
    by_dimension = Counter(item.dimension for item in items)
    assert all(by_dimension[dimension] >= 60 for dimension in HEADLINE)
    assert all(one.votes for one in asked(suite, items, recorded)), "every item was asked"


def test_executed_items_are_exactly_what_the_attacks_decided(home: Project) -> None:
    suite = load_suite(home, SUITE)
    items, _ = read_gold(home, SUITE)
    decided = {item.name: item for item in executed_items(suite, shared.cards(home, suite))}
    assert {item.name: item for item in items if item.provenance == EXECUTION} == decided


def test_labels_by_models_are_called_so(home: Project) -> None:
    items, _ = read_gold(home, SUITE)
    labelled = [item for item in items if item.provenance == LABEL]
    assert {item.by for item in labelled} == {"model:claude"}
    for item in labelled:
        agreed = item.labels[0] == item.labels[1]
        assert len(item.labels) == (2 if agreed else 3)
        assert item.truth is Status(item.labels[-1])


def test_the_lock_says_what_the_calibration_finds(home: Project) -> None:
    found = calibration_json(home, load_suite(home, SUITE), shared.recordings(home, SUITE))
    assert read_lock(home.lock)[SUITE]["calibration"] == found


def test_renewing_changes_nothing_that_ships(tmp_path: Path, cli: Cli) -> None:
    for folder in ("cases", "prompts", "results"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copytree(ROOT / "graders/judge/gold", tmp_path / "graders/judge/gold")
    path = gold_path(Project(tmp_path), SUITE)
    before = path.read_bytes()
    assert cli(tmp_path, "calibrate", "--renew")[0] == 0
    assert path.read_bytes() == before


def test_an_answer_is_not_a_reply(recorded: Path, cli: Cli) -> None:
    """A project without judge replies has nothing to calibrate, and says so."""
    shutil.rmtree(recorded / "results/recordings")
    assert answer_pending(recorded, cli, answer=ANSWER) == 4
    one = labels(recorded, "a.jsonl", row(1, "pass"))
    two = labels(recorded, "b.jsonl", row(1, "pass"))
    assert cli(recorded, "import", "labels", one, two, "--by", "human", "--suite", "small")[0] == 0
    code, _, err = cli(recorded, "calibrate", "--suite", "small")
    assert code == 2
    assert "has a recorded judge reply" in err
