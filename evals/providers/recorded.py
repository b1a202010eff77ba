"""Replay: answers from committed recordings, and nothing else. Never reaches a network."""

from __future__ import annotations

from collections.abc import Iterable

from evals.errors import MissingRecording
from evals.exchange import Request, Response
from evals.recording import Recording


class RecordedProvider:
    """Answers a request with the recording of exactly that request."""

    def __init__(self, recordings: Iterable[Recording]) -> None:
        self._by_digest = {recording.digest: recording for recording in recordings}

    async def respond(self, request: Request) -> Response:
        recording = self._by_digest.get(request.digest)
        if recording is None:
            raise MissingRecording(explain_miss(request, self._by_digest.values()))
        return recording.response

    def recall(self, request: Request) -> Response | None:
        """The recorded answer."""
        recording = self._by_digest.get(request.digest)
        return recording.response if recording else None


def explain_miss(request: Request, recordings: Iterable[Recording]) -> str:
    """Which recording comes nearest to a request that has none, and in what it differs."""
    fields = request.fields

    def differing(recording: Recording) -> list[str]:
        return [name for name in sorted({*fields, *recording.fields}) if fields.get(name) != recording.fields.get(name)]

    nearest = min(recordings, key=lambda recording: (len(differing(recording)), recording.place), default=None)
    if nearest is None:
        return f"no recording for request {request.digest[:12]}: there are no recordings at all"
    parts = [_difference(name, fields.get(name), nearest.fields.get(name)) for name in differing(nearest)]
    return f"no recording for request {request.digest[:12]}; the nearest is {nearest.place}, which differs in {', '.join(parts) or 'nothing visible'}"


def _difference(name: str, wanted: str | None, recorded: str | None) -> str:
    if name in ("system", "messages"):
        return f"`{name}` (another text)"
    return f"`{name}` (wanted {wanted}, recorded {recorded})"
