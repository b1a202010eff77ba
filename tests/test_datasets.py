"""Datasets: what is exported reads back equal, folders of others are safe, publishing happens only when asked twice."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals.data.columns import KINDS, markdown
from evals.data.folder import replace_folder
from evals.data.parquet import features
from evals.errors import InputError
from evals.load import load_suite
from evals.project import Project
from evals.yaml_file import read_yaml
from tests import offline

assert offline.ENVIRONMENT
ROOT = Path(__file__).parent.parent
SUITE = "backend-engineer"
CARDS = ROOT / "results/scorecards" / SUITE / SUITE
Cli = Callable[..., tuple[int, str, str]]


def loaded(folder: Path, store: Path, *config: str) -> Any:
    from datasets import load_dataset

    return load_dataset(str(folder), *config, split="test", cache_dir=str(store / "store"))


def exported(cli: Cli, home: Path, what: str, to: Path, *more: str) -> Path:
    code, _, err = cli(home, "export", what, *more, "--to", str(to))
    assert code == 0, err
    return to


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_grades_read_back_as_the_committed_file_has_them(cli: Cli, tmp_path: Path) -> None:
    folder = exported(cli, ROOT, "results", tmp_path / "out")
    rows = loaded(folder, tmp_path).to_list()
    kept = [(path.name[:4], line) for path in sorted(CARDS.glob("*.grades.jsonl")) for line in lines(path)]
    assert len(rows) == len(kept) > 1000
    names = ("case", "criterion", "repeat", "answer", "kind", "grader", "status", "prevails", "reason", "evidence")
    for row, (revision, line) in zip(rows, kept, strict=True):
        assert {name: row[name] for name in names} == {name: line[name] for name in names}
        assert (row["revision"], row["grader_version"], row["votes"]) == (
            revision,
            line["version"],
            line.get("votes", []),
        )
    assert {row["advisory"] for row in rows if row["kind"] != "judge"} == {False}
    assert {row["advisory"] for row in rows if row["kind"] == "judge"} == {True}, "the judge has no licence"


def test_the_other_tables_of_results_read_back(cli: Cli, tmp_path: Path) -> None:
    folder = exported(cli, ROOT, "results", tmp_path / "out", "0001", "0002")
    kept = {revision: lines(CARDS / f"{revision}.jsonl") for revision in ("0001", "0002")}
    for row in loaded(folder, tmp_path, "dimensions").to_list():
        [line] = [x for x in kept[row["revision"]] if x["line"] == "dimension" and x["dimension"] == row["dimension"]]
        for name in ("score", "low", "high", "without_promises", "cases", "scored", "unscored", "not_applicable"):
            assert row[name] == line[name]
        assert {k: row[f"by_{k}"] for k in line["decided_by"]} == line["decided_by"]
    criteria = loaded(folder, tmp_path, "criteria").to_list()
    assert len(criteria) == sum(x["line"] == "criterion" for card in kept.values() for x in card)
    for row in criteria:
        [line] = [
            x
            for x in kept[row["revision"]]
            if x["line"] == "criterion" and (x["case"], x["criterion"]) == (row["case"], row["criterion"])
        ]
        for name in ("dimension", "sort", "points", "must", "passes", "scored", "unscored", "repeats"):
            assert row[name] == line[name]
    for row in loaded(folder, tmp_path, "scorecards").to_list():
        header = kept[row["revision"]][0]
        assert (row["graders"], row["case_versions"]) == (header["graders"], header["cases"])
        assert row["isolation"] is None


def test_answers_read_back_as_recorded(cli: Cli, tmp_path: Path) -> None:
    folder = exported(cli, ROOT, "answers", tmp_path / "out", "--case", "jwt-auth")
    rows = loaded(folder, tmp_path).to_list()
    assert len(rows) == 9
    for row in rows:
        path = ROOT / "results/recordings" / SUITE / row["case"] / row["revision"] / f"{row['repeat']}.json"
        recording = json.loads(path.read_text(encoding="utf-8"))
        assert row["text"] == recording["response"]["text"]
        assert row["request"] == recording["request"]["digest"]
        assert (row["model"], row["stop_reason"], row["input_tokens"], row["request_id"]) == (None, None, None, None)
        assert {one["topic"]: one["statement"] for one in row["declared"]} == recording["provenance"]["declared"]
        assert [one["role"] for one in row["messages"]] == ["user"]
        assert (row["system"] is None) == (row["revision"] == "0000")
    graded = {line["answer"] for path in CARDS.glob("*.grades.jsonl") for line in lines(path)}
    assert {row["answer"] for row in rows} <= graded, "answers join with grades"


def test_cases_read_back_and_become_equal_cases_again(cli: Cli, tmp_path: Path) -> None:
    suite = load_suite(Project(ROOT), SUITE)
    folder = exported(cli, ROOT, "cases", tmp_path / "out")
    rows = loaded(folder, tmp_path).to_list()
    assert [row["id"] for row in rows] == [case.id for case in suite.cases]
    kinds = {grader["kind"] for row in rows for one in row["criteria"] for grader in one["graders"]}
    assert kinds == {"execution", "rule", "judge"}, "they are unlike each other"
    other = tmp_path / "other/cases" / SUITE
    other.mkdir(parents=True)
    (other / "suite.yaml").write_bytes((ROOT / "cases" / SUITE / "suite.yaml").read_bytes())
    code, out, err = cli(tmp_path / "other", "import", "cases", str(folder))
    assert code == 0, err
    assert "wrote 3 cases" in out
    again = load_suite(Project(tmp_path / "other"), SUITE)
    assert again.cases == suite.cases
    assert [case.digest for case in again.cases] == [row["digest"] for row in rows]


CHECKS = """\
graders:
      - text: {json: {type: object, properties: {größe: {type: number}}}, not: true}
        file: app.py
      - text: {contains_any: [a, "x: y"], ignore_case: true}
"""


def test_checks_of_the_text_read_back(cli: Cli, project: Path, tmp_path: Path) -> None:
    path = project / "cases/small/login.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("graders:\n      - rules: [py-sql-injection]\n", CHECKS), encoding="utf-8")
    [case] = load_suite(Project(project), "small").cases
    assert [ref.text is not None for ref in case.criteria[0].graders] == [True, True, False]
    folder = exported(cli, project, "cases", tmp_path / "out")
    [row] = loaded(folder, tmp_path).to_list()
    checks = [grader["text"] for grader in row["criteria"][0]["graders"]]
    assert json.loads(checks[1]) == {"contains_any": ["a", "x: y"], "ignore_case": True}
    assert checks[2:] == [None]
    path.unlink()
    (path.with_suffix("") / "old.py").unlink()
    path.with_suffix("").rmdir()
    code, _, err = cli(project, "import", "cases", str(folder), "--suite", "small")
    assert code == 0, err
    [again] = load_suite(Project(project), "small").cases
    assert (again, again.digest) == (case, row["digest"])


@pytest.mark.parametrize("what", KINDS)
def test_types_are_as_promised_and_documented(what: str, cli: Cli, tmp_path: Path) -> None:
    folder = exported(cli, ROOT, what, tmp_path / "out")
    documented = (ROOT / "docs/datasets.md").read_text(encoding="utf-8")
    for table in KINDS[what]:
        assert loaded(folder, tmp_path, table.name).features == features(table)
        assert markdown(table) in documented


def yaml_loaded(card: Any) -> Any:
    return card.data.to_dict()


def test_the_card_says_where_it_came_from_and_what_is_not_known(cli: Cli, tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard

    text = (exported(cli, ROOT, "answers", tmp_path / "a") / "README.md").read_text(encoding="utf-8")
    header, faults = read_yaml(text.split("---\n")[1], "README.md")
    assert faults == []
    assert isinstance(header.data, dict)
    assert header.data["license"] == "unknown"
    assert yaml_loaded(DatasetCard(text)) == header.data, "the Hub's own reader agrees"
    assert "None was stated" in text
    assert "`model`: not stated by 27 of 27 answers" in text
    assert "Declared by the importer: conversation: one fresh conversation" in text
    text = (exported(cli, ROOT, "results", tmp_path / "r", "--license", "mit") / "README.md").read_text(
        encoding="utf-8"
    )
    assert "license: mit\n" in text
    assert "217 grades that count are advisory" in text
    assert str(ROOT) not in text


def test_an_older_export_is_replaced_and_nothing_else(cli: Cli, project: Path, tmp_path: Path) -> None:
    to = tmp_path / "out"
    exported(cli, project, "cases", to)
    exported(cli, project, "cases", to)
    assert sorted(path.name for path in to.iterdir()) == ["README.md", "cases.parquet"]
    (to / "notes.txt").write_text("mine", encoding="utf-8")
    code, _, err = cli(project, "export", "cases", "--to", str(to))
    assert (code, "notes.txt" in err, "Traceback" in err) == (2, True, False)
    assert (to / "notes.txt").read_text(encoding="utf-8") == "mine"
    other = tmp_path / "other"
    other.mkdir()
    (other / "README.md").write_text("# A README of somebody\n", encoding="utf-8")
    assert cli(project, "export", "cases", "--to", str(other))[0] == 2
    assert (other / "README.md").read_text(encoding="utf-8") == "# A README of somebody\n"
    (tmp_path / "link").symlink_to(to)
    assert cli(project, "export", "cases", "--to", str(tmp_path / "link"))[0] == 2
    assert cli(project, "export", "cases", "--to", str(other / "README.md"))[0] == 2
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_failure_midway_leaves_the_old_folder_and_no_rest(tmp_path: Path) -> None:
    to = tmp_path / "out"

    def works(stage: Path) -> None:
        (stage / "README.md").write_text("mark 1")

    replace_folder(to, {"README.md"}, "mark", works)

    def fails(stage: Path) -> None:
        (stage / "README.md").write_text("mark 2")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        replace_folder(to, {"README.md"}, "mark", fails)
    assert (to / "README.md").read_text() == "mark 1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("results",), "--to DIR"),
        (("cases", "--to", "x", "--license", "my own"), "--license"),
        (("cases", "0001", "--to", "x"), "scorecards go with"),
        (("results", "--to", "x"), "no scorecards"),
        (("answers", "--to", "x"), "there are no answers"),
        (("results", "--to", "x", "--case", "login"), "whole scorecards"),
        (("requests", "0001"), "neither scorecards"),
        (("otel", "--case", "login"), "takes scorecards"),
        (("cases", "--push", "nobody"), "ORG/NAME"),
        (("cases", "--push", "org/name"), "add --yes"),
        (("cases", "--push", "org/name", "--yes"), "HF_TOKEN is not set"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    argv: tuple[str, ...], said: str, cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    code, _, err = cli(project, "export", *argv)
    assert code == 2
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (project / "x").exists()


def test_half_a_character_does_not_stop_an_export(cli: Cli, project: Path, tmp_path: Path) -> None:
    from tests.integration.conftest import answer_pending

    answer_pending(project, cli)
    for path in (project / "results/recordings/small").rglob("1.json"):
        path.write_text(path.read_text(encoding="utf-8").replace("I take", "\\ud83d take"), encoding="utf-8")
    rows = loaded(exported(cli, project, "answers", tmp_path / "out"), tmp_path).to_list()
    assert [row["text"][:6] for row in rows if row["repeat"] == 1] == ["\ufffd take", "\ufffd take"]
    assert {row["text"][:6] for row in rows if row["repeat"] == 2} == {"I take"}


def test_what_the_data_says_cannot_change_the_card(cli: Cli, project: Path, tmp_path: Path) -> None:
    from tests.integration.conftest import answer_pending

    answer_pending(project, cli)
    for path in (project / "results/recordings/small").rglob("1.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        data["provenance"]["declared"] = {"a": "b\n---\nlicense: mit\n---\n# <script> | [x](y)"}
        path.write_text(json.dumps(data), encoding="utf-8")
    text = (exported(cli, project, "answers", tmp_path / "out") / "README.md").read_text(encoding="utf-8")
    assert text.count("\n---\n") == 1
    assert text.count("license:") == 2
    assert "<script>" not in text
    assert "\\[x\\](y)" in text or "\\[x](y)" in text


def test_a_missing_extra_is_named(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    code, _, err = cli(project, "export", "cases", "--to", "x")
    assert code == 2
    assert "pip install 'persona-evals[data]'" in err


class Hub:
    """Stands in for the Hub's client; remembers what was published."""

    calls: list[tuple[str, Any]] = []  # noqa: RUF012 - one list for all instances is meant

    def __init__(self, token: str) -> None:
        self.calls.append(("token", token))

    def create_repo(self, repo: str, **options: Any) -> None:
        self.calls.append((repo, options))

    def upload_folder(self, *, repo_id: str, repo_type: str, folder_path: Path, commit_message: str) -> Any:
        if repo_id == "org/refused":
            raise OSError("403 Forbidden\nsecret details")
        self.calls.append((repo_id, sorted(path.name for path in folder_path.iterdir())))
        return type("Commit", (), {"commit_url": f"https://hub.example/{repo_id}/commit/1"})


def test_publishing_takes_yes_and_a_token(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    monkeypatch.setenv("HF_TOKEN", "made-up")
    Hub.calls.clear()
    assert cli(project, "export", "cases", "--push", "org/name")[0] == 2
    assert Hub.calls == []
    code, out, err = cli(project, "export", "cases", "--push", "org/name", "--yes")
    assert code == 0, err
    assert "hub.example/org/name" in out
    assert Hub.calls == [
        ("token", "made-up"),
        ("org/name", {"repo_type": "dataset", "private": True, "exist_ok": True}),
        ("org/name", ["README.md", "cases.parquet"]),
    ]
    code, _, err = cli(project, "export", "cases", "--push", "org/refused", "--yes")
    assert (code, err) == (2, "error: org/refused was not published: 403 Forbidden\n")
