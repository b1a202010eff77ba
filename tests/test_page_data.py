"""The data of the comparison page, and the file around it: nothing decided here, nothing hostile let through."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from evals.comparison import Basis, BrokenMust, Comparison, Difference, Verdict
from evals.context import AnswerKey, Context
from evals.persona import Persona
from evals.report import page_answers
from evals.report.page import comparison_page
from evals.report.page_data import page_data
from graders.criterion import Dimension, Kind
from tests.pages import World, made, with_text

HOSTILE = "</script><script>alert(1)</script><!-- ]]> \u2028\u2029 \x00 \u202egnp.exe\ud800 &amp;"


def data_of(comparison: Comparison, context: Context) -> dict[str, Any]:
    """As the page reads it."""
    page = comparison_page(comparison, context)
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert block
    found: dict[str, Any] = json.loads(block[1])
    return found


def cell(data: dict[str, Any], case: str, criterion: str) -> dict[str, Any]:
    return next(
        c
        for c in data["cells"]
        if (data["cases"][c["case"]]["id"], data["criteria"][c["criterion"]]["id"]) == (case, criterion)
    )


def test_equal_input_gives_an_equal_file() -> None:
    assert comparison_page(*made()) == comparison_page(*made())


def test_verdicts_and_flips_are_the_comparisons_own() -> None:
    comparison, context = made()
    data = data_of(comparison, context)
    assert data["verdict"]["kind"] == comparison.verdict.value
    assert data["verdict"]["sentence"] == comparison.sentence
    named = [(data["cells"][i]["case"], data["cells"][i]["flip"]) for i in data["flips"]]
    cases = [case["id"] for case in data["cases"]]
    assert named == [(cases.index(f.case), "worse" if f.worse else "better") for f in comparison.flips]
    assert {c["flip"] for c in data["cells"] if "flip" in c} == {"worse", "better"}
    gate = {change.dimension.value: change for change in comparison.of(Basis.GATE) if change.dimension}
    for row in data["dimensions"]:
        if row["gate"]:
            assert row["gate"]["verdict"] == gate[row["id"]].verdict.value


def test_a_comparison_without_flips_shows_none() -> None:
    comparison, context = made()
    data = data_of(replace(comparison, flips=()), context)
    assert data["flips"] == []
    assert not any("flip" in c for c in data["cells"])


def test_an_unlicensed_judge_is_advisory_and_outside_the_gate() -> None:
    data = data_of(*made())
    rows = {row["id"]: row for row in data["dimensions"]}
    assert rows["operations"]["gate"] is None
    assert rows["operations"]["all"]["difference"] is not None
    assert rows["security"]["gate"]
    flipped = [c for c in data["cells"] if "flip" in c]
    by_judge = [c for c in flipped if c["sides"][0]["grades"][0][0]["k"] == "judge"]
    assert by_judge
    assert not any(c["counts"] for c in by_judge)
    assert all(c["counts"] for c in flipped if c not in by_judge)
    assert (
        "error handling and operations rest on a judge without a licence" in " ".join(data["verdict"]["rest"]).lower()
    )


def test_a_licensed_judge_counts() -> None:
    comparison, context = made(World(licensed=tuple(Dimension)))
    data = data_of(comparison, context)
    assert all(c["counts"] for c in data["cells"] if "flip" in c)
    assert not any(g.get("advisory") for c in data["cells"] for s in c["sides"] for row in s["grades"] for g in row)
    assert data["counted"]["counting"] == data["counted"]["decided"]


def test_counts_of_grades_are_the_scorecards() -> None:
    comparison, context = made()
    data = data_of(comparison, context)
    lines = [*context.base.criteria, *context.candidate.criteria]
    rules = sum(dict(line.decided_by).get(Kind.RULE, 0) for line in lines)
    assert dict(data["counted"]["kinds"])["rule"] == rules
    assert data["counted"]["asked"] == sum(line.repeats for line in lines)


def test_unscored_is_no_failure_and_disagreement_is_marked() -> None:
    data = data_of(*made())
    statuses = {g["s"] for c in data["cells"] for s in c["sides"] for row in s["grades"] for g in row}
    assert statuses == {"p", "f", "u", "n"}
    differing = [c for c in data["cells"] if c.get("differ")]
    assert differing
    for c in differing:
        rows = [row for side in c["sides"] for row in side["grades"]]
        assert any({g["s"] for g in row} >= {"p", "f"} for row in rows)


def test_cells_set_apart_and_broken_musts_are_named() -> None:
    comparison, context = made()
    must = BrokenMust(case="case-1", criterion="c1-criterion-0", fails=2, scored=5)
    data = data_of(replace(comparison, musts=(must,), set_apart=(("case-0", "c0-criterion-1"),)), context)
    assert cell(data, "case-1", "c1-criterion-0")["must"] is True
    assert data["musts"] == [[data["cells"].index(cell(data, "case-1", "c1-criterion-0")), 2, 5]]
    assert cell(data, "case-0", "c0-criterion-1")["apart"] is True


def test_evidence_is_where_the_browser_counts() -> None:
    comparison, context = made()
    context = with_text(context, "😀 \u202e\r\n" + context.answers["base", "case-0", 1])
    data = data_of(comparison, context)
    grade = cell(data, "case-0", "c0-criterion-1")["sides"][1]["grades"][0][0]
    text = data["answers"][0][1][0]["text"].encode("utf-16-le")
    start, end = grade["at"][0]
    assert text[2 * start : 2 * end].decode("utf-16-le") == 'row = db.execute("SELECT * FROM users'


def test_a_quote_that_is_not_in_the_answer_is_kept_as_words() -> None:
    comparison, context = made()
    data = data_of(comparison, with_text(context, "Nothing of it."))
    grade = cell(data, "case-0", "c0-criterion-1")["sides"][1]["grades"][0][0]
    assert "at" not in grade
    assert grade["lost"] == ['row = db.execute("SELECT * FROM users']


def test_transcripts_are_no_quotes() -> None:
    data = data_of(*made())
    grade = cell(data, "case-0", "c0-criterion-0")["sides"][1]["grades"][0][0]
    assert grade["log"].splitlines() == ["sql-injection: POST /login -> 200", "finding: all rows came back"]
    assert "at" not in grade
    assert "lost" not in grade


def test_hostile_text_stays_inside_the_block() -> None:
    comparison, context = made()
    comparison = replace(comparison, sentence=HOSTILE, base=replace(comparison.base, revision=HOSTILE))
    context = replace(with_text(context, HOSTILE), base_persona=Persona("x", HOSTILE, HOSTILE))
    page = comparison_page(comparison, context)
    assert page.count("<script") == 2
    assert page.count("</script") == 2
    assert "<!--" not in page
    assert "alert(1)</" not in page
    assert not re.search(
        "[\x00\u202e\u2028\ud800]", page.split("<style>")[0] + page.split("<main")[1].split("</main>")[0]
    )
    assert data_of(comparison, context)["answers"][0][0][0]["text"] == HOSTILE
    page.encode()


def test_the_policy_names_the_very_style_and_script() -> None:
    import base64
    import hashlib

    page = comparison_page(*made())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    rules = policy[1].replace("&#39;", "'")
    for tag in ("style", "script"):
        text = page.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in rules
    assert "default-src 'none'" in rules
    assert "trusted-types 'none'" in rules
    assert " style=" not in page.split("<style>")[0]


def test_without_scripts_the_verdict_and_the_dimensions_are_there() -> None:
    comparison, context = made()
    static = comparison_page(comparison, context).split("<main")[1].split("</main>")[0]
    assert comparison.sentence in static
    for name in ("Security", "Transactionality", "Error handling", "Operations"):
        assert name in static
    assert "advisory only †" in static
    every = next(c for c in comparison.of(Basis.ALL) if c.dimension is Dimension.OPERATIONS)
    assert every.difference is not None
    assert f"+{every.difference:.2f}" in static


def test_differences_and_cases_of_one_side_are_named() -> None:
    comparison, context = made()
    comparison = replace(
        comparison,
        verdict=Verdict.NOT_COMPARABLE,
        differences=(Difference(what="model", base="a", candidate="b", allowed=False),),
        only_base=("gone",),
        flips=(),
    )
    data = data_of(comparison, context)
    assert data["differences"] == [["model", "a", "b", False]]
    assert data["only"] == [["gone"], []]
    assert data["verdict"]["rest"] == []


def test_without_texts_the_page_says_so() -> None:
    comparison, context = made()
    data = data_of(comparison, replace(context, base_persona=None, answers={}))
    assert data["diff"] is None
    assert data["answers"][0][0][0] is None


def test_history_is_drawn_only_when_there_is_one() -> None:
    comparison, context = made()
    assert data_of(comparison, context)["history"] == []
    earlier = replace(context.base, header=replace(context.base.header, revision="0000"))
    data = data_of(comparison, replace(context, history=(earlier, context.base)))
    assert data["history"] == ["0000", "0001", "0002"]
    assert len(data["dimensions"][0]["history"]) == 3


def test_cost_is_null_where_it_is_not_stated() -> None:
    from evals.usage import Spent

    comparison, context = made()
    assert data_of(comparison, context)["cost"] == []
    spent = Spent(answers=4, input_tokens=10, output_tokens=20)
    rows = {row[0]: row for row in data_of(comparison, replace(context, candidate_usage=spent))["cost"]}
    assert rows["Cost"] == ["Cost", "$", None, None]
    assert rows["Output tokens"][2:] == [None, 20]


KEYS: list[AnswerKey] = [("base", case, repeat) for case in ("a", "b") for repeat in (1, 2)]


@pytest.mark.parametrize(
    ("room", "kept", "cut"), [(400_000, 4, False), (80_000, 4, True), (40_000, 2, True), (0, 0, True)]
)
def test_answers_are_cut_first_and_then_left_out_by_rank(room: int, kept: int, cut: bool) -> None:
    answers = dict.fromkeys(KEYS, "x" * 30000)
    stored = page_answers.store(answers, room, {KEYS[2]: 0, KEYS[3]: 0, KEYS[0]: 3, KEYS[1]: 3})
    assert len(stored.texts) == kept
    assert all(len(text) == (page_answers.CUT if cut else 30_000) for text in stored.texts.values())
    if kept == 2:
        assert list(stored.texts) == KEYS[2:]
        assert "2 of 4 answers are left out" in " ".join(stored.notes)
    assert bool(stored.notes) is cut


def test_a_large_comparison_stays_within_the_size() -> None:
    comparison, context = made(World(cases=30, criteria=20, repeats=6, shared_ids=True))
    context = with_text(context, "é" * 60_000)
    page = comparison_page(comparison, context)
    assert 10_000_000 < len(page.encode()) <= 15_000_000
    assert "360 of 360 answers are cut" in str(page_data(comparison, context)["left_out"])


def test_no_score_over_all_dimensions_is_in_the_page() -> None:
    comparison, context = made()
    overall = next(change for change in comparison.of(Basis.GATE) if change.dimension is None)
    assert overall.base is not None
    data = data_of(comparison, context)
    assert {row["id"] for row in data["dimensions"]} <= set(Dimension)
    assert str(round(overall.base, 4)) not in json.dumps(data["dimensions"])
