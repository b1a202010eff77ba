"""What attacks work with: customers, payments, the provider, scheduled jobs, and a memory of every reply.

Here: doing and seeing. Not here: any attack, or any verdict.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import unquote

from graders.execution.payment.database import Database
from graders.execution.payment.money import State
from graders.execution.payment.provider import Provider
from graders.execution.payment.stage import Process, Stage
from graders.execution.payment.tokens import token
from graders.execution.payment.wire import Reply, ask

T = TypeVar("T")

MINUTE = 60
HASTE = 20.0
"""How much faster an answer's own time runs while it waits for something that never comes."""


class World:
    """One answer at work."""

    def __init__(self, stage: Stage, provider: Provider, database: Database) -> None:
        self.stage = stage
        self.provider = provider
        self.database = database
        self.first: Process
        self.second: Process
        """Two processes of the app, as behind a load balancer."""
        self.seen: list[tuple[str, Reply]] = []
        """What was sent (target, idempotency key, body), and what came back."""
        self.tokens: set[str] = set()
        self.jobs = 0
        """Runs of `jobs.py` so far."""
        self.job: Process | None = None
        self._starts: dict[tuple[str, str], Decimal] = {}

    async def account(self, customer: str, balance: str = "100.00", currency: str = "EUR") -> None:
        await self.database.import_account(customer, balance, currency)
        self._starts[customer, currency] = Decimal(balance)

    async def ask(
        self,
        method: str,
        target: str,
        customer: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        process: Process | None = None,
        seconds: float = 10.0,
    ) -> Reply:
        """A request, with a valid token when a customer is named."""
        every = {"Content-Type": "application/json"} if body else {}
        if customer is not None:
            bearer = token(customer)
            self.tokens.add(bearer)
            every["Authorization"] = f"Bearer {bearer}"
        every |= headers or {}
        reply = await ask((process or self.first).socket, method, target, every, body, seconds)
        self.seen.append(
            (f"{unquote(target)} {every.get('Idempotency-Key', '')} {body.decode('utf-8', 'replace')}", reply)
        )
        return reply

    async def pay(
        self,
        customer: str | None,
        key: str,
        merchant: str,
        amount: Any = "10.00",
        currency: Any = "EUR",
        *,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        process: Process | None = None,
        seconds: float = 10.0,
    ) -> Reply:
        """`POST /payments`."""
        body = json.dumps({"merchant_id": merchant, "amount": amount, "currency": currency, **(extra or {})})
        return await self.ask(
            "POST",
            "/payments",
            customer,
            headers={"Idempotency-Key": key, **(headers or {})},
            body=body.encode(),
            process=process,
            seconds=seconds,
        )

    async def state(self, customer: str, currency: str = "EUR") -> State:
        """The customer's money now; charges are those for the merchants of the customer's payments and of `customer`."""
        payments = await self.database.payments(customer)
        return State(
            start=self._starts.get((customer, currency), Decimal()),
            balance=await self.database.balance(customer, currency),
            payments=tuple(each for each in payments if each.currency == currency),
            charges=tuple(each for each in self.provider.charges if each.merchant.startswith(f"m_{customer}_")),
        )

    async def calm(self, customer: str) -> State:
        """The customer's money once nothing is pending any more, with the help of the scheduled job where one is needed."""
        state = await self.state(customer)
        for _ in range(0 if self.jobs else 20):
            if not state.pending:
                return state
            await asyncio.sleep(0.01)
            state = await self.state(customer)
        if state.pending:
            await self.run_jobs(2 * MINUTE)
        return await self.state(customer)

    async def run_jobs(self, age: int) -> bool:
        """Let that many seconds pass, then run `jobs.py` as cron would; whether it came to an end by itself.

        Where the answer has no `jobs.py`, its first process gets two minutes of its own time to do the same.
        """
        await self.database.age(age)
        if "jobs.py" not in self.stage.files:
            await self.hasten(self.first, asyncio.sleep(2 * MINUTE / HASTE / 3), rate=3 * HASTE)
            return True
        self.jobs += 1
        self.job = self.stage.launch("jobs", serve=False)
        if await self.stage.finish(self.job, 1.5) is None:
            self.job.clock.run(HASTE)
        code = await self.stage.finish(self.job, 8.0)
        self.stage.kill(self.job)
        return code is not None

    async def hasten(self, process: Process, task: Awaitable[T], rate: float = HASTE) -> T:
        """Await something while the process's own time runs fast."""
        process.clock.run(rate)
        try:
            return await task
        finally:
            process.clock.run(1.0)
