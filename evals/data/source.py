"""Rows of somebody's dataset: a file, a folder, or one commit on the Hugging Face Hub.

Here: which files are read, and reading them into plain rows. Not here: what the rows are taken for (`mapping`).
"""

from __future__ import annotations

import csv
import itertools
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from evals.data.extras import extra
from evals.data.hub import fetch
from evals.errors import InputError
from evals.load import nearest

FORMATS = {".parquet": "parquet", ".jsonl": "json", ".json": "json", ".csv": "csv", ".arrow": "arrow"}
NO_DATA = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}
HUB = "hf://"
PINNED = re.compile(r"hf://(?:datasets/)?(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})")
OPTIONS = ("split", "config", "file", "limit")
MAX_ROWS = 10_000


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What was read, and from where."""

    origin: str
    """As a case file states it: a file's name, or the pinned address."""
    rows: list[dict[str, Any]]


def read_source(source: str) -> Rows:
    """The rows of `FILE`, `DIR?split=…` or `hf://ORG/NAME@COMMIT?split=…`. Raises InputError, and never half of them."""
    place, mark, query = (source, "", "") if Path(source).exists() else source.partition("?")
    wanted = _options(query, source)
    if place.startswith(HUB):
        match = PINNED.fullmatch(place)
        if match is None:
            raise InputError(_unpinned(place))
        root = fetch(match["repo"], match["revision"], [f"*{suffix}" for suffix in FORMATS])
        files = _below(root, links=True)
    else:
        root = Path(place)
        files = [root] if root.is_file() else _below(root, links=False)
    chosen = choose(files, root, wanted, place)
    limit = int(wanted["limit"]) if "limit" in wanted else None
    rows = _read(chosen, place, limit)
    if not rows:
        raise InputError(f"{place} has no rows")
    if len(rows) > MAX_ROWS:
        raise InputError(f"{place} has more than {MAX_ROWS:,} rows; take some with ?limit=N")
    origin = place if place.startswith(HUB) else root.resolve().name
    return Rows(origin=f"{origin}{mark}{query}", rows=rows)


def _unpinned(place: str) -> str:
    if re.fullmatch(r"hf://(?:datasets/)?[\w.-]+/[\w.-]+(@.*)?", place):
        return (
            f"{place}: name the commit, hf://ORG/NAME@COMMIT with all 40 hexadecimal digits; a branch or a tag may point "
            "to other cases tomorrow. The Hub shows it under Files, History"
        )
    return f"{place}: a dataset on the Hub is named hf://ORG/NAME@COMMIT"


def _options(query: str, source: str) -> dict[str, str]:
    found = dict(parse_qsl(query, keep_blank_values=True))
    for name in found:
        if name not in OPTIONS:
            raise InputError(f"{source}: no option `{name}`{nearest(name, OPTIONS)} (there are {', '.join(OPTIONS)})")
    if "limit" in found and not re.fullmatch(r"[1-9]\d{0,5}", found["limit"]):
        raise InputError(f"{source}: `limit` must be a whole number from 1 on")
    return found


def _below(root: Path, *, links: bool) -> list[Path]:
    """Data files below a folder. Links are left out unless they are the Hub's own, since they may lead elsewhere."""
    if not root.is_dir():
        raise InputError(f"{root}: no such file or folder")
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix in FORMATS
        and path.name not in NO_DATA
        and path.is_file()
        and (links or not path.is_symlink())
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )


def choose(files: Sequence[Path], root: Path, wanted: dict[str, str], place: str) -> list[Path]:
    """The files that `file`, `config` and `split` name; all of one format. Raises InputError with what there is."""
    names = {path: path.name if path == root else path.relative_to(root).as_posix() for path in files}
    chosen = list(files)
    if "file" in wanted:
        chosen = [path for path in chosen if fnmatchcase(names[path], wanted["file"])]
    for option in ("config", "split"):
        if option in wanted:
            chosen = [path for path in chosen if _says(names[path], wanted[option])]
    there = ", ".join(sorted(names.values())[:10]) or "none"
    if not chosen:
        raise InputError(f"{place}: no data file fits (there: {there})")
    if len({FORMATS.get(path.suffix, "") for path in chosen}) > 1:
        raise InputError(f"{place}: files of several formats; choose with ?file=GLOB (there: {there})")
    if chosen[0].suffix not in FORMATS:
        raise InputError(f"{place}: must be one of {', '.join(FORMATS)}")
    splits = {split for split in ("train", "validation", "test") if any(_says(names[p], split) for p in chosen)}
    if len(splits) > 1:
        raise InputError(f"{place}: choose one of its splits with ?split=… ({', '.join(sorted(splits))})")
    return chosen


def _says(name: str, word: str) -> bool:
    """Whether a word stands in a file's path, as `test` does in `data/test-00000-of-00001.parquet`."""
    return re.search(rf"(^|[/._-]){re.escape(word)}([/._-]|$)", name) is not None


def _read(files: Sequence[Path], place: str, limit: int | None) -> list[dict[str, Any]]:
    with extra("data"):
        from datasets import Dataset, concatenate_datasets, logging
    logging.set_verbosity(logging.CRITICAL)  # what goes wrong is raised, and said once
    reader = FORMATS[files[0].suffix]
    paths = [str(path) for path in files]
    found: Iterable[dict[str, Any]]
    # the library's store would keep a copy, and answer from it when a file has changed
    with tempfile.TemporaryDirectory() as store:
        try:
            if reader == "csv":
                found = itertools.chain.from_iterable(map(_csv, files))
            elif reader == "arrow":
                found = concatenate_datasets([Dataset.from_file(path) for path in paths])
            else:
                read = Dataset.from_parquet if reader == "parquet" else Dataset.from_json
                found = read(paths, cache_dir=store)
            return list(itertools.islice(found, limit or MAX_ROWS + 1))
        except StopIteration:  # an empty file
            return []
        except Exception as error:  # noqa: BLE001 - readers of five formats raise whatever they like on a broken file
            cause = error.__cause__ or error
            raise InputError(f"{place}: cannot be read: {' '.join(str(cause).split())[:300]}") from None


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    """Text alone: a reader that guesses types makes 7 of `007` and nothing of `NA`."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            if None in row:
                raise ValueError(f"{path.name} has a row with more cells than its first line")
            yield row
