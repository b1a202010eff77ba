"""Rule findings in files as SARIF 2.1.0, for code-scanning views.

Not here: findings in answers. An alert needs a file and line of the repository; an answer is none (docs/ci.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from posixpath import normpath
from urllib.parse import quote

from evals.canonical import Json
from evals.report.safe import plain
from graders.criterion import Dimension
from graders.rules.grading import Placed
from graders.rules.rule import Rule, Severity

SECURITY_SEVERITY = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
}
"""On the scale of CVSS, by which code scanning sorts and filters security alerts."""
LEVEL = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def sarif(
    findings: Sequence[tuple[str, Placed]], rules: Sequence[Rule], doubts: Sequence[tuple[str, str]] = ()
) -> dict[str, Json]:
    """One run with the rules that found something, a result per finding, and a notification for each (file, doubt) that
    no rule could look at. Paths are relative references, percent-encoded, with forward slashes."""
    used = [rule for rule in rules if any(placed.rule is rule for _, placed in findings)]
    driver: dict[str, Json] = {
        "name": "persona-evals",
        "semanticVersion": version("persona-evals"),
        "rules": [_rule(rule) for rule in used],
    }
    return {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [
                    {"executionSuccessful": True, "toolExecutionNotifications": [_doubt(*doubt) for doubt in doubts]}
                ],
                "results": [_result(file, placed, used.index(placed.rule)) for file, placed in findings],
            }
        ],
    }


def _doubt(file: str, message: str) -> dict[str, Json]:
    return {
        "level": "warning",
        "message": {"text": plain(message, 500)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(file)}}}],
    }


def _rule(rule: Rule) -> dict[str, Json]:
    text = " ".join((rule.__doc__ or rule.id).split())
    tags: list[Json] = [rule.dimension.value, *([f"external/cwe/cwe-{rule.cwe}"] if rule.cwe else [])]
    properties: dict[str, Json] = {"tags": tags}
    if rule.dimension is Dimension.SECURITY:
        properties["security-severity"] = SECURITY_SEVERITY[rule.severity]
    return {
        "id": rule.id,
        "shortDescription": {"text": text.split(". ")[0]},
        "fullDescription": {"text": text},
        "help": {"text": text},
        "defaultConfiguration": {"level": LEVEL[rule.severity]},
        "properties": properties,
    }


def _result(file: str, placed: Placed, index: int) -> dict[str, Json]:
    uri = _uri(file)
    print_of = sha256(f"{placed.rule.id}\0{uri}\0{placed.site.quote}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return {
        "ruleId": placed.rule.id,
        "ruleIndex": index,
        "level": LEVEL[placed.rule.severity],
        "message": {"text": plain(placed.site.message or placed.rule.id, 500)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": placed.line}}}],
        "partialFingerprints": {"quote/v1": print_of},
    }


def _uri(file: str) -> str:
    """A path as a relative reference: what a URI has no letter for is percent-encoded."""
    path = normpath(file.replace("\\", "/")).lstrip("/")
    return quote(path.encode("utf-8", "surrogateescape"))
