"""Batches that the server keeps, and their results. Not here: HTTP."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

from tests.fake_api.messages import Body, Params, PromptCache, batch_id, message

SUCCEEDED = {"type": "succeeded"}
Outcomes = Callable[[str, Params, int], Body | None]


class Batches:
    """Every batch that was made, in order. Results come in reverse order of the requests."""

    def __init__(self, answer: Callable[[Params], str], cache: PromptCache) -> None:
        self.answer = answer
        self.lines: dict[str, list[Body]] = {}
        """The requests of each batch, by its id."""
        self.looks: Counter[str] = Counter()
        self.polls = 1
        """How often a batch is seen in progress before it has ended."""
        self.outcomes: Outcomes = lambda *_: None
        """Another result for (custom id, params, how often it was submitted); None: it succeeds."""
        self.row: Callable[[str, Body], Body] = self._row
        """A line of results from a batch's id and a line of its requests."""
        self.archived = False
        self.pinned: set[str] = set()
        """Batches that are still there after they were deleted."""
        self._submitted: Counter[str] = Counter()
        self._canceled: dict[str, bool] = {}
        self._results: dict[str, list[bytes]] = {}
        self._cache = cache

    def make(self, requests: list[Body], name: str | None = None) -> str:
        name = name or batch_id(len(self.lines) + 1)
        self.lines[name] = requests
        self._submitted.update(line["custom_id"] for line in requests)
        return name

    def look(self, name: str) -> None:
        self.looks[name] += 1

    def cancel(self, name: str) -> None:
        self._canceled[name] = self.ended(name)

    def delete(self, name: str) -> bool:
        """Whether it could be: a batch under way can not."""
        if name in self.pinned:
            return True
        return self.ended(name) and self.lines.pop(name, None) is not None

    def ended(self, name: str) -> bool:
        return self.looks[name] > self.polls

    def shown(self, name: str, root: str) -> Body:
        ended, canceled = self.ended(name), name in self._canceled
        kinds = Counter(self._result(name, line).get("type") for line in self.lines[name] if ended)
        counts = {kind: kinds[kind] for kind in ("succeeded", "errored", "canceled", "expired")}
        return {
            "id": name,
            "type": "message_batch",
            "processing_status": "ended" if ended else "canceling" if canceled else "in_progress",
            "request_counts": {"processing": 0 if ended else len(self.lines[name]), **counts},
            "created_at": "2026-11-23T10:00:00Z",
            "expires_at": "2026-11-24T10:00:00Z",
            "ended_at": "2026-11-23T11:00:00Z" if ended else None,
            "archived_at": "2026-12-24T10:00:00Z" if self.archived else None,
            "cancel_initiated_at": "2026-11-23T10:30:00Z" if canceled else None,
            "results_url": f"{root}/v1/messages/batches/{name}/results" if ended else None,
        }

    def results(self, name: str) -> list[bytes]:
        """The lines of the file of results: the same whenever they are read."""
        if name not in self._results:
            rows = [self.row(name, line) for line in reversed(self.lines[name])]
            self._results[name] = [json.dumps(row).encode() + b"\n" for row in rows]
        return self._results[name]

    def _row(self, name: str, line: Body) -> Body:
        result = self._result(name, line)
        if result == SUCCEEDED:
            params, text = line["params"], self.answer(line["params"])
            usage = self._cache.usage(params, text, "batch")
            result = {**SUCCEEDED, "message": message(text, params, usage)}
        return {"custom_id": line["custom_id"], "result": result}

    def _result(self, name: str, line: Body) -> Body:
        """What became of a request; of a success without its message."""
        if self._canceled.get(name) is False:
            return {"type": "canceled"}
        custom_id = line["custom_id"]
        return self.outcomes(custom_id, line["params"], self._submitted[custom_id]) or SUCCEEDED
