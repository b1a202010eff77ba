"""One spelling, one digest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.canonical import as_json, canonical, digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    name: str
    size: int | None = None
    parts: tuple[Colour, ...] = ()


@given(st.dictionaries(st.text(), JSON, max_size=6))
def test_key_order_does_not_count(data: dict[str, object]) -> None:
    assert digest(data) == digest(dict(reversed(data.items())))


@given(JSON, JSON)
def test_different_values_have_different_spellings(one: object, two: object) -> None:
    same = as_json(one) == as_json(two) and repr(one) == repr(two)
    assert (canonical(one) == canonical(two)) >= same


def test_an_unset_optional_field_is_left_out() -> None:
    assert canonical(Thing("a", parts=(Colour.RED,))) == '{"name":"a","parts":["red"]}'


def test_surrogates_have_a_digest() -> None:
    assert len(digest("\ud800")) == 64


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"x": value})


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no JSON form"):
        canonical({"x": {1}})
