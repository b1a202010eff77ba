"""A judge of the answerer's family is found out by name."""

from __future__ import annotations

import pytest

from evals.model_family import same_family


@pytest.mark.parametrize(
    ("answerer", "judge", "shared"),
    [
        ("claude-sonnet-5-5", "us.anthropic.claude-opus-5-5-v1:0", "claude"),
        ("claude (imported, version not stated)", "claude-unstated", "claude"),
        ("gpt-5", "claude-opus-5-5", None),
        ("acme-large", "acme-judge", "acme"),
        ("", "", None),
    ],
)
def test_families(answerer: str, judge: str, shared: str | None) -> None:
    assert same_family(answerer, judge) == shared
