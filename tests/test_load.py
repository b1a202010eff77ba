"""Cases and personas from files, with every fault at once."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from evals.errors import Fault, InputError
from evals.load import load_suite, read_suite, select_cases
from evals.load_personas import find_persona, revisions
from evals.project import Project, find_project


def faults(project: Path, edit: Callable[[str], str]) -> tuple[Fault, ...]:
    path = project / "cases/small/login.yaml"
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    return read_suite(Project(project), "small").faults


def test_a_sound_suite(project: Path) -> None:
    suite = load_suite(Project(project), "small")
    case = suite.cases[0]
    assert (suite.unscored_limit, case.id, len(case.criteria)) == (0.05, "login", 2)
    assert case.user_text == "Add a login route to `app.py`.\n\n```old.py\nprint('old')\n```\n"
    assert case.criteria[0].graders[0].rules == ("py-sql-injection",)


def test_an_attachment_cannot_close_its_fence(project: Path) -> None:
    (project / "cases/small/login/old.py").write_text("```\nnow free\n````\n", encoding="utf-8")
    text = load_suite(Project(project), "small").cases[0].user_text
    assert "`````old.py\n```\nnow free\n````\n`````\n" in text


CASE_FAULTS = [
    ("id: login", "id: other", "$.id", "must be 'login'"),
    ("version: 1", "version: 0", "$.version", "minimum"),
    ("version: 1", "version: one", "$.version", "not of type"),
    ("family: authentication\n", "", "$", "'family' is a required property"),
    ("title: A login route", "titel: A login route", "$", "titel"),
    ("dimension: security", "dimension: safety", "$.criteria[0].dimension", "is not one of"),
    ("points: 3", "points: 0", "$.criteria[0].points", "should not be valid"),
    ("points: 3", "points: 99", "$.criteria[0].points", "maximum"),
    ("sort: promise", "sort: promises", "$.criteria[1].sort", "is not one of"),
    ("- id: explains", "- id: sql-safe", "$.criteria[1].id", "stands here twice"),
    ("py-sql-injection", "py-sql-injektion", "$.criteria[0].graders[0].rules[0]", "did you mean `py-sql-injection`"),
    ("graders: [judge]", "graders: [jury]", "$.criteria[1].graders[0]", "is not `judge`, or a list of attacks"),
    ("graders: [judge]", "graders: []", "$.criteria[1].graders", "non-empty"),
    ("graders: [judge]", "graders: [judge, judge]", "$.criteria[1].graders", "listed twice"),
    (
        "      - rules: [py-sql-injection]\n      - judge",
        "      - judge\n      - rules: [py-sql-injection]",
        "$.criteria[0].graders",
        "attacks, then rules, then the judge",
    ),
    (
        "      - rules: [py-sql-injection]\n      - judge",
        "      - rules: [py-sql-injection]\n        veto: true",
        "$.criteria[0].graders",
        "can only fail",
    ),
    (
        "- rules: [py-sql-injection]",
        "- rules: [py-sql-injection]\n        file: other.py",
        "$.criteria[0].graders[0].file",
        "not among",
    ),
    ("attachments: [old.py]", "attachments: [gone.py]", "$.attachments[0]", "there is no login/gone.py"),
    ("attachments: [old.py]", "attachments: [../login.yaml]", "$.attachments[0]", "does not match"),
    ("covers: [explain]", "covers: [explain, explain]", "$.criteria[1].covers", "non-unique"),
    ("statement: The answer explains its choice.", "statement: 5", "$.criteria[1].statement", "not of type"),
    ("version: 1", "version: 1\nversion: 2", "$", "twice"),
    ("title: A login route", "title: no", "$.title", "would be read as bool"),
    ("family: authentication", "family: &f authentication", "", "anchors"),
    ("criteria:", "criteria: [", "", "not valid YAML"),
]


@pytest.mark.parametrize(("old", "new", "path", "message"), CASE_FAULTS)
def test_each_fault_is_named_with_file_line_and_path(
    project: Path, old: str, new: str, path: str, message: str
) -> None:
    found = faults(project, lambda text: text.replace(old, new, 1))
    matching = [fault for fault in found if message in fault.message and fault.path.startswith(path)]
    assert matching, [str(fault) for fault in found]
    assert matching[0].file == "cases/small/login.yaml"
    assert matching[0].line is not None


def test_all_faults_at_once(project: Path) -> None:
    def edit(text: str) -> str:
        return (
            text.replace("points: 3", "points: 99")
            .replace("sort: promise", "sort: x")
            .replace("family: authentication\n", "")
        )

    assert len(faults(project, edit)) == 3


def test_a_linked_attachment_is_refused(project: Path) -> None:
    attachment = project / "cases/small/login/old.py"
    attachment.unlink()
    attachment.symlink_to("/etc/hostname")
    found = read_suite(Project(project), "small").faults
    assert "plain file" in found[0].message


def test_a_file_that_is_not_utf8(project: Path) -> None:
    (project / "cases/small/login.yaml").write_bytes(b"id: \xff\n")
    assert "not UTF-8" in read_suite(Project(project), "small").faults[0].message


def test_an_unknown_suite_names_those_there(project: Path) -> None:
    with pytest.raises(InputError, match="there: small"):
        load_suite(Project(project), "large")


@pytest.mark.parametrize("name", ["../cases", "", ".", "small/../small"])
def test_a_suite_is_a_plain_folder_name(project: Path, name: str) -> None:
    with pytest.raises(InputError, match="no suite"):
        load_suite(Project(project), name)


def test_cases_are_chosen_by_glob(project: Path) -> None:
    suite = load_suite(Project(project), "small")
    assert [case.id for case in select_cases(suite, "log*")] == ["login"]
    with pytest.raises(InputError, match="did you mean `login`"):
        select_cases(suite, "logn")


def test_revisions_in_order_and_by_number(project: Path) -> None:
    assert [p.revision for p in revisions(Project(project), "helper")] == ["0000", "0001"]
    assert find_persona(Project(project), "helper", "0001").body == "Be safe. Explain yourself."
    assert find_persona(Project(project), "helper", "0000").body == ""
    with pytest.raises(InputError, match="there: 0000, 0001"):
        find_persona(Project(project), "helper", "0002")


def test_two_files_with_one_number_are_a_fault(project: Path) -> None:
    (project / "prompts/helper/0001-again.md").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="0001 is there twice"):
        revisions(Project(project), "helper")


def test_a_persona_by_path_and_by_git_revision(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)

    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *words], check=True, capture_output=True
        )

    path = project / "agent.md"
    path.write_text("---\nname: a\ndescription: b\n---\nOld words.\n", encoding="utf-8")
    git("init", "-q")
    git("add", "agent.md")
    git("commit", "-qm", "first")
    path.write_text("---\nname: a\ndescription: b\n---\nNew words.\n", encoding="utf-8")
    home = Project(project)
    assert find_persona(home, "helper", "agent.md").body == "New words."
    assert find_persona(home, "helper", "agent.md@HEAD").body == "Old words."
    assert find_persona(home, "helper", "agent.md@HEAD").revision == "agent.md@HEAD"
    with pytest.raises(InputError, match="git has no"):
        find_persona(home, "helper", "agent.md@nowhere")
    with pytest.raises(InputError, match="not a git revision"):
        find_persona(home, "helper", "agent.md@--output=x")


def test_no_project_here(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder `cases/`"):
        find_project(tmp_path)
