"""Two processes that want the same answer pay for it once, and a wall stands around a replay."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from evals.exchange import Message, Provenance, Request, Response, Settings
from evals.providers.cached import Cache, CachedProvider
from evals.providers.once import OnceProvider
from evals.pytest_guard import NetworkBlocked, no_network


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


@pytest.mark.parametrize("locked", [True, False])
def test_the_same_request_is_asked_once_by_those_who_share_a_memory(tmp_path: Path, *, locked: bool) -> None:
    slow = Slow()
    caches = [Cache(tmp_path / "cache") for _ in range(4)]
    each = [CachedProvider(slow, cache) for cache in caches]
    # a lock of its own for each, as processes have
    asking = [OnceProvider(one, tmp_path / "locks") for one in each] if locked else each

    async def all_at_once() -> None:
        await asyncio.gather(*[one.respond(request(text)) for one in asking for text in ("a", "b")])

    asyncio.run(all_at_once())
    for cache in caches:
        cache.close()
    assert len(set(slow.asked)) == 2
    assert len(slow.asked) == (2 if locked else 8)


def test_a_failure_lets_the_next_one_ask(tmp_path: Path) -> None:
    class Failing(Slow):
        async def respond(self, request: Request) -> Response:
            await super().respond(request)
            raise ValueError("broken")

    failing = Failing()

    async def twice() -> None:
        for _ in range(2):
            with pytest.raises(ValueError, match="broken"):
                await OnceProvider(failing, tmp_path).respond(request("a"))

    asyncio.run(twice())
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
