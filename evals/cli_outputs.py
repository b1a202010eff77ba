"""Which JSON Schema (`evals/schemas/`) holds for what a call prints with `--format json`.

Here: the table. Not here: the schemas, or printing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Fits = Callable[[argparse.Namespace], bool]


@dataclass(frozen=True, kw_only=True)
class Output:
    """One form that a verb's result has."""

    schema: str
    """Its name, without `.schema.json`."""
    when: str = ""
    """In which calls, in words of the command line; empty: in all others."""
    fits: Fits = lambda _: True


def _what(word: str, schema: str) -> Output:
    return Output(schema=schema, when=word, fits=lambda args: args.what == word)


OUTPUTS: Mapping[str, tuple[Output, ...]] = {
    "run": (
        Output(schema="dry-run", when="--dry-run", fits=lambda args: args.dry_run),
        Output(schema="scorecards"),
    ),
    "grade": (Output(schema="graded-answers"),),
    "scan": (Output(schema="findings"),),
    "selftest": (Output(schema="selftest-report"),),
    "calibrate": (
        Output(schema="calibration-worst", when="--worst", fits=lambda args: args.worst),
        Output(schema="calibration"),
    ),
    "compare": (Output(schema="comparison"),),
    "gate": (Output(schema="comparison"),),
    "bless": (Output(schema="blessed"),),
    "view": (Output(schema="viewed"),),
    "bisect": (
        Output(schema="bisection-plan", when="--dry-run", fits=lambda args: args.dry_run),
        Output(schema="bisection"),
    ),
    "show": (
        Output(
            schema="criterion-grades",
            when="--case C --criterion K",
            fits=lambda args: bool(args.case or args.criterion),
        ),
        Output(schema="disagreements", when="--disagreements", fits=lambda args: args.disagreements),
        Output(schema="scorecards"),
    ),
    "list": (Output(schema="listing"),),
    "coverage": (Output(schema="coverage"),),
    "plan": (Output(schema="plan"),),
    "validate": (Output(schema="validation"),),
    "lock": (Output(schema="locked"),),
    "import": (Output(schema="imported"),),
    "cache": (
        _what("clear", "cache-cleared"),
        _what("prune", "cache-pruned"),
        _what("why", "cache-why"),
        _what("info", "cache"),
    ),
    "init": (Output(schema="created"),),
}
"""By verb, the special forms first."""


def schema_of(args: argparse.Namespace) -> str:
    """The name of the schema of what a call prints. Raises KeyError for a verb that prints no JSON."""
    return next(output.schema for output in OUTPUTS[args.verb] if output.fits(args))
