"""Options of the verbs that one meets first. Not here: what they do (`evals.commands`)."""

from __future__ import annotations

from evals.cli_options import Verbs, formats, verb

SHELLS = ("bash", "zsh", "fish")


def add_starting(verbs: Verbs) -> None:
    """`init` and `completion`."""
    one = verb(
        verbs,
        "init",
        "make a working project around an agent file",
        "evals init demo",
        "evals init demo --persona .claude/agents/reviewer.md",
        module="starting",
    )
    one.add_argument("folder", metavar="DIR", help="where to; made if need be, and no file in it is overwritten")
    one.add_argument(
        "--persona",
        metavar="FILE",
        help="the agent file (default: the only one in .claude/agents/, or a small sample where there is none)",
    )
    formats(one, "table", "json")
    one = verb(
        verbs,
        "completion",
        "print what a shell needs so that Tab completes verbs, options and the project's own names",
        "evals completion bash > ~/.local/share/bash-completion/completions/evals",
        'evals completion zsh > "${fpath[1]}/_evals"',
        "evals completion fish > ~/.config/fish/completions/evals.fish",
    )
    one.add_argument("shell", choices=SHELLS)
