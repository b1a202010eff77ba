"""Answers from the committed recordings, found by a request's texts, as a model would be asked for them.

The wire does not say which repeat a request is for: equal texts are answered with the recordings in order.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

from evals.exchange import UNSTATED, Request, request_params
from evals.recording import Recording, answer_place, judge_place
from evals.run import judge_request, judged_criteria
from evals.trial import Trial
from tests.fake_api.messages import Params, texts

Key = tuple[str, tuple[tuple[str, str], ...]]


def key(params: Params) -> Key:
    turns = tuple((turn["role"], texts(turn["content"])) for turn in params["messages"])
    return texts(params.get("system")), turns


class Recorded:
    """Called with a request, gives the next recording of its texts. Raises LookupError when there is none left."""

    def __init__(self, trials: Sequence[Trial], recordings: Sequence[Recording]) -> None:
        by_place = {recording.place: recording.response.text for recording in recordings}
        self._left: dict[Key, deque[str]] = defaultdict(deque)
        self.size = 0
        """How many different requests there are recordings for."""
        for request, text in dict(_exchanges(trials, by_place)).items():
            self._left[key(request_params(request))].append(text)
            self.size += 1

    def __call__(self, params: Params) -> str:
        if not self._left.get(key(params)):
            raise LookupError("no recording is left of a request")
        return self._left[key(params)].popleft()


def _exchanges(trials: Sequence[Trial], by_place: dict[str, str]) -> Iterator[tuple[Request, str]]:
    for trial in trials:
        place = answer_place(trial.case.id, trial.persona.revision, trial.request.repeat)
        answer = by_place[place]
        yield trial.request, answer
        for criterion in judged_criteria(trial):
            asked = judge_request(trial, criterion, answer, model=UNSTATED)
            yield asked, by_place[judge_place(place, criterion.id, 1, 1)]
