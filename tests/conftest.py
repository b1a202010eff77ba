"""What many tests need: a small sound project, and a wall between tests and the network."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from evals.case import Case, Suite
from evals.comparison import Basis, BrokenMust, Change, Comparison, Difference, Flip, Side, Verdict
from evals.context import Context
from evals.instructions import Instruction, Instructions
from evals.persona import Persona
from evals.scorecard import CriterionLine, GradeLine, Header, Scorecard
from graders.criterion import Criterion, Dimension, Evidence, Grade, GraderRef, Kind, Sort, Status

REPOSITORY = Path(__file__).parent.parent

# how long an example takes on a busy machine says nothing
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

SUITE = """\
persona: helper
max_tokens: 1000
repeats: 2
model: some-model
judge: some-judge
"""

CASE = """\
id: login
version: 1
family: authentication
title: A login route
message: |
  Add a login route to `app.py`.
attachments: [old.py]
files: [app.py]
criteria:
  - id: sql-safe
    dimension: security
    sort: tripwire
    points: 3
    statement: Values reach SQL as parameters only.
    guidance: "Pass: parameters. Fail: text."
    covers: [be-safe]
    graders:
      - rules: [py-sql-injection]
      - judge
  - id: explains
    dimension: documentation
    sort: promise
    points: 1
    statement: The answer explains its choice.
    guidance: "Pass: it does. Fail: it does not."
    covers: [explain]
    graders: [judge]
"""

PERSONA = """\
---
name: helper
description: Helps.
---

Be safe. Explain yourself.
"""

INSTRUCTIONS = """\
persona: helper
instructions:
  be-safe:
    "0001": "Be safe."
  explain:
    "0001": "Explain yourself."
framing: {}
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", action="store_true", help="rewrite tests/golden/")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else "local"
        if host not in ("local", "127.0.0.1", "::1", "localhost"):
            message = f"a test tried to reach {host}"
            raise AssertionError(message)
        connect(self, address)  # type: ignore[arg-type]  # passed through unchanged

    monkeypatch.setattr(socket.socket, "connect", guarded)
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "NO_COLOR", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A sound project with one suite, one case, a control and one revision, and no recordings."""
    write = {
        "cases/small/suite.yaml": SUITE,
        "cases/small/login.yaml": CASE,
        "cases/small/login/old.py": "print('old')\n",
        "prompts/helper/0000-none.md": "---\nname: helper\ndescription: The control.\n---\n",
        "prompts/helper/0001-first.md": PERSONA,
        "prompts/helper/instructions.yaml": INSTRUCTIONS,
    }
    for name, text in write.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, str]]:
    """Run the command in a folder: exit code, standard output, standard error. JSON is held against its published schema."""
    from evals.cli import main
    from tests.output_schemas import check_output

    def call(folder: Path, *argv: str) -> tuple[int, str, str]:
        monkeypatch.chdir(folder)
        capsys.readouterr()
        try:
            code = main(argv)
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        check_output(argv, said.out)
        return code, said.out, said.err

    return call


def criterion(name: str, *, points: int = 1, must: bool = False, veto: bool = False) -> Criterion:
    """A criterion; the first word of its name is its dimension."""
    graders = (GraderRef(kind=Kind.RULE, rules=("some-rule",), veto=veto), GraderRef(kind=Kind.JUDGE))
    return Criterion(
        id=name,
        dimension=Dimension(name.split("-", maxsplit=1)[0]),
        sort=Sort.TRIPWIRE,
        points=points,
        statement=f"{name} holds.",
        guidance="",
        covers=(),
        graders=graders,
        must=must,
    )


STATUSES = {"P": Status.PASS, "F": Status.FAIL, "U": Status.UNSCORED, "N": Status.NOT_APPLICABLE}


def make_card(outcomes: Mapping[str, str], *criteria: Criterion, **header: object) -> Scorecard:
    """A scorecard from outcomes as text: `{"login/security-sql": "PPF"}` passed twice and failed once, by a rule.

    A small letter is the judge's grade after the rule could not tell; `x` an execution's pass, `y` its fail.
    """
    known = {c.id: c for c in criteria}
    grades: list[GradeLine] = []
    lines = []
    for name, text in outcomes.items():
        case, id_ = name.split("/")
        found = known.get(id_) or criterion(id_)
        for repeat, letter in enumerate(text, 1):
            grades += _graded(case, id_, repeat, letter)
        lines.append(
            CriterionLine(case=case, criterion=found, passes=0, fails=0, not_applicable=0, unscored=0, decided_by=())
        )
    cases = sorted({name.split("/")[0] for name in outcomes})
    facts = {
        "suite": "small",
        "persona": "helper",
        "revision": "0001",
        "persona_digest": "0" * 64,
        "model": "m",
        "judge": "j",
        "judge_context": "alone",
        "recording_set": None,
        "repeats": max(map(len, outcomes.values())),
        "cases": tuple((case, 1, case * 8) for case in cases),
        "graders": (),
        **header,
    }
    return Scorecard(header=Header(**facts), criteria=tuple(lines), dimensions=(), grades=tuple(grades))  # type: ignore[arg-type]  # given by name


def _graded(case: str, id_: str, repeat: int, letter: str) -> list[GradeLine]:
    def line(status: Status, kind: Kind, *, prevails: bool = True) -> GradeLine:
        grade = Grade(
            criterion=id_,
            status=status,
            kind=kind,
            grader=f"some-{kind.value}",
            version="1",
            evidence=(Evidence(quote=f"quote of {case} {repeat}", line=3),),
            reason=f"because {status.value}",
        )
        return GradeLine(case=case, repeat=repeat, answer="a" * 16, grade=grade, prevails=prevails)

    if letter in "xy":
        return [line(Status.PASS if letter == "x" else Status.FAIL, Kind.EXECUTION)]
    if letter.islower():
        return [line(Status.UNSCORED, Kind.RULE, prevails=False), line(STATUSES[letter.upper()], Kind.JUDGE)]
    return [line(STATUSES[letter], Kind.RULE)]


@pytest.fixture
def card() -> Callable[..., Scorecard]:
    return make_card


@pytest.fixture
def make_criterion() -> Callable[..., Criterion]:
    return criterion


@pytest.fixture
def small_suite() -> Suite:
    """A suite without files: what a comparison needs of one."""
    return Suite(
        id="small",
        persona="helper",
        max_tokens=1000,
        repeats=3,
        model="m",
        judge="j",
        unscored_limit=0.05,
        cases=(),
    )


@pytest.fixture
def compared() -> Callable[..., tuple[Comparison, Context]]:
    """A comparison with one of everything that a report draws, and its context; parts can be replaced by name.

    `text` is put wherever an answer, a judge or a persona's author has a say.
    """

    def build(text: str = "plain words", **changed: object) -> tuple[Comparison, Context]:
        safe = made_criterion("sql-safe", Dimension.SECURITY, text)
        told = made_criterion("explains", Dimension.DOCUMENTATION, text)
        flips = (
            Flip(
                case="login",
                criterion=safe,
                base=made_side("sql-safe", "pp", text),
                candidate=made_side("sql-safe", "ff", text),
                kind_differs=False,
            ),
            Flip(
                case="login",
                criterion=told,
                base=made_side("explains", "fu", text, Kind.JUDGE),
                candidate=made_side("explains", "pp", text, Kind.JUDGE),
                kind_differs=False,
            ),
        )
        base, candidate = (made_header(revision) for revision in ("0001", "0002"))
        comparison = Comparison(
            base=base,
            candidate=candidate,
            changes=(
                made_change(None, Basis.GATE, -0.33),
                made_change(Dimension.SECURITY, Basis.GATE, -0.50),
                made_change(Dimension.SECURITY, Basis.ALL, -0.40),
                made_change(Dimension.DOCUMENTATION, Basis.ALL, 0.75),
            ),
            flips=flips,
            musts=(BrokenMust(case="login", criterion="sql-safe", fails=2, scored=2),),
            only_base=("old-case",),
            only_candidate=("new-case",),
            differences=(Difference(what="judge", base=text, candidate="b", allowed=True),),
            verdict=Verdict.REGRESSED,
            sentence=f"regressed: security fell by 0.50; {text}",
        )
        comparison = replace(comparison, **changed)  # type: ignore[arg-type]  # a test names its own parts
        personas = [Persona(name="helper", revision=r, body=f"Be {r}.\n{text}\n") for r in ("0001", "0002")]
        suite = Suite(
            id="small",
            persona="helper",
            max_tokens=10,
            repeats=2,
            model="m",
            judge="j",
            unscored_limit=0.05,
            cases=(Case("login", 1, "auth", "Login", "Do it.", (), (), (safe, told)),),
        )
        cards = [made_card(header, comparison, side) for header, side in ((base, "base"), (candidate, "candidate"))]
        context = Context(
            base=cards[0],
            candidate=cards[1],
            base_persona=personas[0],
            candidate_persona=personas[1],
            suite=suite,
            instructions=Instructions(
                persona="helper", items=(Instruction("be-safe", (("0001", "Be 0001."), ("0002", "Be 0002."))),)
            ),
        )
        return comparison, context

    return build


def made_criterion(name: str, dimension: Dimension, text: str) -> Criterion:
    return Criterion(
        id=name,
        dimension=dimension,
        sort=Sort.DEPTH,
        points=2,
        statement=text,
        guidance=text,
        covers=("be-safe",),
        graders=(),
    )


def made_side(criterion: str, outcomes: str, text: str, kind: Kind = Kind.RULE) -> Side:
    """One letter a repeat: p(ass), f(ail), u(nscored), n(ot applicable)."""
    status = {"p": Status.PASS, "f": Status.FAIL, "u": Status.UNSCORED, "n": Status.NOT_APPLICABLE}
    grades = tuple(
        GradeLine(
            case="login",
            repeat=number,
            answer=f"digest-{number}",
            prevails=True,
            grade=Grade(
                criterion=criterion,
                status=status[letter],
                kind=kind,
                grader="py-sql-injection" if kind is Kind.RULE else "some-judge",
                version="1",
                reason=text,
                evidence=(Evidence(quote=text, line=number),) if letter in "pf" else (),
            ),
        )
        for number, letter in enumerate(outcomes, 1)
    )
    scored = sum(letter in "pf" for letter in outcomes)
    return Side(passes=outcomes.count("p"), scored=scored, repeats=len(outcomes), grades=grades)


def made_header(revision: str) -> Header:
    return Header(
        suite="small",
        persona="helper",
        revision=revision,
        persona_digest=revision,
        model="some-model",
        judge="some-judge",
        judge_context="alone",
        recording_set=None,
        repeats=2,
        cases=(("login", 1, "d"),),
        graders=(),
    )


def made_change(dimension: Dimension | None, basis: Basis, difference: float) -> Change:
    return Change(
        dimension=dimension,
        basis=basis,
        base=0.5 - difference / 2,
        candidate=0.5 + difference / 2,
        difference=difference,
        interval=(difference - 0.1, difference + 0.1),
        p_worse=0.001 if difference < 0 else 0.9,
        p_better=0.01 if difference > 0 else 1.0,
        margin=0.08,
        verdict=Verdict.REGRESSED if difference < 0 else Verdict.IMPROVED,
        decided_by=((Kind.RULE, 4),),
    )


def made_card(header: Header, comparison: Comparison, name: str) -> Scorecard:
    """A scorecard with the criteria and grades that the comparison's flips have on one side."""
    sides: list[tuple[Flip, Side]] = [(flip, getattr(flip, name)) for flip in comparison.flips]
    criteria = tuple(
        CriterionLine(
            case=flip.case,
            criterion=flip.criterion,
            passes=side.passes,
            fails=side.scored - side.passes,
            not_applicable=sum(item.grade.status is Status.NOT_APPLICABLE for item in side.grades),
            unscored=sum(item.grade.status is Status.UNSCORED for item in side.grades),
            decided_by=(),
        )
        for flip, side in sides
    )
    grades = tuple(item for _, side in sides for item in side.grades)
    return Scorecard(header=header, criteria=criteria, dimensions=(), grades=grades)


def attack_criterion(name: str, *attacks: str, judge: bool = True) -> Criterion:
    """A criterion that attacks decide, and a judge where they cannot."""
    graders = (GraderRef(kind=Kind.EXECUTION, attacks=attacks), GraderRef(kind=Kind.JUDGE))
    return Criterion(
        id=name,
        dimension=Dimension.SECURITY,
        sort=Sort.TRIPWIRE,
        points=1,
        statement="s",
        guidance="g",
        covers=(),
        graders=graders if judge else graders[:1],
    )
