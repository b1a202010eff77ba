"""evals.lock: digests of everything a score depends on, so that nothing changes unnoticed.

A case whose content changed keeps its meaning only under a new version; the lock is how a change is seen.
Here: making, comparing and writing the lock. Not here: other checks of a project.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from evals.canonical import Json, digest
from evals.case import Suite
from evals.errors import Fault, InputError
from evals.extensions import Extensions
from evals.persona import Persona
from evals.recording import Recording, to_json
from evals.whole_file import write_whole
from graders.answer import READER_VERSION
from graders.judge.question import judge_version
from graders.text_check import TEXT_VERSION

FORMAT = 1


def make_lock(
    suite: Suite,
    personas: Sequence[Persona],
    recordings: Sequence[Recording],
    calibration: dict[str, Json] | None = None,
    extensions: Extensions | None = None,
) -> dict[str, Json]:
    """What the lock says of one suite as it is now, with what its judge's calibration is bound to, and what `evals.toml` names."""
    refs = [ref for case in suite.cases for criterion in case.criteria for ref in criterion.graders]
    used = sorted({rule for ref in refs for rule in ref.rules})
    registry = suite.registry
    cases: dict[str, Json] = {}
    for case in suite.cases:
        recorded = {r.place: digest(to_json(r)) for r in recordings if r.place.startswith(f"{case.id}/")}
        cases[case.id] = {
            "version": case.version,
            "digest": case.digest,
            "recordings": digest(recorded) if recorded else None,
            "recorded": len(recorded),
        }
    return {
        "cases": cases,
        "persona": {"name": suite.persona, "revisions": {persona.revision: persona.digest for persona in personas}},
        "graders": {
            "reader": READER_VERSION,
            "judge": judge_version(),
            "rules": {rule: registry.rules[rule].version for rule in used},
            **({"text": TEXT_VERSION} if any(ref.text for ref in refs) else {}),
            **({} if extensions is None or not extensions.graders else {"extensions": extensions.lock(registry)}),
        },
        "settings": {
            "max_tokens": suite.max_tokens,
            "repeats": suite.repeats,
            "model": suite.model,
            "judge": suite.judge,
            "votes": suite.votes,
            "unscored_limit": suite.unscored_limit,
            **({} if extensions is None or not extensions.providers else {"providers": extensions.provider_lock()}),
        },
        "calibration": calibration,
    }


def lock_text(suites: dict[str, Json]) -> str:
    return json.dumps({"format": FORMAT, "suites": suites}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_lock(path: Path) -> dict[str, Any]:
    """Suites by id in the lock; empty when there is no lock. Raises InputError for a file that is none."""
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT or not all(isinstance(suite["cases"], dict) for suite in data["suites"].values()):
            raise ValueError("another format")  # noqa: TRY301 - one message for every way of not being a lock
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            Fault(
                message=f"is not a lock ({error}); restore it from git, or delete it and run `evals lock`",
                file=path.name,
            )
        ) from None
    suites: dict[str, Any] = data["suites"]
    return suites


def differences(suite: str, locked: dict[str, Any] | None, now: dict[str, Any]) -> list[Fault]:
    """Everything in which a suite departs from its lock, with what to do."""
    if locked is None:
        return [Fault(message=f"suite `{suite}` is not in the lock; run `evals lock`", file="evals.lock")]
    faults = list(_case_differences(suite, locked["cases"], now["cases"]))
    for name, what in (
        ("persona", "a revision of the persona"),
        ("graders", "a grader"),
        ("settings", "a setting of suite.yaml or evals.toml"),
    ):
        if locked.get(name) != now[name]:
            parts = ", ".join(_changed(locked.get(name) or {}, now[name]))
            faults.append(
                Fault(
                    message=f"{what} is not as locked ({parts}); run `evals lock` if that is meant, then `evals run`",
                    file="evals.lock",
                    path=f"$.suites.{suite}.{name}",
                )
            )
    return [*faults, *_stale_calibration(suite, locked, now)]


def _stale_calibration(suite: str, locked: dict[str, Any], now: dict[str, Any]) -> Iterator[Fault]:
    """The judge's licence is bound to judge, rubric, gold set and context; when one changes it is void."""
    before, after = locked.get("calibration") or {}, now.get("calibration") or {}
    parts = sorted(name for name in {*before, *after} - {"licensed"} if before.get(name) != after.get(name))
    if parts:
        judges = f"results/recordings/{suite}/*/*/*/judge/"
        renew = (
            f"; its replies in {judges} must be recorded anew (`evals export requests`)" if "rubric" in parts else ""
        )
        yield Fault(
            message=f"the judge is not as calibrated ({', '.join(parts)}): its licence is void, and so are comparisons "
            f"with its older grades{renew}; then `evals calibrate` and `evals lock`",
            file="evals.lock",
            path=f"$.suites.{suite}.calibration",
        )


def _case_differences(suite: str, locked: dict[str, Any], now: dict[str, Any]) -> Iterator[Fault]:
    for case in sorted({*locked, *now}):
        file = f"cases/{suite}/{case}.yaml"
        before, after = locked.get(case), now.get(case)
        if before is None or after is None:
            yield Fault(
                message=f"the case is {'new' if before is None else 'gone'} since the lock; run `evals lock`", file=file
            )
        elif before["digest"] != after["digest"] and before["version"] >= after["version"]:
            yield Fault(
                message=f"the case has changed and is still version {after['version']}; raise `version`, record its answers again, then run `evals lock`",
                file=file,
            )
        elif (before["digest"], before["version"]) != (after["digest"], after["version"]):
            yield Fault(
                message=f"version {after['version']} is not locked yet (the lock has {before['version']}); run `evals lock`",
                file=file,
            )
        if before and after and before["recordings"] != after["recordings"]:
            yield Fault(
                message=f"recordings of `{case}` are not as locked ({before['recorded']} then, {after['recorded']} now); "
                "restore them from git, or run `evals lock` if they were recorded anew",
                file="evals.lock",
            )


def _changed(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _changed(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif before != after:
        yield path


def unlocked_changes(suite: str, locked: dict[str, Any] | None, now: dict[str, Any]) -> list[Fault]:
    """Changes that `evals lock` must refuse: content that changed under an old version."""
    if locked is None:
        return []
    return [
        fault for fault in _case_differences(suite, locked["cases"], now["cases"]) if "still version" in fault.message
    ]


def write_lock(path: Path, suites: dict[str, Json]) -> None:
    write_whole(path, lock_text(suites))
