"""What models take, by a table that a project may correct."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evals.capabilities import Capability, read_capabilities, refused
from evals.errors import InputError
from evals.prices import project_prices

TABLE = read_capabilities()
PARAMS: dict[str, Any] = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "u"}]}


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"temperature": 0}, "sampling parameters"),
        ({"top_p": 0.5}, "sampling parameters"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "a thinking budget"),
        ({"thinking": {"type": "disabled"}}, "thinking to be disabled"),
        ({"tool_choice": {"type": "any"}}, "a forced choice of tools"),
        (
            {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "{"}]},
            "an answer that is begun",
        ),
    ],
)
def test_what_a_new_model_refuses_and_an_unknown_one_may_take(more: dict[str, Any], what: str) -> None:
    (found,) = refused(PARAMS | more, TABLE.of("claude-sonnet-5-5"))
    assert found.startswith(what)
    assert refused(PARAMS | more, TABLE.of("somebody-elses")) == []
    assert refused(PARAMS, TABLE.of("claude-sonnet-5-5")) == []


def test_a_schema_is_refused_only_by_a_model_that_is_known_not_to_follow_one() -> None:
    params = PARAMS | {"output_config": {"format": {"type": "json_schema", "schema": {}}}}
    assert refused(params, Capability(model="m", structured_output=False)) == ["a schema for its reply"]
    assert refused(params, Capability(model="m")) == []
    assert refused(params, TABLE.of("claude-opus-5-5")) == []


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("claude-opus-5", 512),
        ("claude-haiku-4-5-20251001", 4096),
        ("claude-haiku-4-5@20251001", 4096),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", 4096),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-opus-4-7", 2048),
        ("nobody-knows", 1024),
    ],
)
def test_a_model_is_known_by_its_names_everywhere(model: str, minimum: int) -> None:
    assert TABLE.of(model).prompt_cache_minimum == minimum
    assert TABLE.knows(model) == (model != "nobody-knows")


def write(path: Path, data: object) -> Path:
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_a_projects_own_rows_go_first(tmp_path: Path) -> None:
    row = {"model": "claude-opus-5", "prompt_cache_minimum": 7, "sampling": True, "source": "measured"}
    own = read_capabilities(write(tmp_path / "models.json", {"as_of": "2027-01-01", "models": [row]}))
    assert (own.as_of, own.of("claude-opus-5").prompt_cache_minimum) == ("2027-01-01", 7)
    assert own.of("claude-haiku-4-5") == TABLE.of("claude-haiku-4-5")
    assert read_capabilities(tmp_path / "absent.json") == TABLE


@pytest.mark.parametrize(("text", "message"), [("{", "no readable table"), ('{"as_of": "x", "models": []}', "as_of")])
def test_a_damaged_table_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "models.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_capabilities(tmp_path / "models.json")


def test_a_projects_own_prices_go_first(tmp_path: Path) -> None:
    row = {"model": "mine", "input": 1, "output": 2, "source": "contract"}
    own = project_prices(write(tmp_path / "prices.json", {"as_of": "2027-01-01", "batch_factor": 1, "prices": [row]}))
    price = own.price("mine", "2027-01-02")
    assert price is not None
    assert (price.output, own.batch_factor) == (2, 1)
    assert own.price("claude-opus-5-5", "2027-01-02") == project_prices(tmp_path / "no.json").price(
        "claude-opus-5-5", "2027-01-02"
    )
