"""Is everything in this project sound? Every fault of every file, in one list.

Here: the list of checks. Not here: how each file is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evals.baselines import baselines_path, faults_of, read_baselines
from evals.canonical import Json
from evals.case import Suite
from evals.errors import Fault, InputError
from evals.exchange import UNSTATED
from evals.extensions import FILE, read_extensions, registry_of
from evals.gold import gold_path, misfits, read_gold
from evals.instructions import check as check_instructions
from evals.judge_record import answer_digests, judge_context, judge_name
from evals.licence import binding
from evals.load import read_suite, read_text, suite_ids
from evals.load_personas import load_instructions, revisions, unknown_covers
from evals.lock import differences, make_lock, read_lock
from evals.pending import wanted_requests
from evals.persona import Persona
from evals.project import Project
from evals.recording import Recording, read_recordings, recorded_repeat, recorded_vote
from evals.schema import schema_text
from evals.scorecard_file import read_card
from evals.trial import plan_trials
from graders.rules.examples import example_faults


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was looked at, and what is wrong or worth a warning."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    counts: tuple[tuple[str, int], ...]


def validate(project: Project, suites: Sequence[str] = ()) -> Checked:
    """Check the named suites, or all. Never raises for what is wrong in a file: that is a fault in the list."""
    faults: list[Fault] = []
    warnings: list[Fault] = []
    counts = {"suites": 0, "cases": 0, "criteria": 0, "revisions": 0, "recordings": 0, "scorecards": 0, "gold items": 0}
    try:
        locked = read_lock(project.lock)
    except InputError as error:
        locked = {}
        faults += error.faults
    ids = list(suites) or suite_ids(project)
    if not ids:
        faults.append(
            Fault(message="there is no suite (a folder with `suite.yaml`)", file=project.shown(project.cases))
        )
    faults += _schema_copy(project)
    faults += _own_rules(project)
    warnings += _own_attacks(project)
    faults += _baselines(project, suites)
    for suite_id in ids:
        found = _Suite(project, suite_id)
        found.check(locked.get(suite_id))
        faults += found.faults
        warnings += found.warnings
        for name, count in found.counts.items():
            counts[name] += count
    return Checked(faults=tuple(dict.fromkeys(faults)), warnings=tuple(warnings), counts=tuple(counts.items()))


def _schema_copy(project: Project) -> Iterator[Fault]:
    """Editors read the copy beside the cases; it must say what the program checks."""
    path = project.cases / "case.schema.json"
    if path.is_file() and read_text(path, project.shown(path)) != schema_text("case.schema.json"):
        yield Fault(message="is not the schema of this version; run `evals lock` to renew it", file=project.shown(path))


def _own_rules(project: Project) -> Iterator[Fault]:
    """The rules that `evals.toml` names must be able to fail and to pass, by their own examples."""
    try:
        registry = registry_of(project)
    except InputError as error:
        yield from error.faults
        return
    for rule in registry.own_rules:
        yield from (Fault(message=f"rule `{rule.id}`: {message}", file=FILE) for message in example_faults(rule))


def _own_attacks(project: Project) -> Iterator[Fault]:
    """Attacks without seeded defects: nothing shows that they can fail an answer."""
    try:
        suites = registry_of(project).own_suites
    except InputError:
        return
    for suite in suites:
        if not (suite.mutants() and suite.good_answers()):
            message = f"suite of attacks `{suite.name}` has no mutants of a good answer, so no self-test shows that it can fail"
            yield Fault(message=message, file=FILE)


def _baselines(project: Project, suites: Sequence[str]) -> list[Fault]:
    """A blessed scorecard must be there as it was blessed, and of a suite that is there."""
    try:
        baselines = read_baselines(project)
    except InputError as error:
        return list(error.faults)
    faults = []
    for suite, baseline in baselines.items():
        if suite not in suite_ids(project):
            file = project.shown(baselines_path(project))
            faults.append(Fault(message=f"names suite `{suite}`, which is not there", file=file))
        elif not suites or suite in suites:
            faults += faults_of(project, suite, baseline)
    return faults


class _Suite:
    """The checks of one suite, collecting as they go."""

    def __init__(self, project: Project, suite_id: str) -> None:
        self.project = project
        self.id = suite_id
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.counts: dict[str, int] = {"suites": 1}

    def check(self, locked: Any) -> None:
        recordings = self._recordings()
        suite = self._try(self._suite)
        if suite is None:
            return
        personas = self._try(lambda: revisions(self.project, suite.persona)) or ()
        self.counts |= {"revisions": len(personas)}
        self._persona(suite, personas)
        self._scorecards(suite, personas)
        self._gold(suite, recordings)
        if personas:
            # what changed comes before its many consequences
            now = make_lock(suite, personas, recordings, self._calibration(recordings), read_extensions(self.project))
            self.faults += differences(self.id, locked, now)
            self._unused(suite, personas, recordings)

    def _try(self, work: Any) -> Any:
        try:
            return work()
        except InputError as error:
            self.faults += error.faults
            return None

    def _suite(self) -> Suite | None:
        loaded = read_suite(self.project, self.id)
        self.faults += loaded.faults
        if loaded.suite:
            self.counts |= {
                "cases": len(loaded.suite.cases),
                "criteria": sum(len(case.criteria) for case in loaded.suite.cases),
            }
        return loaded.suite

    def _recordings(self) -> list[Recording]:
        folder = self.project.recordings / self.id
        recordings, faults = read_recordings(folder, self.project.shown(folder))
        self.faults += faults
        self.counts |= {"recordings": len(recordings)}
        return recordings

    def _gold(self, suite: Suite, recordings: Sequence[Recording]) -> None:
        items, faults = read_gold(self.project, self.id)
        self.faults += faults
        self.counts |= {"gold items": len(items)}
        answers = answer_digests(recordings)
        self.faults += misfits(items, suite, answers, self.project.shown(gold_path(self.project, self.id)))

    def _calibration(self, recordings: Sequence[Recording]) -> dict[str, Json] | None:
        return binding(self.project, self.id, judge=judge_name(recordings), context=judge_context(recordings))

    def _persona(self, suite: Suite, personas: Sequence[Persona]) -> None:
        for persona in personas:
            self.warnings += [Fault(message=w.message, file=persona.source, line=w.line) for w in persona.warnings]
        instructions = self._try(lambda: load_instructions(self.project, suite.persona))
        if instructions is not None:
            self.faults += check_instructions(instructions, personas)
            self.faults += unknown_covers(suite.cases, instructions, self.project.shown(self.project.cases / self.id))

    def _scorecards(self, suite: Suite, personas: Sequence[Persona]) -> None:
        """A revision that a scorecard names is immutable."""
        by_revision = {persona.revision: persona for persona in personas}
        paths = [
            p
            for p in sorted((self.project.scorecards / self.id / suite.persona).glob("*.jsonl"))
            if not p.name.endswith(".grades.jsonl")
        ]
        for path in paths:
            shown = self.project.shown(path)
            card = self._try(lambda path=path, shown=shown: read_card(path, shown))
            persona = by_revision.get(card.header.revision) if card else None
            if card and persona and persona.digest != card.header.persona_digest:
                self.faults.append(
                    Fault(
                        message=f"was edited after {shown} was made of it; put it back and add a new revision instead",
                        file=persona.source,
                    )
                )
            if card and not persona and card.header.revision.isdigit():
                self.faults.append(
                    Fault(message=f"names revision {card.header.revision}, which is not there", file=shown)
                )
        self.counts |= {"scorecards": len(paths)}

    def _unused(self, suite: Suite, personas: Sequence[Persona], recordings: Sequence[Recording]) -> None:
        """A recording that no request asks for is dead weight, or the sign of a changed case.

        More repeats than the suite asks for are welcome: they wait for the day on which it asks for more.
        """
        repeats = max([suite.repeats, *(recorded_repeat(recording) for recording in recordings)])
        trials = plan_trials(suite, suite.cases, personas, model=UNSTATED, repeats=repeats)
        by_digest = {recording.digest: recording for recording in recordings}
        # likewise more votes: calibration asks for them
        votes = max([suite.votes, *(recorded_vote(recording) for recording in recordings)])
        wanted = {
            item.request.digest: item.place
            for item in wanted_requests(list(trials), by_digest, judge_model=UNSTATED, votes=votes)
        }
        folder = self.project.shown(self.project.recordings / self.id)
        seen: set[str] = set()
        for recording in recordings:
            file = f"{folder}/{recording.place}.json"
            if recording.digest in seen:
                self.faults.append(Fault(message="is a second recording of the same request", file=file))
            elif recording.digest not in wanted:
                self.faults.append(
                    Fault(
                        message="no request asks for this recording: the case, the persona or the rubric has changed; "
                        "record it again, or move it to results/recordings/retired/",
                        file=file,
                    )
                )
            elif wanted[recording.digest] != recording.place:
                self.faults.append(Fault(message=f"belongs at {wanted[recording.digest]}.json", file=file))
            seen.add(recording.digest)
