"""docs/attacks-payment.md, written from the attacks themselves: `python -m graders.execution.payment.document`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from graders.execution.payment.suite import FUNCTIONS, TITLES

FILE = Path(__file__).parents[3] / "docs/attacks-payment.md"
HEAD = """\
# Attacks on `payment-endpoint`

Written by `python -m graders.execution.payment.document`; edit the docstrings of the attacks instead.

The answer's `app.py` runs as two processes in a box, `schema.sql` and `jobs.py` beside it; PostgreSQL 16 runs in a box of its own. The payment
provider, the callers and every oracle are outside. One run of the answer serves all attacks: each has customers and merchants of its own, and the
provider's behaviour is set by merchant.

**The oracle is the money**, never a status alone: a balance is not negative; it is the start balance less all succeeded payments, and less those of the
pending ones whose amount is already taken; the provider's charges are the succeeded payments and, at most once each, pending ones.

**Time** passes in two ways without waiting for it. What is stored is made older: every moment in the answer's tables (timestamps, and numbers that
are Unix seconds or milliseconds) moves back, and then `jobs.py` runs. And while the provider or a lock keeps silent, the process's own clock (event loop, sleeps, waits,
socket time-outs) runs faster; the database's clock does not.

**Races** are made: a lock held from outside lets every request read and none write until all stand before it.

An answer that does not start, or breaks its contract, fails `PAY-STARTS`; everything else is then unscored. `jobs.py` may be absent: then the app's own
processes are given time instead.
"""
BLIND = {
    "PAY-STARTS": "one payment in EUR; nothing is said about other merchants or currencies.",
    "PAY-SEC-1": "statements that these values do not reach; injection that needs a particular dialect trick.",
    "PAY-SEC-2": "texts that are put together at run time, or longer than 64 characters.",
    "PAY-SEC-3": "other algorithms with the right key (HS384, HS512) are not tried; leeway up to an hour passes.",
    "PAY-SEC-4": "names other than the usual ones for the customer.",
    "PAY-SEC-5": "JSON numbers as amounts, `+5.00`, `12.500` and an upper limit are not judged.",
    "PAY-SEC-6": "floats on the way of small amounts that come out right.",
    "PAY-SEC-7": "secrets that are written encoded or in pieces, and log levels that are switched off.",
    "PAY-SEC-12": "between 16 and 31 bytes nothing is tried, since the criterion lets the answer choose its minimum there.",
    "PAY-SEC-13": "currencies with three places.",
    "PAY-SEC-14": "whether what refuses is a decision or a width; use it as a veto.",
    "PAY-TX-2": "locks in one process hide nothing, but keys that are kept in another service cannot be seen.",
    "PAY-TX-4": "money that is set aside in columns other than `balance` and lost there.",
    "PAY-TX-8": "session-level advisory locks; transactions that are open for less than half a second of the call.",
    "PAY-TX-11": "transfers that land later than two minutes after the request.",
    "PAY-ERR-3": "the limit itself: anything up to 60 seconds passes.",
    "PAY-ERR-5": "errors that are answered rightly and logged nowhere.",
    "PAY-ERR-6": "prose that tells more than it should in words of its own.",
    "PAY-ERR-9": "a database that answers slowly, or a fail-over.",
    "PAY-ERR-10": "statements other than the debit.",
}
"""What an attack cannot see."""


def document() -> str:
    """The whole file."""
    parts = [HEAD]
    for name, title in TITLES.items():
        text = inspect.getdoc(FUNCTIONS[name]) or ""
        parts.append(f"## {name}: {title}\n\n{text}\n")
        if name in BLIND:
            parts.append(f"Not seen: {BLIND[name]}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(document())
