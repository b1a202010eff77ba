"""The Hugging Face Hub: fetching the data files of one commit, and publishing a folder when asked to.

Files only: no code of a dataset runs, and its own configuration, which may name files elsewhere, is not followed.
Not here: reading the files.
"""

from __future__ import annotations

import os
from functools import partial
from logging import CRITICAL
from pathlib import Path

from evals.data.extras import extra
from evals.errors import InputError

TOKEN = "HF_TOKEN"  # noqa: S105 - the name of a variable


def fetch(repo: str, revision: str, patterns: list[str]) -> Path:
    """The folder of a dataset's files at a commit, from this machine's store where they are there already.

    Raises InputError when they are not there and cannot be had: offline, no such dataset or commit, no right to it.
    """
    with extra("data"):
        from huggingface_hub import logging, snapshot_download
        from huggingface_hub.errors import (
            GatedRepoError,
            HfHubHTTPError,
            HFValidationError,
            LocalEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )
    logging.set_verbosity(CRITICAL)  # what goes wrong is raised, and said once
    shown = f"hf://{repo}@{revision[:12]}…"
    get = partial(snapshot_download, repo, repo_type="dataset", revision=revision, allow_patterns=patterns)
    try:
        return Path(get(local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        pass  # not here yet, or no name at all, which the next call says
    try:
        return Path(get(token=os.environ.get(TOKEN) or False))
    except GatedRepoError:
        raise InputError(f"{shown}: access is restricted; accept its terms on the Hub and set {TOKEN}") from None
    except RevisionNotFoundError:
        raise InputError(f"{shown}: the dataset has no such commit") from None
    except RepositoryNotFoundError:
        raise InputError(f"{shown}: no such dataset, or a private one and no {TOKEN}") from None
    except HFValidationError as error:
        raise InputError(f"{shown}: {error}") from None
    except LocalEntryNotFoundError:
        message = (
            f"{shown}: the Hub cannot be reached (or HF_HUB_OFFLINE is set), and this commit is not on this machine yet"
        )
        raise InputError(message) from None
    except (HfHubHTTPError, OSError) as error:
        raise InputError(f"{shown}: cannot be fetched: {_said(error)}") from None


def _said(error: Exception) -> str:
    """The first line of an error, since further ones quote the exchange; its type where it says nothing."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]


def token() -> str:
    """The token to publish with. Raises InputError where the environment has none; stored logins are not used."""
    found = os.environ.get(TOKEN, "").strip()
    if not found:
        raise InputError(f"{TOKEN} is not set; publishing needs a token that may write")
    return found


def push(folder: Path, repo: str, message: str) -> str:
    """Publish a folder as a private dataset; its address. Raises InputError when the Hub does not take it."""
    with extra("data"):
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    api = HfApi(token=token())
    try:
        api.create_repo(repo, repo_type="dataset", private=True, exist_ok=True)
        done = api.upload_folder(repo_id=repo, repo_type="dataset", folder_path=folder, commit_message=message)
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise InputError(f"{repo} was not published: {_said(error)}") from None
    return str(done.commit_url)
