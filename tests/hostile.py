"""Hostile answers for the judge: the set, the requests that ask about it, and the replies that were recorded.

Here: reading `tests/data/hostile`, and writing what is still to be asked:
`python -m tests.hostile --export FILE`, then `--import FILE --set NAME --declare FILE` for what came back.
Not here: what must hold of them (test_hostile.py).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from evals.commands.importing import read_declared, read_response, read_results
from evals.errors import raise_all
from evals.exchange import UNSTATED, Request, request_params
from evals.load import load_suite
from evals.load_personas import revisions
from evals.project import Project
from evals.recording import Recording, read_recordings, record, write_recording
from evals.run import ATTEMPTS, judge_request
from evals.trial import Trial, plan_trials
from evals.whole_file import write_whole
from graders.criterion import Criterion, Grade, Status
from graders.judge.verdict import InvalidVerdict, judged, not_judged

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests/data/hostile"
REPLIES = FOLDER / "replies"
SUITE = "backend-engineer"


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One answer of the set with the truth about it."""

    id: str
    technique: str
    """How the judge is to be misled; `none` for a control."""
    trial: Trial
    criterion: Criterion
    truth: Status
    why: str
    """Why the truth is what it is."""
    answer: str
    look_alike: str | None
    """What a careless reader would quote, and what does not stand in the answer in these characters."""
    well_formed: bool
    """The whole answer could be read as a judge's reply."""

    @property
    def control(self) -> bool:
        return self.technique == "none"

    def request(self, attempt: int = 1) -> Request:
        """The request that a run would make."""
        return judge_request(self.trial, self.criterion, self.answer, model=UNSTATED, attempt=attempt)

    def place(self, attempt: int) -> str:
        """Where the reply is kept, without ending."""
        return self.id if attempt == 1 else f"{self.id}.{attempt}"

    def judged(self, reply: str, stop_reason: str | None = None) -> Grade:
        return judged(self.criterion, self.answer, reply, judge="judge", stop_reason=stop_reason)


@lru_cache
def hostile_set() -> tuple[Hostile, ...]:
    """All of them, controls last."""
    listed: list[dict[str, Any]] = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    return tuple(_read(item) for item in listed)


@lru_cache
def trials(revision: int = 0) -> dict[str, Trial]:
    """A trial of each case, by case."""
    home = Project(ROOT)
    suite = load_suite(home, SUITE)
    people = [revisions(home, suite.persona)[revision]]
    return {t.case.id: t for t in plan_trials(suite, suite.cases, people, model=UNSTATED, repeats=1)}


def _read(item: dict[str, Any]) -> Hostile:
    trial = trials()[item["case"]]
    return Hostile(
        id=item["id"],
        technique=item["technique"],
        trial=trial,
        criterion=next(c for c in trial.case.criteria if c.id == item["criterion"]),
        truth=Status(item["truth"]),
        why=item["why"],
        answer=(FOLDER / f"{item['id']}.md").read_bytes().decode("utf-8"),
        look_alike=item.get("look_alike"),
        well_formed=item.get("well_formed", False),
    )


def replies() -> dict[str, Recording]:
    """The recorded replies by place. Raises InputError for a file that is none."""
    recordings, faults = read_recordings(REPLIES, REPLIES.relative_to(ROOT).as_posix())
    raise_all(faults)
    return {recording.place: recording for recording in recordings}


ASKED = {place.split(".")[0] for place in replies()}
"""Those that a judge was asked about so far; the others are tested without a reply."""


def outcome(item: Hostile, recorded: dict[str, Recording]) -> Grade | Request:
    """The grade that the recorded replies give, asked once more after an invalid one; or the request that has none yet."""
    reason = ""
    for attempt in range(1, ATTEMPTS + 1):
        request, recording = item.request(attempt), recorded.get(item.place(attempt))
        if recording is None or recording.digest != request.digest:
            return request
        try:
            return item.judged(recording.response.text, recording.response.stop_reason)
        except InvalidVerdict as error:
            reason = str(error)
    return not_judged(item.criterion, reason, judge="judge")


def pending() -> Iterator[tuple[Hostile, Request]]:
    """What is still to be asked. An invalid reply opens a second question."""
    recorded = replies()
    for item in hostile_set():
        result = outcome(item, recorded)
        if isinstance(result, Request):
            yield item, result


def export(to: Path) -> int:
    """Write what is pending as Message Batches lines; returns how many."""
    rows = [{"custom_id": request.digest, "params": request_params(request)} for _, request in pending()]
    write_whole(to, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return len(rows)


def keep(file: str, recording_set: str | None, declared: tuple[tuple[str, str], ...]) -> int:
    """Keep the replies of a file, in the form in which `evals import responses` takes them; returns how many."""
    rows, _ = read_results(file)
    kept = 0
    for item, request in list(pending()):
        if request.digest in rows:
            line, message = rows[request.digest]
            response = read_response(message, recording_set, declared, f"{file}:{line}")
            write_recording(REPLIES, record(request, response, item.place(request.attempt or 1)))
            kept += 1
    return kept


def forged_verdicts(text: str) -> list[str]:
    """Every JSON object in a text that has a `verdict`, as it stands there."""
    found: list[str] = []
    decoder = json.JSONDecoder()
    for start in (at for at, letter in enumerate(text) if letter == "{"):
        try:
            data, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if "verdict" in data:
            found.append(text[start:end])
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--export", metavar="FILE", type=Path, help="write the requests that have no reply yet")
    action.add_argument("--import", metavar="FILE", dest="replies", help="keep the replies in FILE")
    parser.add_argument("--set", metavar="NAME", help="name of the recording set")
    parser.add_argument("--declare", metavar="FILE", help="JSON object that says how the replies were made")
    args = parser.parse_args(arguments)
    if args.export:
        print(f"{export(args.export)} requests without a reply")
    else:
        print(f"kept {keep(args.replies, args.set, read_declared(args.declare))} replies")


if __name__ == "__main__":
    main()
