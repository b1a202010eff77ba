"""Everything that can go wrong, in one tree.

EvalsError
├── InputError            exit 2   a file, option or reference is wrong; carries every fault found
│   └── MissingRecording  exit 2   replay has no answer for a request
├── Incomplete            exit 3   too much could not be scored
└── ProviderError         exit 3   the model's service failed; never stored, never scored
    └── FatalProviderError exit 2  it will fail for every other request too (bad key, unknown model)
        └── Halted         exit 3   the run stops before its end on purpose, and can go on (money, too many faults)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong in a user's file, and what to do about it."""

    message: str
    file: str = ""
    line: int | None = None
    path: str = ""
    """JSON path within the file, `$.criteria[3].points`."""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [part for part in (place, self.path, self.message) if part]
        return ": ".join(parts)


class EvalsError(Exception):
    """The root. `exit_code` is what the command ends with."""

    exit_code = 2


class InputError(EvalsError):
    """Something that the user wrote or named is wrong."""

    def __init__(self, *faults: Fault | str) -> None:
        self.faults: tuple[Fault, ...] = tuple(Fault(message=f) if isinstance(f, str) else f for f in faults)
        super().__init__("\n".join(map(str, self.faults)))


class MissingRecording(InputError):
    """Replay was asked for a request that was never recorded."""


class Incomplete(EvalsError):
    """More criteria than the suite allows were decided by no grader."""

    exit_code = 3


class ProviderError(EvalsError):
    """The model's service failed, or its reply was broken."""

    exit_code = 3


class FatalProviderError(ProviderError):
    """A failure that every further request would meet as well."""

    exit_code = 2


class Halted(FatalProviderError):
    """The run stops before its end; what was answered is kept, and the same command can go on."""

    exit_code = 3


def raise_all(faults: Sequence[Fault]) -> None:
    """Raise one InputError with all faults, if there are any."""
    if faults:
        raise InputError(*faults)
