"""What CI may do with a proposed change, so that workflows hold no logic: `python -m evals.ci plan|take|comment`.

A change from a fork comes from a stranger: it is asked of no model with this repository's key, and its recordings are
nobody's. The tree it comes in is read as data. Here: the decisions. Not here: running anything (docs/ci.md).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import EvalsError, InputError
from evals.project import Project
from evals.report.safe import comment, line, plain

if TYPE_CHECKING:
    from evals.case import Suite

MAX_FILE = 2_000_000
MAX_FILES = 20_000
MAX_COMMENT = 65_000
"""Bytes of an artefact that are read; a comment on GitHub holds 65,536 characters."""
MARKER = "<!-- persona-evals -->"
"""First line of every comment, by which the next one finds it to replace it."""


class Mode(StrEnum):
    """What is done with a change."""

    LIVE = "live"
    """Base and candidate are asked of the model."""
    REPLAY = "replay"
    """A new revision's answers are recorded already: they are graded, and the gate decides."""
    REGRADE = "regrade"
    """No new revision: recorded answers are graded by the proposed code, beside the grades that they had."""
    NEUTRAL = "neutral"
    """There is nothing to grade without a live run; neither passed nor failed."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A change as CI sees it."""

    fork: bool
    key: bool
    base: str
    """Newest revision of the persona before the change."""
    candidate: str
    """Newest revision with it."""
    edited: tuple[str, ...] = ()
    """Revisions whose text is another than before."""
    cases: tuple[str, ...] = ()
    """Cases that are new, gone, or of other content."""
    recordings: int = 0
    """Recordings that are new, gone, or of other content."""
    missing: int = 0
    """Requests of base and candidate for which the proposed tree has no recording."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What to do, and why in one sentence."""

    mode: Mode
    reason: str


def decide(proposal: Proposal) -> Decision:
    """The decision. Raises InputError for a change that no run could make sense of: an edited revision."""
    if proposal.edited:
        names = ", ".join(proposal.edited)
        raise InputError(f"revision {names} was edited; revisions stay as they are, so add the text as a new one")
    new = proposal.candidate != proposal.base
    changed = _changed(proposal, new=new)
    if proposal.fork:
        unused = f"; the {proposal.recordings} recordings it changes are not used" if proposal.recordings else ""
        if changed:
            return Decision(mode=Mode.NEUTRAL, reason=f"needs a live run: a fork changes {changed}{unused}")
        return Decision(mode=Mode.REGRADE, reason=f"a fork's graders on this repository's recordings{unused}")
    if new and proposal.key:
        return Decision(mode=Mode.LIVE, reason=f"{proposal.base} and {proposal.candidate} are asked of the model")
    if proposal.missing:
        needs = f"{proposal.missing} requests have no recording"
        return Decision(mode=Mode.NEUTRAL, reason=f"needs a live run: {changed or 'the requests'} changed, and {needs}")
    mode = Mode.REPLAY if new else Mode.REGRADE
    return Decision(mode=mode, reason="every answer that is needed is recorded")


def _changed(proposal: Proposal, *, new: bool) -> str:
    parts = [f"the persona ({proposal.candidate})"] if new else []
    parts += [f"the cases {', '.join(proposal.cases[:5])}"] if proposal.cases else []
    return " and ".join(parts)


def look(base: Project, head: Project, suite_id: str, *, fork: bool, key: bool) -> Proposal:
    """What a tree proposes against another. Raises InputError with every fault of either, and for links in the head.

    Graders are those of the base: what the head's `evals.toml` names is code of whoever proposes it.
    """
    from evals.extensions import registry_of
    from evals.load import load_suite
    from evals.load_personas import revisions

    refuse_links(head.root, ("cases", "prompts", "results/recordings"))
    graders = registry_of(base)
    old, new = (load_suite(home, suite_id, graders) for home in (base, head))
    before, after = (
        {persona.revision: persona.digest for persona in revisions(home, old.persona)} for home in (base, head)
    )
    cases = [{case.id: (case.version, case.digest) for case in suite.cases} for suite in (old, new)]
    folder = Path("results/recordings", suite_id)
    wanted = sorted({max(before), max(after)} & after.keys())
    return Proposal(
        fork=fork,
        key=key,
        base=max(before),
        candidate=max(after),
        edited=tuple(sorted(r for r in before if after.get(r, before[r]) != before[r])),
        cases=tuple(_differing(*cases)),
        recordings=len(_differing(_contents(base.root / folder), _contents(head.root / folder))),
        missing=0 if fork else _missing(head, new, wanted),
    )


def _differing(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _contents(folder: Path) -> dict[str, bytes]:
    from hashlib import sha256

    files = (path for path in folder.rglob("*.json") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).digest() for path in files}


def _missing(home: Project, suite: Suite, wanted: Sequence[str]) -> int:
    """Requests that a replay of these revisions would lack."""
    from evals.errors import raise_all
    from evals.exchange import UNSTATED
    from evals.load_personas import find_persona
    from evals.pending import wanted_requests
    from evals.recording import read_recordings
    from evals.trial import plan_trials

    people = [find_persona(home, suite.persona, revision) for revision in wanted]
    folder = home.recordings / suite.id
    recordings, faults = read_recordings(folder, home.shown(folder))
    raise_all(faults)
    trials = list(plan_trials(suite, suite.cases, people, model=UNSTATED, repeats=suite.repeats))
    found = wanted_requests(trials, {item.digest: item for item in recordings}, judge_model=UNSTATED)
    return sum(item.recording is None for item in found)


def is_fork(event: Any) -> bool:
    """Whether the event of a pull request comes from another repository, or from one that is gone."""
    pull = event["pull_request"]
    head, base = pull["head"].get("repo"), pull["base"]["repo"]
    return not head or head["full_name"] != base["full_name"]


def refuse_links(root: Path, parts: Sequence[str]) -> None:
    """Raise InputError if a link lies in these parts of a tree, or a part of the way to them is one."""
    for part in parts:
        way = [root.joinpath(*Path(part).parts[: depth + 1]) for depth in range(len(Path(part).parts))]
        links = [path for path in (*way, *(root / part).rglob("*")) if path.is_symlink()]
        if links:
            raise InputError(f"{links[0].relative_to(root)} is a link; a proposed tree may hold plain files only")


def take(source: Path, target: Path, parts: Sequence[str]) -> int:
    """Put parts of one tree in place of the same parts of another, as plain files; how many there are.

    Raises InputError for links, too large or too many files, and for a part that is no plain relative path.
    """
    for part in parts:
        if Path(part).is_absolute() or ".." in Path(part).parts or not Path(part).parts:
            raise InputError(f"{part!r} is no part of a tree")
    refuse_links(source, parts)
    refuse_links(target, parts)
    files = list(_files(source, parts))
    for part in parts:
        shutil.rmtree(target / part, ignore_errors=True)
    for path in files:
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    return len(files)


def _files(source: Path, parts: Sequence[str]) -> Iterator[Path]:
    found = [path for part in parts for path in sorted((source / part).rglob("*")) if path.is_file()]
    if len(found) > MAX_FILES:
        raise InputError(f"{len(found)} files are more than the {MAX_FILES} that are taken")
    for path in found:
        if path.stat().st_size > MAX_FILE:
            raise InputError(f"{path.relative_to(source)} is larger than {MAX_FILE:,} bytes")
        yield path


def comment_of(path: Path, *, fork: bool) -> str:
    """The text of a comment from an artefact. A fork's workflow can put anything there, so it is shown as a listing.

    Raises InputError for anything but a plain file of UTF-8 text within the limit.
    """
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_COMMENT:
        raise InputError(f"{path.name} is no plain file of at most {MAX_COMMENT:,} bytes")
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path.name} is not UTF-8 text") from None
    if not fork:
        return f"{MARKER}\n{text}"
    # spaces between, so that no run of backticks in the text can close the fence
    rows = [line(row, 400).replace("```", "` ` `") for row in text.splitlines()[:150]]
    note = "From a fork, whose workflow wrote this; shown as it is, and decides nothing."
    return "\n".join([MARKER, note, "", "```text", *rows, "```", ""])


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        if args.work == "plan":
            _plan(args)
        elif args.work == "take":
            print(f"{take(Path(args.source), Path(args.target), args.parts)} files")
        else:
            Path(args.to).write_text(comment_of(Path(args.file), fork=args.fork == "true"), encoding="utf-8")
    except (EvalsError, OSError) as error:
        for row in str(error).splitlines():
            print(f"error: {plain(row, 600)}", file=sys.stderr)
        return 2
    return 0


def _plan(args: argparse.Namespace) -> None:
    event = json.loads(Path(args.event).read_text(encoding="utf-8"))
    base, head = Project(Path(args.base)), Project(Path(args.head))
    proposal = look(base, head, args.suite, fork=is_fork(event), key=args.key == "true")
    decision = decide(proposal)
    reason = plain(decision.reason, 500)
    outputs = {"mode": decision.mode.value, "base": proposal.base, "candidate": proposal.candidate, "reason": reason}
    if args.markdown and decision.mode is Mode.NEUTRAL:
        Path(args.markdown).write_text(f"### Neither passed nor failed\n\n{comment(reason)}\n", encoding="utf-8")
    text = "".join(f"{name}={value}\n" for name, value in outputs.items())
    print(text, end="")
    if args.output:
        with Path(args.output).open("a", encoding="utf-8") as file:
            file.write(text)


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m evals.ci", description=__doc__)
    works = top.add_subparsers(dest="work", required=True)
    one = works.add_parser("plan", help="what may be done with a proposed change")
    one.add_argument("--base", required=True, help="tree that is proposed to")
    one.add_argument("--head", required=True, help="proposed tree, read as data")
    one.add_argument("--suite", required=True)
    one.add_argument("--event", required=True, help="file with the event of the pull request")
    one.add_argument("--key", choices=["true", "false"], required=True, help="whether there is a key of the API")
    one.add_argument("--output", help="file to append `name=value` lines to")
    one.add_argument("--markdown", help="file for the reason, where nothing is to be run")
    one = works.add_parser("take", help="put parts of one tree in place of another's")
    one.add_argument("--from", dest="source", required=True)
    one.add_argument("--to", dest="target", required=True)
    one.add_argument("parts", nargs="+")
    one = works.add_parser("comment", help="a comment's text from an artefact")
    one.add_argument("file")
    one.add_argument("--fork", choices=["true", "false"], required=True)
    one.add_argument("--to", required=True)
    return top


if __name__ == "__main__":
    sys.exit(main())
