"""The oracle: is all the money where it has to be?

Pure arithmetic on what the database holds and what the provider charged. Not here: how either is read.

A payment may be booked in two ways: the amount leaves the balance when the payment is made (reserve first), or when the
provider has said yes. A pending payment may therefore have been taken off the balance or not; a succeeded one must have
been, a failed one must not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from graders.execution.payment.provider import Charge


@dataclass(frozen=True, kw_only=True)
class Payment:
    """A row of `payments`."""

    id: str
    merchant: str
    amount: Decimal
    currency: str
    status: str
    """`succeeded`, `failed`; everything else is pending."""


@dataclass(frozen=True, kw_only=True)
class State:
    """One customer's money at one moment."""

    start: Decimal
    balance: Decimal
    payments: tuple[Payment, ...] = ()
    charges: tuple[Charge, ...] = ()

    def __str__(self) -> str:
        paid = ", ".join(sorted(f"{each.amount:f} {each.status}" for each in self.payments)) or "none"
        sent = ", ".join(sorted(f"{each.amount:f}" for each in self.charges)) or "none"
        return f"balance {self.start:f} -> {self.balance:f}; payments: {paid}; charged by the provider: {sent}"

    def total(self, status: str) -> Decimal:
        return sum((each.amount for each in self.payments if each.status == status), Decimal())

    @property
    def pending(self) -> bool:
        return any(each.status == "pending" for each in self.payments)


def faults(state: State) -> list[str]:
    """What is wrong with the money, in plain words; empty when nothing is. Pending payments get the benefit of doubt."""
    return [*_balance(state), *_charges(state.payments, state.charges)]


def _balance(state: State) -> Iterable[str]:
    most = state.start - state.total("succeeded")
    least = most - state.total("pending")
    if state.balance < 0:
        yield f"the balance is {state.balance:f}"
    if state.balance > most:
        yield f"{state.balance - most:f} more on the balance than the payments leave"
    if state.balance < least:
        yield f"{least - state.balance:f} of the balance is gone without a payment"


def _charges(payments: Sequence[Payment], charges: Sequence[Charge]) -> Iterable[str]:
    made = Counter((each.merchant, each.amount, each.currency) for each in charges)
    owed = Counter(_kind(each) for each in payments if each.status == "succeeded")
    open_ = Counter(_kind(each) for each in payments if each.status == "pending")
    for kind in sorted(made.keys() | owed.keys()):
        if made[kind] > owed[kind] + open_[kind]:
            yield f"the provider charged {kind[1]:f} {made[kind]} times for {owed[kind] + open_[kind]} payments that say so"
        if made[kind] < owed[kind]:
            yield f"{owed[kind]} payments of {kind[1]:f} succeeded, the provider charged {made[kind]}"


def _kind(payment: Payment) -> tuple[str, Decimal, str]:
    return payment.merchant, payment.amount, payment.currency
