"""Does the answer start and keep its contract?"""

from __future__ import annotations

from decimal import Decimal

from graders.criterion import Status
from graders.execution.attack import Outcome
from graders.execution.payment.money import faults
from graders.execution.payment.stage import AnswerError
from graders.execution.payment.world import World


async def pay_starts(world: World) -> Outcome:
    """A valid payment of 12.50, then the same payment read.

    Pass: it is answered as the contract says and leads to one transfer and one debit, at once or by the scheduled job.
    Fail: the schema does not apply, the service does not serve, or the contract is not kept.
    """
    customer = "c_1"
    await world.account(customer)
    reply = await world.pay(customer, "key-starts-1", f"m_{customer}_42", "12.50")
    lines = [f"POST /payments 12.50 EUR -> {reply}"]
    identity = reply.field("id")
    if reply.status not in (200, 201, 202) or not isinstance(identity, str) or not reply.state:
        raise AnswerError(f"a valid payment is answered {reply or 'with nothing'}, not 201 with id and status")
    if reply.state == "failed" or not _is(reply.field("amount"), "12.50") or reply.field("currency") != "EUR":
        raise AnswerError(
            "a valid payment is not answered with its amount, its currency and a status other than failed"
        )
    state = await world.calm(customer)
    shown = await world.ask("GET", f"/payments/{identity}", customer)
    lines += [f"GET /payments/{{id}} -> {shown}", str(state)]
    if shown.status != 200 or shown.field("id") != identity or shown.state != "succeeded":
        raise AnswerError(f"GET of that payment is answered {shown}, not 200 with status succeeded")
    if not _is(shown.field("amount"), "12.50"):
        raise AnswerError("GET of that payment does not show its amount")
    wrong = faults(state)
    if wrong or state.balance != Decimal("87.50") or len(state.charges) != 1:
        raise AnswerError(f"after a valid payment of 12.50: {wrong[0] if wrong else state}")
    return Outcome(status=Status.PASS, reason="starts, and a valid payment goes through", transcript=tuple(lines))


def _is(shown: object, amount: str) -> bool:
    try:
        return isinstance(shown, str) and Decimal(shown) == Decimal(amount)
    except ArithmeticError:
        return False
