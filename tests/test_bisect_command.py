"""`evals bisect` through the real gate, on scripted answers with a planted culprit, and through the command."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import math
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from evals.bisect import Ending, Found
from evals.case import Case, Margins, Suite
from evals.commands.bisect import drawn
from evals.exchange import UNSTATED, Request
from evals.load import load_suite
from evals.load_personas import find_persona
from evals.persona import Persona
from evals.project import Project
from evals.providers.scripted import ScriptedProvider
from evals.recording import answer_place, record, write_recording
from evals.sequential import asking
from evals.trial import plan_trials

Cli = Callable[..., tuple[int, str, str]]
Script = Callable[[Request], str]
SAFE = '```python\ndb.execute("SELECT id FROM u WHERE n = %s", (n,))\n```\n'
UNSAFE = "```python\ndb.execute(f\"SELECT id FROM u WHERE n = '{n}'\")\n```\n"
CASES = 10
COUNT = 8
BASE = Persona("helper", "0001", "\n\n".join(f"Keep {n}.\n\nBe good {n}." for n in range(1, COUNT + 1)))
CANDIDATE = Persona("helper", "0002", BASE.body.replace("good", "quick"))


@pytest.fixture
def suite(project: Path) -> Suite:
    """Ten cases of one rule criterion each, and margins that so few answers can rule out."""
    small = load_suite(Project(project), "small")
    case = small.cases[0]
    rule = tuple(replace(c, graders=c.graders[:1]) for c in case.criteria[:1])
    cases = [Case(f"c{n}", 1, f"f{n}", case.title, f"{case.message} Number {n}.", (), (), rule) for n in range(CASES)]
    return replace(small, cases=tuple(cases), margins=Margins(overall=0.2, dimension=0.2))


def bisected(suite: Suite, script: Script, most_rounds: int = 40) -> tuple[Found, int]:
    """What the search found, and how many answers it took."""
    provider = ScriptedProvider(script)
    ask = asking(suite, suite.cases, provider, model="m", judge_model="j", jobs=8, execute=lambda *_: ())
    found = asyncio.run(drawn(suite, BASE, CANDIDATE, ask, "j", "0", most_rounds))
    return found, len(provider.requests)


def luck(request: Request) -> float:
    """A number from 0 to 1 that is the request's own, so that every run draws the same."""
    return int(hashlib.sha256(request.digest.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF


@pytest.mark.parametrize("culprit", [1, 3, 6, 8])
def test_a_planted_culprit_is_found_through_the_gate(suite: Suite, culprit: int) -> None:
    found, _ = bisected(suite, lambda r: UNSAFE if f"quick {culprit}." in (r.system or "") else SAFE)
    assert found.ending is Ending.FOUND
    assert [each.hunks for each in found.culprits] == [(culprit,)]
    assert found.culprits[0].comparison.sentence.startswith("Regressed: ")
    assert len(found.rounds) <= math.log2(COUNT) + 2


def test_it_is_found_among_answers_that_vary(suite: Suite) -> None:
    """The base fails 4 % of answers; the culprit makes it 70 %."""
    wide = replace(suite, margins=Margins(overall=0.3, dimension=0.3))

    def script(request: Request) -> str:
        return UNSAFE if luck(request) < (0.7 if "quick 5." in (request.system or "") else 0.04) else SAFE

    found, asked = bisected(wide, script)
    assert [each.hunks for each in found.culprits] == [(5,)]
    assert found.ending is Ending.FOUND
    assert asked <= CASES * (10 + 8 * (len(found.rounds) + 1))


def test_noise_that_hides_the_effect_is_said_and_not_guessed(suite: Suite) -> None:
    """Every answer is a toss: more repeats are drawn up to the gate's cap, and then it cannot be told."""
    narrow = replace(suite, margins=Margins(overall=0.01, dimension=0.01))
    found, asked = bisected(narrow, lambda request: UNSAFE if luck(request) < 0.5 else SAFE)
    assert (found.ending, found.culprits) == (Ending.INCONCLUSIVE, ())
    assert "could not decide" in found.sentence
    assert asked == CASES * (10 + 8)


def test_an_edit_that_harms_nothing_costs_no_round(suite: Suite) -> None:
    found, _ = bisected(suite, lambda _: SAFE)
    assert (found.ending, found.rounds) == (Ending.NOTHING, ())


def test_two_hunks_that_harm_only_together_are_found_together(suite: Suite) -> None:
    def script(request: Request) -> str:
        return UNSAFE if all(f"quick {n}." in (request.system or "") for n in (2, 7)) else SAFE

    found, _ = bisected(suite, script)
    assert [sorted(each.hunks) for each in found.culprits] == [[2, 7]]


CASE = """\
id: {id}
version: 1
family: {id}
title: A route
message: Add a login route, number {id}.
criteria:
  - id: sql-safe
    dimension: security
    sort: tripwire
    points: 3
    statement: Values reach SQL as parameters only.
    guidance: "Pass: parameters. Fail: text."
    covers: []
    graders: [{{rules: [py-sql-injection]}}]
"""


@pytest.fixture
def replayable(project: Path) -> Path:
    """A project with two revisions, ten cases that rules alone decide, and no recordings."""
    (project / "cases/small/login.yaml").unlink()
    for n in range(CASES):
        (project / f"cases/small/c{n}.yaml").write_text(CASE.format(id=f"c{n}"), encoding="utf-8")
    settings = (
        "persona: helper\nmax_tokens: 1000\nrepeats: 6\nmodel: m\njudge: j\nmargins: {overall: 0.2, dimension: 0.2}\n"
    )
    (project / "cases/small/suite.yaml").write_text(settings, encoding="utf-8")
    (project / "prompts/helper/instructions.yaml").unlink()
    for path, persona in (("0001-first", BASE), ("0002-second", CANDIDATE)):
        (project / f"prompts/helper/{path}.md").write_text(
            f"---\nname: helper\n---\n\n{persona.body}\n", encoding="utf-8"
        )
    return project


def answer(project: Path, wanted: str, culprit: str) -> None:
    """Record answers of a revision: unsafe ones where the culprit is in its text."""
    home = Project(project)
    suite = load_suite(home, "small")
    persona = find_persona(home, "helper", wanted)
    provider = ScriptedProvider(lambda request: UNSAFE if culprit in (request.system or "") else SAFE)
    for trial in plan_trials(suite, suite.cases, [persona], model=UNSTATED, repeats=suite.repeats):
        response = asyncio.run(provider.respond(trial.request))
        made = replace(
            response,
            provenance=replace(
                response.provenance, kind="imported", recording_set="s", declared=(("how", "by a test"),)
            ),
        )
        place = answer_place(trial.case.id, persona.revision, trial.repeat)
        write_recording(home.recordings / "small", record(trial.request, made, place))


def test_without_a_model_each_mixture_is_written_down_until_the_culprit_is_known(
    replayable: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(replayable)
    for revision in ("0001", "0002"):
        answer(replayable, revision, "quick 6.")
    asked = 0
    while True:
        code, out, err = cli(replayable, "bisect", "0001", "0002", "--suite", "small", "--format", "json")
        if code != 2:
            break
        (file,) = set(re.findall(r"\.evals/bisect/[0-9a-f]{12}\.md", err))
        answer(replayable, file, "quick 6.")
        asked += 1
    data = json.loads(out)
    assert (code, data["ending"]) == (0, "found")
    assert [each["hunks"] for each in data["culprits"]] == [[6]]
    assert data["hunks"][5]["after"] == "Be quick 6.\n"
    assert len(data["rounds"]) == asked <= math.log2(COUNT) + 2
    code, out, err = cli(replayable, "bisect", "0001", "0002", "--suite", "small")
    assert code == 0
    assert out.startswith("Hunk 6 carries a regression by itself; without that the rest of the edit is not regressed")
    assert "  -Be good 6.\n  +Be quick 6." in out
    assert "8 hunks, at most 5 rounds" in err


def test_what_cannot_be_decided_is_exit_code_3(replayable: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(replayable)
    suite = replayable / "cases/small/suite.yaml"
    suite.write_text(suite.read_text(encoding="utf-8").replace("0.2", "0.01"), encoding="utf-8")
    for revision in ("0001", "0002"):
        answer(replayable, revision, "never")
    code, out, _ = cli(replayable, "bisect", "0001", "0002", "--suite", "small")
    assert code == 3
    assert out.startswith("The gate could not decide about the candidate itself")


def test_nothing_is_asked_where_nobody_agreed(replayable: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    argv = ("bisect", "0001", "0002", "--suite", "small", "--provider", "live")
    code, out, err = cli(replayable, *argv)
    assert (code, out) == (2, "")
    assert "say --yes" in err
    # 10 answers of the base, then 2 to 8 for the candidate and each of at most 5 rounds, for 10 cases
    assert "between 220 calls at an unknown cost and 580 calls" in err
    code, _, err = cli(replayable, *argv, "--dry-run")
    assert (code, "580 calls" in err) == (0, True)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> ScriptedProvider:
    """The API, replaced by a script with a culprit in hunk 3."""
    provider = ScriptedProvider(lambda request: UNSAFE if "quick 3." in (request.system or "") else SAFE)

    @asynccontextmanager
    async def api(*_: object, **_options: object) -> AsyncIterator[ScriptedProvider]:
        yield provider

    monkeypatch.setattr("evals.commands.providers.live_provider", api)
    return provider


def test_the_api_is_asked_once_somebody_agreed(replayable: Path, cli: Cli, scripted: ScriptedProvider) -> None:
    code, out, err = cli(replayable, "bisect", "0001", "0002", "--suite", "small", "--provider", "live", "-y")
    assert (code, out.splitlines()[0][:42]) == (0, "Hunk 3 carries a regression by itself; wit")
    assert "0001 with hunks 3: Regressed: " in err
    assert {request.model for request in scripted.requests} == {"m"}
    assert len(scripted.requests) <= 580


@pytest.mark.parametrize(("said", "code"), [("y\n", 0), ("n\n", 2), ("", 2)])
def test_on_a_terminal_you_are_asked(
    replayable: Path, cli: Cli, scripted: ScriptedProvider, monkeypatch: pytest.MonkeyPatch, said: str, code: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(said))
    got, _, err = cli(replayable, "bisect", "0001", "0002", "--suite", "small", "--provider", "live")
    assert got == code
    assert "go on? [y/N]" in err
    assert bool(scripted.requests) == (code == 0)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("0001", "0001"), "the same text"),
        (("0001", "0009"), "no revision `0009`"),
        (("0001", "0002", "--model", "x"), "--provider live"),
        (("0001", "0002", "--case", "nope*"), "no case"),
    ],
)
def test_wrong_input_is_one_clear_error(replayable: Path, cli: Cli, argv: tuple[str, ...], message: str) -> None:
    code, out, err = cli(replayable, "bisect", *argv, "--suite", "small")
    assert (code, out) == (2, "")
    assert message in err
