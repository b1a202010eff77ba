"""Two processes that want the same answer pay for it once, and a wall stands around a replay."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from evals.exchange import Message, Provenance, Request, Response, Settings
from evals.providers.cached import Cache, CachedProvider
from evals.providers.turns import PAUSE, Turns
from evals.pytest_guard import NetworkBlocked, no_network

ROOT = Path(__file__).parent.parent


class Slow:
    """Gives others a chance to ask meanwhile."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def respond(self, request: Request) -> Response:
        self.asked.append(request.digest)
        await asyncio.sleep(0.01)
        return Response(text="yes", provenance=Provenance(kind="api", request_id="r"), stop_reason="end_turn")


def request(text: str) -> Request:
    return Request(model="m", messages=(Message(role="user", text=text),), settings=Settings(max_tokens=1))


@pytest.mark.parametrize("shared", [True, False])
def test_equal_requests_at_once_are_asked_once(tmp_path: Path, *, shared: bool) -> None:
    slow = Slow()
    caches = [Cache(tmp_path / ("cache" if shared else str(number))) for number in range(4)]
    one = CachedProvider(slow, caches[0])
    asking = [one if shared else CachedProvider(slow, cache) for cache in caches]

    async def all_at_once() -> None:
        await asyncio.gather(*[each.respond(request(text)) for each in asking for text in ("a", "b")])

    asyncio.run(all_at_once())
    for cache in caches:
        cache.close()
    assert len(set(slow.asked)) == 2
    assert len(slow.asked) == (2 if shared else 8)


OTHER = """
import asyncio, sys
from pathlib import Path
from evals.providers.turns import Turns

async def hold():
    async with Turns(Path(sys.argv[1])).turn(sys.argv[2]):
        print("mine", flush=True)
        sys.stdin.readline()

asyncio.run(hold())
"""


@pytest.mark.parametrize("how", ["ends", "is killed"])
def test_another_process_is_waited_for_until_it(tmp_path: Path, how: str) -> None:
    file = tmp_path / "asking"
    code = [sys.executable, "-c", OTHER, str(file), "a" * 64]
    with subprocess.Popen(code, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "mine\n"
        done: list[str] = []

        async def take(digest: str) -> None:
            async with turns.turn(digest):
                done.append(digest[0])

        async def both() -> None:
            waiting = asyncio.create_task(take("a" * 64))
            await take("b" * 64)
            await asyncio.sleep(3 * PAUSE)
            assert done == ["b"], "only what the other one asks for is held back"
            other.kill() if how == "is killed" else other.communicate("on\n")
            await waiting

        turns = Turns(file)
        asyncio.run(both())
        turns.close()
    assert done == ["b", "a"]


def test_a_failure_lets_the_next_one_ask(tmp_path: Path) -> None:
    class Failing(Slow):
        async def respond(self, request: Request) -> Response:
            await super().respond(request)
            raise ValueError("broken")

    failing, cache = Failing(), Cache(tmp_path)

    async def twice() -> None:
        provider = CachedProvider(failing, cache)
        said = await asyncio.gather(*[provider.respond(request("a")) for _ in range(2)], return_exceptions=True)
        assert [str(error) for error in said] == ["broken", "broken"]

    asyncio.run(twice())
    cache.close()
    assert len(failing.asked) == 2


def test_the_wall_lets_this_machine_through_only_and_comes_down() -> None:
    before = (socket.socket.connect, socket.socket.sendto, socket.getaddrinfo)
    with no_network():
        with pytest.raises(NetworkBlocked):
            socket.create_connection(("192.0.2.1", 9), 1)
        with pytest.raises(NetworkBlocked), socket.socket() as one:
            one.connect(("192.0.2.1", 9))
        with pytest.raises(NetworkBlocked), socket.socket(type=socket.SOCK_DGRAM) as one:
            one.sendto(b"x", ("192.0.2.1", 9))
        with pytest.raises(NetworkBlocked):
            socket.getaddrinfo("example.com", 443)
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as one:
            assert one.getpeername() == server.getsockname()
    assert (socket.socket.connect, socket.socket.sendto, socket.getaddrinfo) == before
