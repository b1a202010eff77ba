"""The fake payment provider: what the case says of it, and every way in which it can go wrong.

It runs outside the box on a unix socket of the shared folder; its log of charges is the truth about money. How it behaves
is set by merchant, so that attacks do not disturb each other. Not here: what is concluded from its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "prov_9d2c74be61aa4f0f8e35"
"""`PROVIDER_KEY`; made up, and the canary of the attack on leaks."""
SECRET_WORD = "ledger-shard-17-unreachable"  # noqa: S105 - not a password
"""Stands in the provider's error bodies, and must not reach a caller."""
LARGEST = 65_536
SLOW = 0.1
"""Seconds that a slow reply takes."""
AMOUNT = re.compile(r"\d{1,20}(\.\d{1,4})?")


class Mode(StrEnum):
    """How the provider treats transfers to a merchant."""

    OK = "answers"
    SLOW = "answers after a while"
    DECLINE = "declines"
    ERROR = "answers 500, no transfer made"
    ERROR_AFTER = "makes the transfer, answers 500"
    BROKEN = "makes the transfer, answers 201 with a body that is no JSON"
    DROP = "breaks the connection, no transfer made"
    DROP_AFTER = "makes the transfer, breaks the connection"
    LATE = "breaks the connection, makes the transfer later"
    HANG = "makes the transfer, never answers"
    REJECT = "answers 400 to every request, no transfer made"
    OUTAGE = "answers 503 to everything, no transfer made"
    KILL = "makes no transfer, never answers; then the process that called is killed"
    KILL_AFTER = "makes the transfer, never answers; then the process that called is killed"


LASTING = frozenset({Mode.SLOW, Mode.DECLINE, Mode.REJECT, Mode.OUTAGE})
CHARGING = frozenset({Mode.OK, Mode.SLOW, Mode.ERROR_AFTER, Mode.BROKEN, Mode.DROP_AFTER, Mode.HANG, Mode.KILL_AFTER})


@dataclass(frozen=True, kw_only=True)
class Charge:
    """A transfer that was made: money that left."""

    reference: str
    merchant: str
    amount: Decimal
    currency: str

    def shown(self, number: int) -> dict[str, str]:
        return {"id": f"tr_{number}", "reference": self.reference, "status": "succeeded"}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request for a transfer, whatever became of it."""

    merchant: str
    key: str | None
    reference: str
    authorization: str


Said = tuple[int, Any]
"""A reply: status and body."""


@dataclass(kw_only=True)
class Provider:
    """One provider, and all that it was asked."""

    charges: list[Charge] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    modes: dict[str, Mode] = field(default_factory=dict)
    """By merchant; `Mode.OK` for others. All but those of `LASTING` hold for one request and then turn into OK."""
    blind: set[str] = field(default_factory=set)
    """Merchants whose transfers cannot be looked up at the moment: the look-up answers 503."""
    on_call: Callable[[Call], Awaitable[None]] | None = None
    """Awaited while the caller waits for the reply."""
    on_kill: Callable[[], None] | None = None
    late: list[tuple[str | None, Charge]] = field(default_factory=list)
    """Transfers that are still under way, each with its idempotency key."""
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a caller waits for a reply that never comes."""
    _answers: dict[str, tuple[bytes, Said]] = field(default_factory=dict)
    _server: asyncio.Server | None = None
    _open: dict[asyncio.Task[Any], asyncio.StreamWriter] = field(default_factory=dict)
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, socket: Path) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(socket), limit=LARGEST)
        _let_in(socket)

    async def close(self) -> None:
        if self._server:
            self._server.close()
        self._over.set()
        for writer in self._open.values():
            writer.transport.abort()
        if self._open:
            await asyncio.wait(list(self._open), timeout=5.0)

    def land(self, merchant: str) -> None:
        """Make the late transfers to a merchant now, unless they were made by a second request with the same key."""
        self.charges += [charge for _, charge in self.late if charge.merchant == merchant]
        self.late = [(key, charge) for key, charge in self.late if charge.merchant != merchant]

    def charged(self, *merchants: str) -> tuple[Charge, ...]:
        return tuple(each for each in self.charges if each.merchant in merchants)

    def called(self, merchant: str) -> tuple[Call, ...]:
        return tuple(each for each in self.calls if each.merchant == merchant)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while await self._one(reader, writer):
                    pass
        finally:
            del self._open[task]
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Read and answer one request; whether the connection goes on. Raises ValueError for what is no HTTP."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        body = await reader.readexactly(length) if 0 < length <= LARGEST else b""
        reply = await self._answer(method, target, headers, body)
        if reply is None:
            return False
        status, content = reply
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        writer.write(
            b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(data))
            + data
        )
        await writer.drain()
        return headers.get("connection", "").lower() != "close"

    async def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Said | None:
        url = urlsplit(target)
        if url.path.rstrip("/") != "/v1/transfers":
            return 404, {"error": "not_found"}
        if method == "POST":
            return await self._transfer(headers, body)
        if headers.get("authorization") != f"Bearer {KEY}":
            return 401, {"error": "unauthorized"}
        return await self._look_up(parse_qs(url.query).get("reference", [""])[0])

    async def _look_up(self, reference: str) -> Said:
        before = [call for call in self.calls if call.reference == reference]
        if before and self.on_call:
            await self.on_call(before[0])
        asked = {call.merchant for call in before}
        if asked & self.blind or Mode.OUTAGE in {self.modes.get(merchant) for merchant in asked}:
            return 503, {"error": SECRET_WORD}
        return 200, {
            "transfers": [each.shown(number) for number, each in enumerate(self.charges) if each.reference == reference]
        }

    async def _transfer(self, headers: dict[str, str], body: bytes) -> Said | None:
        wanted = _order(body)
        key = headers.get("idempotency-key")
        if wanted is None:
            return 400, {"error": "invalid"}
        call = Call(
            merchant=wanted.merchant,
            key=key,
            reference=wanted.reference,
            authorization=headers.get("authorization", ""),
        )
        self.calls.append(call)
        if call.authorization != f"Bearer {KEY}":
            return 401, {"error": "unauthorized"}
        if key is not None and key in self._answers:
            before, reply = self._answers[key]
            return reply if before == body else (422, {"error": "idempotency_key_reused"})
        mode = self._mode(wanted.merchant)
        reply = self._booked(mode, wanted, key)
        if key is not None and (mode in CHARGING or mode is Mode.DECLINE):
            self._answers[key] = (body, reply)
        if self.on_call:
            await self.on_call(call)
        return await self._said(mode, reply)

    def _mode(self, merchant: str) -> Mode:
        mode = self.modes.get(merchant, Mode.OK)
        if mode not in LASTING:
            self.modes[merchant] = Mode.OK
        return mode

    def _booked(self, mode: Mode, wanted: Charge, key: str | None) -> Said:
        """What the provider does, and the reply that it would give at its best."""
        if mode is Mode.DECLINE:
            return 402, {"error": "declined"}
        if mode is Mode.REJECT:
            return 400, {"error": "merchant_unknown"}
        if mode is Mode.OUTAGE:
            return 503, {"error": SECRET_WORD}
        if mode is Mode.LATE:
            self.late.append((key, wanted))
        elif mode in CHARGING:
            # a second request with the key of one that is under way is that one
            self.late = [each for each in self.late if key is None or each != (key, wanted)]
            self.charges.append(wanted)
            return 201, wanted.shown(len(self.charges) - 1)
        return 500, {"error": SECRET_WORD}

    async def _said(self, mode: Mode, reply: Said) -> Said | None:
        """The reply as it goes out."""
        match mode:
            case Mode.SLOW:
                await asyncio.sleep(SLOW)
            case Mode.ERROR_AFTER:
                return 500, {"error": SECRET_WORD}
            case Mode.BROKEN:
                return 201, b"<html>" + SECRET_WORD.encode()
            case Mode.DROP | Mode.DROP_AFTER | Mode.LATE:
                return None
            case Mode.HANG:
                self.silent.set()
                await self._over.wait()
                return None
            case Mode.KILL | Mode.KILL_AFTER:
                if self.on_kill:
                    self.on_kill()
                await self._over.wait()
                return None
        return reply


def _let_in(socket: Path) -> None:
    """The box's own user has to reach it."""
    socket.chmod(0o666)


def _order(body: bytes) -> Charge | None:
    """What is asked for; None when the body is not what the case describes."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(asked, dict):
        return None
    names = ("reference", "merchant_id", "amount", "currency")
    values = [asked.get(name) for name in names]
    if not all(isinstance(value, str) and value for value in values) or not AMOUNT.fullmatch(asked["amount"]):
        return None
    reference, merchant, amount, currency = map(str, values)
    return Charge(reference=reference, merchant=merchant, amount=Decimal(amount), currency=currency)
