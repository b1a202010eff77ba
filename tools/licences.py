"""Which packages come along when this one is installed, and under which licences: writes docs/licences.md.

Read from the metadata of what is installed here, so it needs an environment with all extras. Not here: any judgement
of a licence.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
HEAD = """\
# Licences

persona-evals is under the MIT licence. It contains no code of others; what it needs is installed beside it. The table is made
by `make docs` from what each package says of itself, and a test holds it to the locked environment. The runtimes in which
answers are run (PostgreSQL, Node.js, and the packages that answers may use) are installed by `make runtimes` from the lists
below `graders/execution/packages/`.
"""
CLASSIFIER = "License :: OSI Approved :: "


def document() -> str:
    """The page: what is always installed, then what each extra adds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    always = closure(project["dependencies"])
    parts = [HEAD, "## Always", table(always)]
    for extra, wanted in sorted(project.get("optional-dependencies", {}).items()):
        more = closure(wanted) - always
        parts += [f"## With `[{extra}]`", table(more) if more else "Nothing that is not there already."]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def closure(requirements: list[str]) -> set[str]:
    """Canonical names of all packages that these requirements bring here, themselves included.

    Raises PackageNotFoundError for a direct requirement that is not installed.
    """
    found: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    for wanted in waiting:
        distribution(wanted.name)
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        known = _installed(name)
        if known is None or (name in found and not wanted.extras):
            continue
        found.add(name)
        waiting += [one for one in map(Requirement, known.requires or ()) if _applies(one, wanted.extras, found)]
    return found


def _applies(requirement: Requirement, extras: set[str], found: set[str]) -> bool:
    if canonicalize_name(requirement.name) in found and not requirement.extras:
        return False
    return requirement.marker is None or any(
        requirement.marker.evaluate({"extra": extra}) for extra in sorted(extras) or [""]
    )


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def table(names: set[str]) -> str:
    """A row a package, sorted."""
    rows = [f"| {name} | {licence(distribution(name))} |" for name in sorted(names)]
    return "\n".join(["| package | licence |", "|---|---|", *rows])


def licence(package: Distribution) -> str:
    """What the package says of its licence: the expression, else the classifiers, else the first line of the old field."""
    meta = package.metadata
    if "License-Expression" in meta:
        return str(meta["License-Expression"])
    classifiers = [c.removeprefix(CLASSIFIER) for c in meta.get_all("Classifier") or () if c.startswith(CLASSIFIER)]
    if classifiers:
        return ", ".join(sorted(classifiers))
    old = meta["License"] if "License" in meta else ""  # noqa: SIM401 - the protocol has no `get`
    first = old.strip().split("\n", 1)[0]
    return re.sub(r"[|\s]+", " ", first) or "not stated"


if __name__ == "__main__":
    sys.stdout.write(document())
