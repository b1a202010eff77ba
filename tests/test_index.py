"""The index of graders is what the graders say, and spares their loading."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graders.index import FILE, document, rule_entries
from graders.registry import ATTACKS, BUILT_IN, RULES_BY_ID
from graders.rules.every import RULES


def test_the_index_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == f"{document()}\n", "run `make docs`"


def test_names_and_graders_agree() -> None:
    assert list(RULES_BY_ID) == [rule.id for rule in RULES_BY_ID.values()] == [rule.id for rule in RULES]
    assert list(ATTACKS) == [attack.id for suite in BUILT_IN.suites for attack in suite.attacks]
    assert {name: ATTACKS[name].id for name in ATTACKS} == dict(zip(ATTACKS, ATTACKS, strict=True))
    assert len(rule_entries()) == len(RULES_BY_ID) == len(RULES)
    assert "py-sql-injection" in RULES_BY_ID
    assert "no-such-rule" not in RULES_BY_ID
    with pytest.raises(KeyError):
        RULES_BY_ID["no-such-rule"]


def test_a_name_is_known_without_its_grader() -> None:
    code = (
        "import sys\nfrom graders.registry import ATTACKS, RULES_BY_ID\n"
        "assert 'py-sql-injection' in RULES_BY_ID and len(ATTACKS) > 9\n"
        "print([n for n in sys.modules if n.startswith(('graders.rules.', 'graders.execution.'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_rule_is_loaded_without_the_others() -> None:
    code = (
        "import sys\nfrom graders.registry import RULES_BY_ID\nassert RULES_BY_ID['md-truncated-answer'].version\n"
        "print([n for n in sys.modules if n.startswith(('graders.rules.py_', 'graders.rules.js_', 'graders.rules.sql_locks'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
