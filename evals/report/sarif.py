"""Rule findings as SARIF 2.1.0, for code-scanning views."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from evals.canonical import Json
from evals.report.safe import plain
from graders.rules.grading import Placed
from graders.rules.rule import Rule, Severity

LEVEL = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def sarif(findings: Sequence[tuple[str, Placed]], rules: Sequence[Rule]) -> dict[str, Json]:
    """One run with the rules and a result per finding; paths are relative and with forward slashes."""
    used = [rule for rule in rules if any(placed.rule is rule for _, placed in findings)]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "persona-evals", "rules": [_rule(rule) for rule in used]}},
                "results": [_result(file, placed, used.index(placed.rule)) for file, placed in findings],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Json]:
    text = " ".join((rule.__doc__ or rule.id).split())
    tags: list[Json] = [rule.dimension.value, *([f"external/cwe/cwe-{rule.cwe}"] if rule.cwe else [])]
    return {
        "id": rule.id,
        "shortDescription": {"text": text.split(". ")[0]},
        "fullDescription": {"text": text},
        "help": {"text": text},
        "defaultConfiguration": {"level": LEVEL[rule.severity]},
        "properties": {"tags": tags},
    }


def _result(file: str, placed: Placed, index: int) -> dict[str, Json]:
    uri = file.replace("\\", "/").lstrip("/")
    print_of = sha256(f"{placed.rule.id}\0{uri}\0{placed.site.quote}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return {
        "ruleId": placed.rule.id,
        "ruleIndex": index,
        "level": LEVEL[placed.rule.severity],
        "message": {"text": plain(placed.site.message or placed.rule.id, 500)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": placed.line}}}],
        "partialFingerprints": {"quote/v1": print_of},
    }
