"""What is said beside the result, in three degrees on the standard library's logger `evals`.

A program that uses the package decides what becomes of them; the command line writes them to standard error
(`evals.cli_voice`). Here: the degrees. Not here: results, or progress.
"""

from __future__ import annotations

import logging

LOG = logging.getLogger("evals")


def say(text: str) -> None:
    """A note or a warning; not heard with `-q`."""
    LOG.info(text)


def insist(text: str) -> None:
    """What must be heard whatever the user asked for: an error, a question, a part that could not be done."""
    LOG.error(text)


def detail(text: str) -> None:
    """What is read, and why something is done; heard with `-v`. It may hold text of others."""
    LOG.debug(text)
