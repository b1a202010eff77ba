"""Options of the verbs that check, bind and keep: `validate`, `lock`, `export`, `import`, `cache`.

Not here: what they do (`evals.commands`), or what concerns datasets and other tools alone (`evals.cli_data`).
"""

from __future__ import annotations

import argparse

from evals.cli_data import DATASETS, TOOLS, add_exporting, add_importing
from evals.cli_options import Verbs, formats, positive, suite, verb

IMPORTS = ("responses", "labels", "cases", "promptfoo", "plugin-eval")


def add_keeping(verbs: Verbs) -> None:
    """All of them, in the order of the help."""
    _checking(verbs)
    _exporting(verbs)
    _importing(verbs)
    _cache(verbs)


def _checking(verbs: Verbs) -> None:
    one = verb(
        verbs,
        "validate",
        "check cases, personas, lock, recordings and scorecards; report every fault",
        "evals validate",
        "evals validate backend-engineer --format json",
    )
    one.add_argument("suites", nargs="*", metavar="SUITE", help="default: all")
    formats(one, "table", "json")
    one = verb(verbs, "lock", "bind cases, persona, graders, settings and recordings in evals.lock", "evals lock")
    formats(one, "table", "json")


def _exporting(verbs: Verbs) -> None:
    one = verb(
        verbs,
        "export",
        "write pending requests as JSON Lines, cases, answers or results as a dataset, or results to a tool",
        "evals export requests --to pending.jsonl",
        "evals export requests --case jwt-auth --persona 0002 --repeats 5",
        "evals export results --to datasets/results",
    )
    suite(one)
    one.add_argument("what", choices=["requests", *DATASETS, *TOOLS])
    add_exporting(one)
    one.add_argument(
        "--to",
        metavar="PATH",
        help="requests: a file (default: standard output); datasets: a folder; wandb: its folder",
    )
    one.add_argument("--case", metavar="GLOB", help="only cases whose id matches")
    one.add_argument("--persona", action="append", metavar="PATH[@REF]", help="default: all revisions")
    one.add_argument("--repeats", type=positive, metavar="K", help="default: the suite's")
    _votes(one)


def _importing(verbs: Verbs) -> None:
    one = verb(
        verbs,
        "import",
        "keep responses to exported requests as recordings, two readers' labels as gold items, or make cases: of a dataset, of promptfoo's or of plugin evals",
        "evals import responses results.jsonl --declare declared.json --set 2026-01",
        "evals import labels first.jsonl second.jsonl --by human --adjudicated third.jsonl",
        "evals import cases tickets.csv --map body=message --criteria criteria.yaml",
        "evals import promptfoo promptfooconfig.yaml --suite translations",
        module="importing",
    )
    suite(one)
    one.add_argument("what", choices=IMPORTS)
    add_importing(one)
    one.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="responses: JSON Lines as Message Batches returns them, `-` is standard input; labels: one file a reader; cases: a Parquet, JSON Lines or CSV file, a folder, or hf://ORG/NAME@COMMIT?split=…; promptfoo: the configuration; plugin-eval: the plugin's folder",
    )
    one.add_argument("--by", metavar="WHO", help="labels: `human`, or `model:FAMILY`")
    one.add_argument("--adjudicated", metavar="FILE", help="labels: what a third reader said where the two differ")
    one.add_argument(
        "--set",
        dest="recording_set",
        metavar="NAME",
        help="name of the recording set; needed for responses that carry no request id of the API",
    )
    one.add_argument("--declare", metavar="FILE", help="JSON object of topic: statement, how the responses were made")
    one.add_argument("--case", metavar="GLOB", help=argparse.SUPPRESS)
    one.add_argument(
        "--persona", action="append", metavar="FILE", help="promptfoo, plugin-eval: agent file that becomes a revision"
    )
    one.add_argument("--repeats", type=positive, metavar="K", help="default: the suite's")
    _votes(one)
    formats(one, "table", "json")


def _cache(verbs: Verbs) -> None:
    one = verb(
        verbs,
        "cache",
        "look at, tidy or clear this machine's memory of responses and grades",
        "evals cache info",
        "evals cache prune",
        "evals cache clear --only grades",
        "evals cache why jwt-auth/0001/1",
    )
    one.add_argument("--suite", dest="of_suite", metavar="ID", help="why: the trial's suite (default: the only one)")
    one.add_argument(
        "what",
        choices=["info", "clear", "prune", "why"],
        help="info: how much there is; clear: forget it; prune: forget what can be of no use any more; why: what is known of KEY",
    )
    one.add_argument("key", nargs="?", metavar="KEY", help="why: a trial (CASE/REVISION/REPEAT) or a request's digest")
    one.add_argument("--only", choices=["responses", "grades"], help="clear or prune: leave the other memory alone")
    formats(one, "table", "json")


def _votes(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--votes",
        type=int,
        choices=range(1, 10),
        metavar="N",
        help="judge's votes on each question, 1 to 9 (default: the suite's)",
    )
