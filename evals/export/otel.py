"""Grades as `gen_ai.evaluation.result` events over OTLP/HTTP.

Event and attributes follow the OpenTelemetry semantic conventions for generative AI, release 0.1.0 (repository
`open-telemetry/semantic-conventions-genai`, status: development). What they have no word for is `persona_evals.…`.
Not here: where the collector is; that is OpenTelemetry's own `OTEL_EXPORTER_OTLP_…` variables.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from evals.data.extras import extra
from evals.data.rows import Row, grade_rows
from evals.errors import InputError
from evals.export.tracking import shown
from evals.scorecard import Scorecard

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import LogRecordExporter

EVENT = "gen_ai.evaluation.result"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
BATCH = 500
LONGEST = 2_000
"""Characters of an explanation; many collectors drop longer ones whole."""
SCORES = {"pass": 1.0, "fail": 0.0}
OWN = (
    "suite",
    "persona",
    "revision",
    "case",
    "case_version",
    "repeat",
    "dimension",
    "points",
    "kind",
    "grader",
    "advisory",
)


def attributes(row: Row) -> dict[str, Any]:
    """Attributes of one grade that counts. What was not decided has an `error.type` and no score; never a zero."""
    status = str(row["status"])
    found = {
        "gen_ai.evaluation.name": row["criterion"],
        "gen_ai.evaluation.score.value": SCORES.get(status),
        "gen_ai.evaluation.score.label": None if status == "unscored" else status,
        "gen_ai.evaluation.explanation": str(row["reason"])[:LONGEST],
        "error.type": "unscored" if status == "unscored" else None,
        **{f"persona_evals.{name}": row[name] for name in OWN},
        "persona_evals.answer": row["answer"],
        "persona_evals.model": row["model"],
    }
    return {name: value for name, value in found.items() if value is not None}


def emit(cards: Sequence[Scorecard], provider: LoggerProvider) -> int:
    """Emit one event for each grade that counts; how many."""
    logger = provider.get_logger("persona-evals", metadata.version("persona-evals"))
    rows = [row for card in cards for row in grade_rows(card) if row["prevails"]]
    for row in rows:
        logger.emit(event_name=EVENT, attributes=attributes(row))
    return len(rows)


def send(cards: Sequence[Scorecard]) -> int:
    """Send the events to the collector that the environment names; how many. Raises InputError when it takes none."""
    endpoint = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), None)
    if endpoint is None:
        raise InputError(f"no collector is named; set {ENDPOINTS[1]}, such as http://localhost:4318")
    with extra("otel"):
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
        from opentelemetry.sdk.resources import Resource
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the package leaves it untyped
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "persona-evals")})
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    count = emit(cards, provider)
    _deliver(memory.get_finished_logs(), OTLPLogExporter(), endpoint)
    return count


def _deliver(records: Sequence[Any], exporter: LogRecordExporter, endpoint: str) -> None:
    """In the foreground, so that a collector that is not there is an error and not a line in a log."""
    from opentelemetry.sdk._logs.export import LogRecordExportResult

    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # what goes wrong is raised, and said once
    try:
        for start in range(0, len(records), BATCH):
            if exporter.export(records[start : start + BATCH]) is not LogRecordExportResult.SUCCESS:
                raise InputError(
                    f"the collector at {shown(endpoint)} did not take the events ({start} of {len(records)} were sent)"
                )
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]  # likewise
