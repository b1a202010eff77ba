"""`evals validate` finds each planted fault, in cases, personas, lock, recordings and scorecards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
Cli = Callable[..., tuple[int, str, str]]

PAYMENT = "cases/backend-engineer/payment-endpoint.yaml"
FIRST = "prompts/backend-engineer/0001-principles.md"
INSTRUCTIONS = "prompts/backend-engineer/instructions.yaml"
ANSWER = "results/recordings/backend-engineer/jwt-auth/0001/1.json"
JUDGED = "results/recordings/backend-engineer/jwt-auth/0001/1/judge/runbook.1.1.json"
CARD = "results/scorecards/backend-engineer/backend-engineer/0001.jsonl"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of everything that validation reads."""
    for folder in ("cases", "prompts", "results"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    shutil.copytree(REPOSITORY / "graders/judge/gold", tmp_path / "graders/judge/gold")
    shutil.copy(REPOSITORY / "evals.lock", tmp_path)
    return tmp_path


def swap(file: str, old: str, new: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        path = root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is no longer in {file}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return plant


def edit_json(file: str, change: Callable[[Any], None]) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        data = json.loads((root / file).read_text(encoding="utf-8"))
        change(data)
        (root / file).write_text(json.dumps(data), encoding="utf-8")

    return plant


def move(old: str, new: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        (root / old).rename(root / new)

    return plant


def duplicate(old: str, new: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / old, root / new)

    return plant


def write(file: str, text: str) -> Callable[[Path], None]:
    def plant(root: Path) -> None:
        (root / file).write_text(text, encoding="utf-8")

    return plant


def set_text(data: Any) -> None:
    data["response"]["text"] = "A nicer answer."


def set_kind(data: Any) -> None:
    data["provenance"]["kind"] = "api"


def drop_set(data: Any) -> None:
    data["provenance"]["recording_set"] = None


def set_digest(data: Any) -> None:
    data["request"]["digest"] = "0" * 64


def set_locked_digest(data: Any) -> None:
    data["suites"]["backend-engineer"]["cases"]["jwt-auth"]["digest"] = "0"


FAULTS: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "case edited under its old version": (swap(PAYMENT, "points: 3", "points: 4"), PAYMENT, "still version"),
    "message edited under its old version": (
        swap(PAYMENT, "I need to implement", "Please implement"),
        PAYMENT,
        "still version",
    ),
    "case with an unknown dimension": (
        swap(PAYMENT, "dimension: security", "dimension: safety"),
        PAYMENT,
        "is not one of",
    ),
    "case with a key twice": (swap(PAYMENT, "version: 2\n", "version: 2\nversion: 3\n"), PAYMENT, "stands here twice"),
    "case with an alias": (swap(PAYMENT, "family: payments", "family: &f payments"), PAYMENT, "anchors and aliases"),
    "case with an unknown rule": (
        swap(PAYMENT, "py-float-money", "py-float-mony"),
        PAYMENT,
        "did you mean `py-float-money`",
    ),
    "case with an id that is not its file's name": (
        swap(PAYMENT, "id: payment-endpoint", "id: payments"),
        PAYMENT,
        "must be 'payment-endpoint'",
    ),
    "case with a criterion twice": (
        swap(PAYMENT, "- id: money-exact", "- id: contract-files"),
        PAYMENT,
        "stands here twice",
    ),
    "case with points out of range": (swap(PAYMENT, "points: -3", "points: -30"), PAYMENT, "minimum"),
    "case that is no YAML": (write(PAYMENT, "id: [\n"), PAYMENT, "not valid YAML"),
    "case that covers an unknown instruction": (
        swap(PAYMENT, "covers: [balance]", "covers: [balanse]"),
        PAYMENT,
        "did you mean `balance`",
    ),
    "case without its attachment": (
        lambda root: (root / "cases/backend-engineer/jwt-auth/store.js").unlink(),
        "cases/backend-engineer/jwt-auth.yaml",
        "there is no",
    ),
    "attachment edited": (
        swap("cases/backend-engineer/jwt-auth/store.js", "'use strict'", '"use strict"'),
        "cases/backend-engineer/jwt-auth.yaml",
        "still version",
    ),
    "case removed": (lambda root: (root / PAYMENT).unlink(), PAYMENT, "is gone since the lock"),
    "case added": (
        duplicate(PAYMENT, "cases/backend-engineer/refunds.yaml"),
        "cases/backend-engineer/refunds.yaml",
        "must be 'refunds'",
    ),
    "suite with a wrong setting": (
        swap("cases/backend-engineer/suite.yaml", "max_tokens: 32000", "max_tokens: many"),
        "cases/backend-engineer/suite.yaml",
        "not of type",
    ),
    "setting changed after the lock": (
        swap("cases/backend-engineer/suite.yaml", "judge: claude-opus-5-5", "judge: claude-haiku-5-5"),
        "evals.lock",
        "settings",
    ),
    "schema copy changed": (
        swap("cases/case.schema.json", '"maximum": 10', '"maximum": 100'),
        "cases/case.schema.json",
        "not the schema of this version",
    ),
    "blessed revision edited": (swap(FIRST, "8.7 hours", "9 hours"), FIRST, "was edited after"),
    "instruction whose words are not in the persona": (
        swap(INSTRUCTIONS, "at most 8.7 hours", "at most 9 hours"),
        INSTRUCTIONS,
        "",
    ),
    "instruction left out": (
        swap(INSTRUCTIONS, "  runbooks:\n", "  runbooks-gone:\n"),
        PAYMENT,
        "did you mean `runbooks-gone`",
    ),
    "revision twice": (
        duplicate(FIRST, "prompts/backend-engineer/0001-again.md"),
        "prompts/backend-engineer",
        "0001 is there twice",
    ),
    "lock that is no JSON": (write("evals.lock", "{"), "evals.lock", "is not a lock"),
    "lock of another format": (swap("evals.lock", '"format": 1', '"format": 2'), "evals.lock", "is not a lock"),
    "locked digest of a case changed": (
        edit_json("evals.lock", set_locked_digest),
        "cases/backend-engineer/jwt-auth.yaml",
        "still version",
    ),
    "answer edited": (edit_json(ANSWER, set_text), "evals.lock", "recordings of `jwt-auth` are not as locked"),
    "answer that claims to be of the API": (edit_json(ANSWER, set_kind), ANSWER, "request_id"),
    "answer without its recording set": (edit_json(ANSWER, drop_set), ANSWER, "recording_set"),
    "answer under another request": (edit_json(ANSWER, set_digest), ANSWER, "no request asks for this recording"),
    "answer that is no JSON": (write(ANSWER, "{"), ANSWER, "not readable JSON"),
    "judge reply removed": (
        lambda root: (root / JUDGED).unlink(),
        "evals.lock",
        "recordings of `jwt-auth` are not as locked",
    ),
    "judge reply moved": (
        move(JUDGED, JUDGED.replace("/0001/1/", "/0001/2/extra/")),
        JUDGED.replace("/0001/1/", "/0001/2/extra/"),
        "belongs at",
    ),
    "judge reply twice": (duplicate(JUDGED, JUDGED.replace("runbook.1.1", "runbook.2.1")), JUDGED, "second recording"),
    "scorecard cut off": (write(CARD, '{"line": "scorecard"'), CARD, "is not JSON"),
    "scorecard without a header": (write(CARD, ""), CARD, "no header line"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_planted_fault_is_found(copy: Path, cli: Cli, name: str) -> None:
    plant, file, message = FAULTS[name]
    plant(copy)
    code, out, err = cli(copy, "validate")
    assert code == 2
    assert out == ""
    hits = [
        line
        for line in err.splitlines()
        if message in line and (file.removesuffix(".json") in line or "runbook" in line)
    ]
    assert hits, err[:3000]
    assert "Traceback" not in err


def test_at_least_25_faults_are_planted() -> None:
    assert len(FAULTS) >= 25


def test_the_repository_itself_is_sound(copy: Path, cli: Cli) -> None:
    code, out, err = cli(copy, "validate")
    assert (code, err) == (0, "")
    assert out.startswith("sound: 1 suites, 3 cases")


def test_lock_refuses_a_change_under_an_old_version(copy: Path, cli: Cli) -> None:
    swap(PAYMENT, "points: 3", "points: 4")(copy)
    before = (copy / "evals.lock").read_bytes()
    code, _, err = cli(copy, "lock")
    assert code == 2
    assert "raise `version`" in err
    assert (copy / "evals.lock").read_bytes() == before


def test_a_new_version_with_the_same_texts_keeps_its_recordings(copy: Path, cli: Cli) -> None:
    swap(PAYMENT, "version: 2\n", "version: 3\n")(copy)
    swap(PAYMENT, "points: 3", "points: 4")(copy)
    assert cli(copy, "lock")[0] == 0
    assert cli(copy, "run", "--case", "payment-endpoint", "--persona", "0001")[0] == 0
