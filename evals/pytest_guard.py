"""A wall between a replayed trial and the network. This machine itself stays within reach: boxes talk over it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

NEAR = ("127.0.0.1", "::1", "localhost", "")


class NetworkBlocked(RuntimeError):
    """Something tried to leave this machine during a replay."""


@contextmanager
def no_network() -> Iterator[None]:
    """Inside, Python's sockets connect and send to this machine only, and look up no other's name."""
    names = ("connect", "connect_ex", "sendto")
    before: dict[str, Any] = {name: getattr(socket.socket, name) for name in names}
    lookup = socket.getaddrinfo
    try:
        for name in names:
            setattr(socket.socket, name, _guarded(before[name]))
        socket.getaddrinfo = _guarded_lookup(lookup)
        yield
    finally:
        for name in names:
            setattr(socket.socket, name, before[name])
        socket.getaddrinfo = lookup


def _guarded(call: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *args: Any) -> Any:
        # the address comes last in all three; one that is no pair is a path on this machine
        if args and isinstance(args[-1], tuple):
            _check(args[-1][0])
        return call(self, *args)

    return guarded


def _guarded_lookup(call: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *args: Any, **named: Any) -> Any:
        _check(host)
        return call(host, *args, **named)

    return guarded


def _check(host: object) -> None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is not None and name not in NEAR:
        message = f"a replay reaches no network, and something tried to reach {name}"
        raise NetworkBlocked(message)
