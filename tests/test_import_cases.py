"""Cases from datasets: every format, a pinned commit of a Hub, hostile rows, and nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evals.data.case_files import write_cases
from evals.data.mapping import Draft
from evals.load import load_suite, read_case
from evals.project import Project
from evals.slug import slug
from evals.yaml_file import read_yaml, yaml_text
from tests import offline
from tests.hub_server import COMMIT, REPOSITORY, hub

ROOT = Path(__file__).parent.parent
Cli = Callable[..., tuple[int, str, str]]
CRITERIA = """\
- id: says-why
  dimension: documentation
  sort: promise
  points: 2
  statement: The answer says why it does what it does.
  guidance: "Pass: it does. Fail: it does not."
  covers: []
  graders: [judge]
"""
TASKS: list[dict[str, Any]] = [
    {"task": "Tasks/1", "prompt": "Add a route.\nMind the limits.", "rubric": ["It limits the rate of requests."]},
    {"task": "Tasks/2", "prompt": "no", "rubric": ["It asks what is meant by that.", "It invents nothing about it."]},
]
MAP = ("--map", "prompt=message", "--map", "task=id", "--map", "rubric=criteria", "--dimension", "security")


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def take(cli: Cli, project: Path, source: object, *more: str) -> tuple[int, str, str]:
    return cli(project, "import", "cases", str(source), "--suite", "small", *more)


def written(project: Path) -> list[str]:
    return sorted(p.relative_to(project).as_posix() for p in (project / "cases/small").rglob("*") if p.is_file())


BEFORE = ["cases/small/login.yaml", "cases/small/login/old.py", "cases/small/suite.yaml"]


def test_columns_become_fields(cli: Cli, project: Path) -> None:
    code, out, err = take(cli, project, jsonl(project / "tasks.jsonl", TASKS), *MAP)
    assert code == 0, err
    assert "wrote 2 cases to cases/small from tasks.jsonl" in out
    suite = load_suite(Project(project), "small")
    one, two = suite.case("tasks-1"), suite.case("tasks-2")
    assert one
    assert two
    assert (one.message, one.title, one.family) == (
        "Add a route.\nMind the limits.",
        "Add a route. Mind the limits.",
        "tasks-1",
    )
    assert two.message == "no", "text that YAML would read as something else stays text"
    assert [c.statement for c in two.criteria] == TASKS[1]["rubric"]
    assert {c.dimension.value for c in one.criteria} == {"security"}
    text = (project / "cases/small/tasks-2.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[1] == "# imported from tasks.jsonl, row 2"
    assert cli(project, "run", "--suite", "small", "--case", "tasks-*", "--dry-run")[0] == 0
    code, _, err = take(cli, project, project / "tasks.jsonl", *MAP)
    assert (code, "not overwritten" in err) == (2, True)


def test_what_was_written_is_data_on_demand(cli: Cli, project: Path) -> None:
    code, out, err = take(cli, project, jsonl(project / "tasks.jsonl", TASKS), *MAP, "--format", "json")
    assert code == 0, err
    assert json.loads(out) == {"written": 2, "folder": "cases/small", "source": "tasks.jsonl"}


def test_every_format_gives_the_same_cases(cli: Cli, project: Path, tmp_path: Path) -> None:
    from datasets import Dataset

    rows = [{"task": row["task"], "prompt": row["prompt"], "rubric": row["rubric"][0]} for row in TASKS]
    data = Dataset.from_list(rows)
    data.to_parquet(tmp_path / "t.parquet")
    data.to_csv(tmp_path / "t.csv")
    data.save_to_disk(tmp_path / "arrow")
    (tmp_path / "t.json").write_text(json.dumps(rows), encoding="utf-8")
    jsonl(tmp_path / "t.jsonl", rows)
    texts = []
    for name in ("t.parquet", "t.csv", "arrow", "t.json", "t.jsonl"):
        code, _, err = take(cli, project, tmp_path / name, *MAP)
        assert code == 0, (name, err)
        paths = [project / f"cases/small/tasks-{number}.yaml" for number in (1, 2)]
        texts.append(["\n".join(path.read_text(encoding="utf-8").splitlines()[2:]) for path in paths])
        for path in paths:
            path.unlink()
    assert texts.count(texts[0]) == len(texts)


def test_text_in_csv_stays_text(cli: Cli, project: Path) -> None:
    (project / "a.csv").write_text(
        "id,message,criteria,version\n007,NA,It is done well.,3\n1e5,no,It is done well.,\n", encoding="utf-8"
    )
    code, _, err = take(cli, project, "a.csv")
    assert code == 0, err
    suite = load_suite(Project(project), "small")
    assert {(c.id, c.message, c.version) for c in suite.cases if c.id != "login"} == {
        ("007", "NA", 3),
        ("1e5", "no", 1),
    }


def test_criteria_for_all_and_rows_of_unlike_shape(cli: Cli, project: Path) -> None:
    (project / "criteria.yaml").write_text(CRITERIA, encoding="utf-8")
    rows: list[dict[str, Any]] = [
        {"message": "One thing."},
        {"message": "Another thing.", "minimum": [{"dimension": "documentation", "score": 0.5}]},
    ]
    code, _, err = take(cli, project, jsonl(project / "a.jsonl", rows), "--criteria", "criteria.yaml")
    assert code == 0, err
    suite = load_suite(Project(project), "small")
    one, two = suite.case("row-0001"), suite.case("row-0002")
    assert one
    assert two
    assert [c.id for c in one.criteria] == ["says-why"]
    assert (one.minimum, [float(least) for _, least in two.minimum]) == ((), [0.5])


def whole(**changed: object) -> dict[str, Any]:
    return {"id": "good", "message": "Do it well.", "criteria": "It is done well enough.", **changed}


CRITERION: dict[str, Any] = {
    "id": "done-well",
    "dimension": "security",
    "sort": "depth",
    "points": 1,
    "statement": "It is done well.",
    "guidance": "Pass: it is. Fail: it is not.",
    "covers": [],
}
SOUND: dict[str, Any] = {
    "version": 1,
    "family": "f",
    "title": "t",
    "message": "m",
    "criteria": [{**CRITERION, "graders": ["judge"]}],
}
ATTACHMENT = {"name": "app.py", "text": "print()\n"}
HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "a path": (whole(attachments=[{"name": "../../../escaped.txt", "text": "x"}]), "does not match"),
    "an absolute path": (whole(attachments=[{"name": "/etc/escaped", "text": "x"}]), "does not match"),
    "a hidden file": (whole(attachments=[{"name": ".bashrc", "text": "x"}]), "does not match"),
    "one name twice": (whole(attachments=[ATTACHMENT, ATTACHMENT]), "non-unique"),
    "the suite's own name": (whole(id="suite"), "makes no id"),
    "no id left": (whole(id="日本"), "makes no id"),
    "no message": (whole(message=" "), "no text for `message`"),
    "a number for a message": (whole(message=7), "no text for `message`"),
    "no criteria": (whole(criteria=None), "no criteria"),
    "a statement too short": (whole(criteria="short"), "too short"),
    "criteria of nothing": (whole(criteria=[1, 2]), "`criteria` must be"),
    "a name for a list of files": (whole(files="app.py"), "list of names"),
    "a version that is none": (whole(version="new"), "`version`"),
    "a grader of nothing": (whole(criteria=[{**CRITERION, "graders": [{"kind": "rule", "rules": 7}]}]), "graders[0]"),
    "a check that is no JSON": (whole(criteria=[{**CRITERION, "graders": [{"kind": "rule", "text": "{"}]}]), "not JSON"),
    "a check of nothing": (whole(criteria=[{**CRITERION, "graders": [{"kind": "rule", "text": "7"}]}]), "graders[0]"),
    "points that are text": (whole(criteria=[{**CRITERION, "points": "many", "graders": ["judge"]}]), "points"),
    "a list of nothing": (whole(criteria=[{**CRITERION, "graders": 5}]), "graders"),
    "an unknown rule": (whole(criteria=[{**CRITERION, "graders": [{"kind": "rule", "rules": ["no-such"]}]}]), "no rule 'no-such'"),
    "a terminal's command": (whole(id="\x1b[31m/\x1b]0;owned\x07", message=""), "no text for `message`"),
    "an attachment too large": (whole(attachments=[{"name": "a.py", "text": "x" * 200_001}]), "larger than"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_one_bad_row_and_nothing_is_written(name: str, cli: Cli, project: Path, tmp_path: Path) -> None:
    row, said = HOSTILE[name]
    source = jsonl(project / "rows.jsonl", [{"id": "fine", "message": "Do it.", "criteria": "It is done well."}])
    with source.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    code, out, err = take(cli, project, source)
    assert (code, out) == (2, "")
    assert "row 2" in err
    assert said in err
    assert "\x1b" not in err
    assert "Traceback" not in err
    assert written(project) == BEFORE
    assert not list(tmp_path.rglob("escaped*"))
    assert not list((project / ".evals").glob("import-*"))


def test_two_rows_with_one_id_are_refused(cli: Cli, project: Path) -> None:
    code, _, err = take(cli, project, jsonl(project / "a.jsonl", [whole(id="A B"), whole(id="a/b")]))
    assert code == 2
    assert "row 2: has the id `a-b` of row 1" in err


def test_hostile_text_stays_text(cli: Cli, project: Path) -> None:
    text = "\x1b[31m\r\n---\n- &a [*a]\n\t# no: comment\n'\"\\ \u2028 \ufeff 😀\nend \n"
    code, _, err = take(cli, project, jsonl(project / "a\n# x: y.jsonl", [whole(message=text)]))
    assert code == 0, err
    case = load_suite(Project(project), "small").case("good")
    assert case
    assert case.message == text
    lines = (project / "cases/small/good.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[2].startswith("id: good"), "the source's name cannot leave its comment"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_text_survives_as_yaml(text: str) -> None:
    located, faults = read_yaml(yaml_text({"a": text, "b": [text, {"c": text}], "no": 0.5}), "x")
    assert faults == []
    assert located.data == {"a": text, "b": [text, {"c": text}], "no": 0.5}


def test_a_file_that_appears_meanwhile_is_kept(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Project(project)
    drafts = [
        Draft(row=name, attachments=(("a.py", "x"),), data={**SOUND, "id": name, "attachments": ["a.py"]})
        for name in ("one", "two")
    ]
    link = os.link

    def late(source: Path, target: Path) -> None:
        if target.name == "two.yaml":
            target.write_text("theirs", encoding="utf-8")
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(Exception, match="nothing was written"):
        write_cases(home, "small", drafts)
    assert (project / "cases/small/two.yaml").read_text(encoding="utf-8") == "theirs"
    assert written(project) == [*BEFORE, "cases/small/two.yaml"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("nothing.jsonl",), "no such file"),
        (("rows.jsonl", "--map", "promt=message"), "did you mean `prompt`"),
        (("rows.jsonl", "--map", "prompt=mesage"), "did you mean `message`"),
        (("rows.jsonl", "--map", "prompt"), "COLUMN=FIELD"),
        (("rows.jsonl", "--map", "prompt=message", "--map", "id=message"), "already comes from"),
        (("rows.jsonl?splt=test",), "did you mean `split`"),
        (("rows.jsonl?limit=0",), "whole number"),
        (("empty.jsonl",), "no rows"),
        (("broken.jsonl",), "cannot be read"),
        (("broken.parquet",), "cannot be read"),
        (("prompts/helper/0001-first.md",), "must be one of"),
        (("two",), "?split="),
        (("two?split=dev",), "no data file fits (there: test.jsonl, train.jsonl)"),
        (("rows.jsonl", "--dimension", "beauty"), "no dimension"),
        (("rows.jsonl", "--criteria", "empty.jsonl"), "is empty"),
        (("hf://org/tasks",), "name the commit"),
        (("hf://org/tasks@main",), "name the commit"),
        (("hf://org/tasks@0123456",), "40 hexadecimal digits"),
        (("hf://tasks",), "hf://ORG/NAME@COMMIT"),
        ((f"hf://org/tasks@{COMMIT}",), "not on this machine"),
    ],
)
def test_a_source_that_will_not_do_is_named_in_one_line(
    argv: tuple[str, ...], said: str, cli: Cli, project: Path
) -> None:
    assert offline.ENVIRONMENT["HF_HUB_OFFLINE"] == "1"
    jsonl(project / "rows.jsonl", [{"prompt": "Do it.", "id": 1}])
    jsonl(project / "two/test.jsonl", TASKS)
    jsonl(project / "two/train.jsonl", TASKS)
    (project / "empty.jsonl").write_text("", encoding="utf-8")
    (project / "broken.jsonl").write_text('{"a": 1}\n{"a": \n', encoding="utf-8")
    (project / "broken.parquet").write_bytes(b"PAR1 no more")
    code, _, err = take(cli, project, *argv)
    assert (code, len(err.splitlines())) == (2, 1), err
    assert said in err
    assert written(project) == BEFORE


def test_links_in_a_folder_are_not_followed(cli: Cli, project: Path, tmp_path: Path) -> None:
    jsonl(tmp_path / "secret/rows.jsonl", [whole()])
    (project / "data").mkdir()
    (project / "data/rows.jsonl").symlink_to(tmp_path / "secret/rows.jsonl")
    code, _, err = take(cli, project, "data")
    assert (code, "no data file fits" in err) == (2, True)


def in_process(project: Path, home: Path, endpoint: str, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: the Hub's client reads its settings when it is imported."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    settings = {**kept, "PYTHONPATH": str(ROOT), "HF_ENDPOINT": endpoint, "HF_HOME": str(home), **more}
    return subprocess.run(
        [sys.executable, "-m", "evals", *argv], cwd=project, env=settings, capture_output=True, text=True, check=False
    )


def test_one_commit_of_a_hub(project: Path, tmp_path: Path) -> None:
    rows = "".join(json.dumps(row) + "\n" for row in TASKS).encode()
    evil = b"---\nconfigs:\n- config_name: default\n  data_files: /etc/passwd\n---\n"
    files = {
        "data/test.jsonl": rows,
        "data/train.jsonl": rows,
        "README.md": evil,
        "tasks.py": b"raise SystemExit('owned')",
    }
    store, address = tmp_path / "hf", f"hf://{REPOSITORY}@{COMMIT}?split=test&limit=1"
    argv = ("import", "cases", address, "--suite", "small", *MAP)
    with hub(files) as (endpoint, asked):
        done = in_process(project, store, endpoint, *argv)
        assert done.returncode == 0, done.stderr
        assert "wrote 1 cases" in done.stdout
        assert {token for _, token in asked} == {None}, "no token was set, none was sent"
        fetched = {path.rpartition("/")[2] for path, _ in asked if "/resolve/" in path}
        assert fetched == {"test.jsonl", "train.jsonl"}, "data files and nothing else"
        wrong = f"hf://{REPOSITORY}@{'f' * 40}"
        done = in_process(
            project, store, endpoint, "import", "cases", wrong, "--suite", "small", *MAP, HF_TOKEN="made-up"
        )
        assert (done.returncode, "no such commit" in done.stderr) == (2, True), done.stderr
        assert asked[-1][1] == "Bearer made-up"
        done = in_process(
            project, store, endpoint, "import", "cases", f"hf://org/none@{COMMIT}", "--suite", "small", *MAP
        )
        assert (done.returncode, "no such dataset" in done.stderr) == (2, True), done.stderr
    case, faults = read_case(Project(project), project / "cases/small/tasks-1.yaml")
    assert case, faults
    assert case.message == TASKS[0]["prompt"]
    text = (project / "cases/small/tasks-1.yaml").read_text(encoding="utf-8")
    assert f"# imported from {address}, row 1" in text
    # the server is gone: what is here stays usable, what is not ends in one line
    (project / "cases/small/tasks-1.yaml").unlink()
    done = in_process(project, store, endpoint, *argv)
    assert done.returncode == 0, done.stderr
    done = in_process(project, tmp_path / "other", endpoint, *argv, HF_HUB_OFFLINE="1")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "cannot be reached" in done.stderr


def test_ids_are_plain() -> None:
    for text in ("../../etc/passwd", "A" * 200, "-rf", "a--b", "CON", "a.yaml", "\x00x"):
        assert slug(text) == slug(slug(text))
        assert len(slug(text)) <= 63
        assert set(slug(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert not slug(text).startswith("-")
