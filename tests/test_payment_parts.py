"""Parts of the payment suite that need no box: the oracle, the fake provider, tokens, the clock, reading replies."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from graders.execution.payment import launcher
from graders.execution.payment.clock import Clock
from graders.execution.payment.document import FILE, document
from graders.execution.payment.money import Payment, State, faults
from graders.execution.payment.provider import KEY, SECRET_WORD, Charge, Mode, Provider
from graders.execution.payment.secrets import INTERNAL, texts_of
from graders.execution.payment.suite import FUNCTIONS, TITLES
from graders.execution.payment.tokens import SECRET, claims, signed
from graders.execution.payment.verdicts import LINES, WIDTH, clean, judged
from graders.execution.payment.wire import Reply, ask, door, read


def payment(status: str, amount: str = "10.00") -> Payment:
    return Payment(id="1", merchant="m", amount=Decimal(amount), currency="EUR", status=status)


def charge(amount: str = "10.00", merchant: str = "m") -> Charge:
    return Charge(reference="r", merchant=merchant, amount=Decimal(amount), currency="EUR")


def state(balance: str, payments: tuple[Payment, ...] = (), charges: tuple[Charge, ...] = ()) -> State:
    return State(start=Decimal("100.00"), balance=Decimal(balance), payments=payments, charges=charges)


@pytest.mark.parametrize(
    "fine",
    [
        state("100.00"),
        state("90.00", (payment("succeeded"),), (charge(),)),
        state("90.00", (payment("pending"),)),
        state("100.00", (payment("pending"),)),
        state("90.00", (payment("pending"),), (charge(),)),
        state("100.00", (payment("failed"),)),
        state("80.000", (payment("succeeded", "10"), payment("pending")), (charge("10.00"),)),
    ],
)
def test_money_that_is_where_it_has_to_be(fine: State) -> None:
    assert faults(fine) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (state("-10.00", (payment("succeeded", "110.00"),), (charge("110.00"),)), "the balance is -10.00"),
        (state("90.00"), "10.00 of the balance is gone without a payment"),
        (state("90.00", (payment("failed"),)), "10.00 of the balance is gone without a payment"),
        (state("100.00", (payment("succeeded"),), (charge(),)), "10.00 more on the balance than the payments leave"),
        (state("110.00", (payment("failed"),)), "10.00 more on the balance than the payments leave"),
        (state("100.00", (payment("failed"),), (charge(),)), "the provider charged 10.00 1 times for 0 payments that say so"),
        (state("90.00", (payment("succeeded"),), (charge(), charge())), "the provider charged 10.00 2 times for 1 payments that say so"),
        (state("90.00", (payment("succeeded"),)), "1 payments of 10.00 succeeded, the provider charged 0"),
        (state("90.00", (payment("succeeded"),), (charge(merchant="other"),)), "1 payments of 10.00 succeeded, the provider charged 0"),
        (state("70.00", (payment("succeeded"), payment("succeeded")), (charge(), charge())), "10.00 of the balance is gone without a payment"),
    ],
)  # fmt: skip
def test_money_that_is_not(wrong: State, said: str) -> None:
    assert said in faults(wrong)


def transfer(socket: Path, key: str | None = "k", amount: object = "10.00", merchant: str = "m", bearer: str = KEY) -> asyncio.Task[Reply]:  # fmt: skip
    body = json.dumps({"reference": "r", "merchant_id": merchant, "amount": amount, "currency": "EUR"}).encode()
    headers = {"Authorization": f"Bearer {bearer}"} | ({"Idempotency-Key": key} if key else {})
    return asyncio.create_task(ask(socket, "POST", "/v1/transfers", headers, body, 2.0))


async def looked_up(socket: Path) -> object:
    return (await ask(socket, "GET", "/v1/transfers?reference=r", {"Authorization": f"Bearer {KEY}"})).json


@pytest.mark.parametrize(
    ("mode", "status", "charged"),
    [
        (Mode.OK, 201, 1), (Mode.DECLINE, 402, 0), (Mode.ERROR, 500, 0), (Mode.ERROR_AFTER, 500, 1), (Mode.BROKEN, 201, 1),
        (Mode.DROP, 0, 0), (Mode.DROP_AFTER, 0, 1), (Mode.LATE, 0, 0),
    ],
)  # fmt: skip
def test_the_provider_fails_as_it_is_told(tmp_path: Path, mode: Mode, status: int, charged: int) -> None:
    async def scene() -> tuple[int, int, int]:
        provider = Provider(modes={"m": mode})
        await provider.listen(tmp_path / "p")
        first = await transfer(tmp_path / "p")
        before = len(provider.charges)
        provider.modes.clear()
        await transfer(tmp_path / "p")
        provider.land("m")
        await provider.close()
        return first.status, before, len(provider.charges)

    assert asyncio.run(scene()) == (status, charged, int(mode is not Mode.DECLINE))


def test_the_provider_tells_requests_apart_by_key(tmp_path: Path) -> None:
    async def scene() -> list[object]:
        provider = Provider()
        await provider.listen(tmp_path / "p")
        replies = [
            await transfer(tmp_path / "p"), await transfer(tmp_path / "p"), await transfer(tmp_path / "p", amount="20.00"),
            await transfer(tmp_path / "p", "other"), await transfer(tmp_path / "p", None), await transfer(tmp_path / "p", None),
            await transfer(tmp_path / "p", "n", amount=10.0), await transfer(tmp_path / "p", bearer="x"),
        ]  # fmt: skip
        found = await looked_up(tmp_path / "p")
        await provider.close()
        return [*(reply.status for reply in replies), found]

    transfers = [{"id": f"tr_{number}", "reference": "r", "status": "succeeded"} for number in range(4)]
    assert asyncio.run(scene()) == [201, 201, 422, 201, 201, 201, 400, 401, {"transfers": transfers}]


def test_a_late_transfer_with_another_key_is_a_second_one(tmp_path: Path) -> None:
    async def scene(key: str) -> int:
        provider = Provider(modes={"m": Mode.LATE})
        await provider.listen(tmp_path / key)
        await transfer(tmp_path / key)
        await transfer(tmp_path / key, key)
        provider.land("m")
        await provider.close()
        return len(provider.charges)

    assert [asyncio.run(scene(key)) for key in ("k", "again")] == [1, 2]


def test_a_look_up_can_fail(tmp_path: Path) -> None:
    async def scene() -> object:
        provider = Provider(blind={"m"})
        await provider.listen(tmp_path / "p")
        await transfer(tmp_path / "p")
        found = await looked_up(tmp_path / "p")
        await provider.close()
        return found

    assert asyncio.run(scene()) == {"error": SECRET_WORD}


def test_replies_are_read_without_trust() -> None:
    chunked = read(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n')
    assert chunked.json == {"a": 1}
    assert read(b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000).json is None
    assert read(b'HTTP/1.1 201 X\r\n\r\n{"status": [1]}').state == ""
    assert str(read(b'HTTP/1.1 201 X\r\n\r\n{"status": "PENDING"}')) == "201 pending"
    with pytest.raises(ValueError):
        read(b"SSH-2.0-x\r\n\r\n")


def test_a_link_leads_nowhere(tmp_path: Path) -> None:
    async def scene() -> Reply:
        provider = Provider()
        await provider.listen(tmp_path / "real")
        (tmp_path / "link").symlink_to(tmp_path / "real")
        reply = await ask(tmp_path / "link", "GET", "/v1/transfers", {})
        await provider.close()
        return reply

    assert asyncio.run(scene()).problem == "connection closed"
    with door(tmp_path) as address:
        assert Path(address).exists()


def test_tokens_are_what_a_library_takes_for_them() -> None:
    import base64
    import hashlib
    import hmac

    head, body, signature = signed(claims("c_1"), SECRET).split(".")
    expected = base64.urlsafe_b64encode(hmac.digest(SECRET.encode(), f"{head}.{body}".encode(), hashlib.sha256))
    assert signature == expected.rstrip(b"=").decode()
    content = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert content["sub"] == "c_1"
    assert content["exp"] > content["iat"]
    assert "exp" not in claims("c_1", exp=None)
    assert signed({}, "", "none").endswith(".")


def test_a_fast_clock_shortens_every_kind_of_wait(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    clock.run(1000.0)
    code = (
        "import sys, time, asyncio, threading, socket; sys.path.insert(0, sys.argv[1]); import launcher; time.monotonic = launcher.now\n"
        "began = launcher._monotonic(); launcher.follow(sys.argv[2]); time.sleep(60); asyncio.run(asyncio.sleep(60))\n"
        "condition = threading.Condition()\nwith condition: assert not condition.wait(60)\n"
        "one, two = socket.socketpair(); one.settimeout(60)\ntry: one.recv(1)\nexcept TimeoutError: print(launcher._monotonic() - began < 60)"
    )
    folder = Path(launcher.__file__).parent
    done = subprocess.run([sys.executable, "-c", code, str(folder), str(tmp_path / "clock")], capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_clock_never_goes_back(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    seen = []
    for rate in (1.0, 500.0, 1.0, 20.0):
        clock.run(rate)
        time.sleep(0.002)
        seen.append(clock.now)
    assert seen == sorted(seen)
    assert seen[2] - seen[0] > 0.9


def test_texts_of_the_code_are_found_and_broken_code_is_none() -> None:
    assert texts_of({"app.py": "x = get('S', 'dev-secret')\n'two words'", "schema.sql": "'no'"}) == {"S", "dev-secret"}
    assert texts_of({"app.py": "def ("}) == set()


@pytest.mark.parametrize(
    "text",
    [
        'Traceback (most recent call last)', 'File "/box/answer/app.py", line 3', "asyncpg.exceptions.X", "select id from payments",
        "INSERT INTO payments", 'duplicate key value', 'relation "payments" does not exist', "violates check constraint",
    ],
)  # fmt: skip
def test_internals_are_known_when_seen(text: str) -> None:
    assert INTERNAL.search(text)


@pytest.mark.parametrize(
    "text", ["temporarily unavailable", "select another currency", "the update failed", "payment failed"]
)
def test_plain_words_are_no_internals(text: str) -> None:
    assert not INTERNAL.search(text)


def test_transcripts_are_short_and_printable() -> None:
    found = judged(["a\x1b[2J" + "b" * 500], "", [f"line {number}\n" for number in range(40)])
    assert len(found.transcript) == LINES
    assert found.transcript[-1] == "… and 29 more lines"
    assert found.reason.isprintable()
    assert len(found.reason) == WIDTH
    assert clean("fine") == "fine"


def test_the_document_is_fresh_and_whole() -> None:
    assert FILE.read_text(encoding="utf-8") == document()
    for name in TITLES:
        text = FUNCTIONS[name].__doc__ or ""
        assert "Pass:" in text, name
        assert "Fail:" in text, name
