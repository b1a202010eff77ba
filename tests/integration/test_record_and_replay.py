"""The main job in a small project: export, import, replay, scorecards, validation. Answers here are fixtures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.conftest import ANSWER, Cli, answer_pending


def test_replay_gives_scorecards_and_leaves_them_alone_the_second_time(recorded: Path, cli: Cli) -> None:
    folder = recorded / "results/scorecards/small/helper"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(before) == [
        "0000.grades.jsonl",
        "0000.jsonl",
        "0000.md",
        "0001.grades.jsonl",
        "0001.jsonl",
        "0001.md",
    ]
    code, out, _ = cli(recorded, "run", "--suite", "small")
    assert code == 0
    assert "0000" in out
    assert "0001" in out
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_sound_project_validates(recorded: Path, cli: Cli) -> None:
    code, out, err = cli(recorded, "validate")
    assert (code, err) == (0, "")
    assert "12 recordings" in out


def test_rule_before_judge(recorded: Path, cli: Cli) -> None:
    code, out, _ = cli(
        recorded, "show", "0001", "--suite", "small", "--case", "login", "--criterion", "sql-safe", "--format", "json"
    )
    grades = [(row["kind"], row["status"], row["prevails"]) for row in json.loads(out) if row["repeat"] == 1]
    assert code == 0
    assert grades == [("judge", "pass", False), ("rule", "pass", True)]


def test_equal_answers_share_their_judge_requests(project: Path, cli: Cli) -> None:
    answer_pending(project, cli)
    for path in (project / "results/recordings/small/login").rglob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        data["response"]["text"] = ANSWER
        path.write_text(json.dumps(data), encoding="utf-8")
    assert answer_pending(project, cli) == 2, "one question for each criterion, not one for each answer"
    assert cli(project, "lock")[0] == 0
    assert cli(project, "run", "--suite", "small")[0] == 0
    assert cli(project, "validate")[0] == 0


def test_a_second_import_keeps_what_is_there(recorded: Path, cli: Cli) -> None:
    code, out, _ = cli(
        recorded,
        "import",
        "responses",
        "results.jsonl",
        "--suite",
        "small",
        "--set",
        "other",
        "--declare",
        "declared.json",
    )
    assert code == 0
    assert "kept 0 responses" in out
    assert '"recording_set": "other"' not in "".join(
        p.read_text(encoding="utf-8") for p in (recorded / "results/recordings").rglob("*.json")
    )


def test_an_invalid_verdict_opens_a_second_attempt_and_then_is_unscored(project: Path, cli: Cli) -> None:
    answer_pending(project, cli)
    assert answer_pending(project, cli, verdict="I think it passes.") == 8
    assert answer_pending(project, cli, verdict="Still not JSON.") == 8
    assert cli(project, "export", "requests", "--suite", "small")[1] == ""
    code, out, _ = cli(project, "run", "--suite", "small", "--format", "json")
    card = json.loads(out)[0]
    explains = next(row for row in card["criteria"] if row["criterion"] == "explains")
    assert code == 3, "half of all criteria were decided by nobody"
    assert (explains["scored"], explains["unscored"]) == (0, 2)
    assert [row["score"] for row in card["dimensions"]] == [1.0, None]


def test_a_missing_recording_stops_before_any_grade(recorded: Path, cli: Cli) -> None:
    (recorded / "results/recordings/small/login/0001/2/judge/explains.1.1.json").unlink()
    card = recorded / "results/scorecards/small/helper/0001.jsonl"
    before = card.read_bytes()
    code, out, err = cli(recorded, "run", "--suite", "small")
    assert (code, out) == (2, "")
    assert "no recording for request" in err
    assert "nearest is login/" in err
    assert card.read_bytes() == before


def test_another_persona_has_no_recording(recorded: Path, cli: Cli) -> None:
    (recorded / "agent.md").write_text("---\nname: helper\ndescription: x\n---\nBe quick.\n", encoding="utf-8")
    code, _, err = cli(recorded, "run", "--suite", "small", "--persona", "agent.md")
    assert code == 2
    assert "differs in `system` (another text)" in err
    assert "Traceback" not in err


def test_hand_written_text_is_never_taken_for_a_models_answer(project: Path, cli: Cli) -> None:
    cli(project, "export", "requests", "--suite", "small", "--to", "pending.jsonl")
    request = json.loads((project / "pending.jsonl").read_text(encoding="utf-8").splitlines()[0])
    line = {
        "custom_id": request["custom_id"],
        "result": {"type": "succeeded", "message": {"content": [{"type": "text", "text": "x"}]}},
    }
    (project / "r.jsonl").write_text(json.dumps(line), encoding="utf-8")
    code, _, err = cli(project, "import", "responses", "r.jsonl", "--suite", "small")
    assert code == 2
    assert "does not say which model" in err


def test_what_the_api_says_is_kept_as_api(project: Path, cli: Cli) -> None:
    cli(project, "export", "requests", "--suite", "small", "--to", "pending.jsonl")
    request = json.loads((project / "pending.jsonl").read_text(encoding="utf-8").splitlines()[0])
    message = {
        "id": "msg_1",
        "model": "m-1",
        "stop_reason": "end_turn",
        "content": [{"type": "thinking", "thinking": "…"}, {"type": "text", "text": "x"}],
        "usage": {"input_tokens": 5, "output_tokens": 6, "service_tier": "batch"},
    }
    lines = [
        {"custom_id": request["custom_id"], "result": {"type": "succeeded", "message": message}},
        {"custom_id": "0" * 64, "result": {"type": "expired"}},
    ]
    (project / "r.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    code, _, err = cli(project, "import", "responses", "r.jsonl", "--suite", "small")
    assert code == 0
    assert "r.jsonl:2: not kept: the request expired" in err
    kept = json.loads(next((project / "results/recordings").rglob("1.json")).read_text(encoding="utf-8"))
    assert kept["provenance"] == {"kind": "api", "request_id": "msg_1", "recording_set": None, "declared": {}}
    assert kept["response"] == {
        "model": "m-1",
        "stop_reason": "end_turn",
        "text": "x",
        "usage": {
            "input_tokens": 5,
            "output_tokens": 6,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
        },
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("{", "is not JSON"),
        ('{"custom_id": "x", "result": {"type": "succeeded"}}', "does not match"),
        ('{"custom_id": "%s", "result": {"type": "won"}}' % ("0" * 64), "is not one of"),
        (
            '{"custom_id": "%s", "result": {"type": "succeeded", "message": {"content": "x"}}}' % ("0" * 64),
            "not of type",
        ),
    ],
)
def test_broken_lines_are_named_and_nothing_is_kept(project: Path, cli: Cli, lines: str, message: str) -> None:
    (project / "r.jsonl").write_text(lines, encoding="utf-8")
    code, _, err = cli(project, "import", "responses", "r.jsonl", "--suite", "small")
    assert code == 2
    assert "r.jsonl:1" in err
    assert message in err
    assert not (project / "results/recordings/small").exists()


def test_an_unknown_custom_id_is_named(project: Path, cli: Cli) -> None:
    message = {
        "id": "msg_1",
        "model": "m-1",
        "content": [{"type": "text", "text": "x"}],
        "usage": {"input_tokens": 5, "output_tokens": 6},
    }
    (project / "r.jsonl").write_text(
        json.dumps({"custom_id": "a" * 64, "result": {"type": "succeeded", "message": message}}), encoding="utf-8"
    )
    code, _, err = cli(project, "import", "responses", "r.jsonl", "--suite", "small")
    assert code == 2
    assert "no pending request has custom_id aaaa" in err
