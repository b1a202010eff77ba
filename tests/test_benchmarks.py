"""The benchmarks do what they say, at a size that takes seconds. Nothing here asserts on time."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import work
from benchmarks.bench import BEGIN, END, replaced, report
from benchmarks.child import Failed
from benchmarks.figures import STEPS, Measured, Sizes, measure
from benchmarks.peers.tools import TOOLS
from benchmarks.pressure import pressed
from benchmarks.stage import ROOT, Stage, stage
from benchmarks.table import Figure, each, table
from evals.grading import static_grades
from evals.load import load_suite
from evals.project import Project
from graders.criterion import Status

SIZES = Sizes(small=5, middle=5, large=5, rounds=1, latency=1)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("stage")) as found:
        yield found


@pytest.fixture(scope="module")
def run(where: Stage) -> Measured:
    return Measured(where, SIZES)


def asked(where: Stage, **more: object) -> tuple[int, dict[str, str], bytes]:
    """Status, header fields and body of the mock server's reply."""
    body = json.dumps({**work.body(1, "Be brief."), **more}).encode()
    request = urllib.request.Request(where.url + "/v1/messages", data=body)  # noqa: S310 - our own server
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_ratios_limits_and_verdicts() -> None:
    met = Figure(number=3, what="CPU", value=0.5, unit="ms", limit=1.0, beside=(("SDK", 0.25), ("nobody", 0.0)))
    assert met.row == ("3", "CPU", "0.5 ms", "1", "met", "SDK 0.25 (2.00 x), nobody 0 (-)")
    assert Figure(number=3, what="CPU", value=1.01, unit="ms", limit=1.0).met is False
    assert Figure(number=3, what="CPU", value=1.0, unit="ms", limit=1.0).met is True
    assert Figure(number=3, what="CPU", value=1.0, unit="ms").row[3:5] == ("", "")
    assert "MISSED" in table([Figure(number=1, what="a", value=2, unit="s", limit=1)])


def test_a_sample_is_what_one_more_takes() -> None:
    assert each(6.0, 1.0, 11) == pytest.approx(0.5)
    assert each(1.0, 1.0, 1) == 0


def test_the_work_has_the_sizes_it_says_and_a_reply_passes() -> None:
    assert 4_900 < len(work.persona()) < 5_300
    assert 980 < len(work.prompt(4)) < 1_050
    assert work.prompt(4) != work.prompt(5)
    assert 2_800 < len(work.reply("1")) < 3_200
    assert work.passes(work.reply("1"))
    assert not work.passes(work.reply("1").replace("42", "unknown"))
    assert not work.passes(work.reply("1").replace('"score": 7', '"score": 8'))


def test_our_graders_decide_what_the_plain_ones_decide(tmp_path: Path) -> None:
    work.write_project(tmp_path)
    (case, *_) = load_suite(Project(tmp_path), "bench").cases
    for text in (
        work.reply("1"),
        work.reply("1").replace("42", "unknown"),
        work.reply("1").replace('"score": 7', '"score": 8'),
    ):
        statuses = [grade.status for grade in static_grades(case, text)]
        assert len(statuses) == 2
        assert all(status is Status.PASS for status in statuses) is work.passes(text)


def test_a_reply_is_a_message_and_no_two_are_equal(where: Stage) -> None:
    where.serve()
    replies = [json.loads(asked(where)[2]) for _ in range(3)]
    assert {reply["type"] for reply in replies} == {"message"}
    assert {reply["stop_reason"] for reply in replies} == {"end_turn"}
    texts = {reply["content"][0]["text"] for reply in replies}
    assert len(texts) == len({reply["id"] for reply in replies}) == 3
    assert all(map(work.passes, texts))
    assert where.stats()["answered"] == 3


def test_a_streamed_reply_holds_the_same(where: Stage) -> None:
    where.serve()
    status, headers, body = asked(where, stream=True)
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]
    assert [event["type"] for event in events][:: len(events) - 1] == ["message_start", "message_stop"]
    assert work.passes("".join(e["delta"]["text"] for e in events if e["type"] == "content_block_delta"))


def test_faults_are_refusals_of_two_kinds_and_are_counted(where: Stage) -> None:
    where.serve(faults=100)
    said = [asked(where) for _ in range(4)]
    assert [status for status, _, _ in said] == [529, 429, 529, 429]
    assert [headers.get("retry-after") for _, headers, _ in said] == [None, "1", None, "1"]
    assert json.loads(said[0][2])["error"]["type"] == "overloaded_error"
    stats = where.stats()
    assert (stats["requests"], stats["answered"], stats["refused"]) == (4, 0, 4)
    where.serve()
    assert where.stats()["requests"] == 0


def test_the_server_is_pressed(where: Stage) -> None:
    assert "requests a second" in pressed(where, requests=60)
    assert where.stats()["requests"] == 60


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_each_step_runs(run: Measured, number: int) -> None:
    figures = list(measure(run, frozenset({number})))
    assert figures
    assert {figure.number for figure in figures} == {number}
    assert all(figure.row[1] and figure.unit for figure in figures)
    if number == 5:
        assert all("(0 requests)" in figure.what for figure in figures)
    if number == 8:
        assert [figure.value for figure in figures] == [0]


def test_a_command_that_fails_is_no_figure(where: Stage) -> None:
    with pytest.raises(Failed, match=r"ended with 2"):
        where.evals(where.project("failing"), "nonsense")


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_other_tools_get_the_same_work(tool: Any, tmp_path: Path) -> None:
    call = tool.call(tmp_path, "http://127.0.0.1:9", 7, 3, cached=True)
    told = " ".join(call.command)
    config = tmp_path / "promptfooconfig.json"
    if config.is_file():
        assert len(json.loads(config.read_text())["tests"]) == 7
        assert "-j 3" in told
    else:
        assert "7" in told.replace("n=", " ").split()
        assert Path(tmp_path, next(part for part in call.command if part.endswith(".py"))).is_file()
    assert call.variables["PROMPTFOO_DISABLE_TELEMETRY"] == "1"


def test_the_table_goes_between_the_marks_of_a_document() -> None:
    assert replaced(f"a\n{BEGIN}\nold\n{END}\nb", "new") == f"a\n{BEGIN}\n\nnew\n\n{END}\nb"
    assert (ROOT / "docs/performance.md").read_text(encoding="utf-8").count(BEGIN) == 1
    with pytest.raises(ValueError, match="no lines"):
        replaced("a", "new")


def test_what_is_printed_says_where_it_was_measured(tmp_path: Path) -> None:
    text = report(tmp_path, SIZES, frozenset({8}))
    assert "Python" in text
    assert "requests a second" in text
    assert "cores busy in the median step" in text
    assert "| 8 " in text
