"""How fast the mock server is, so that nobody has to believe that it is not what is measured."""

from __future__ import annotations

import json
import selectors
import socket
import time
from urllib.parse import urlsplit

from benchmarks import work
from benchmarks.stage import Stage

CONNECTIONS = 50


def pressed(where: Stage, requests: int = 5_000) -> str:
    """Ask as fast as sockets allow, and say what came of it."""
    where.serve()
    begun = time.monotonic()
    press(where.url, requests)
    took = time.monotonic() - begun
    spent = where.stats()["cpu"]
    return (
        f"The mock server answers {requests / took:,.0f} requests a second over {CONNECTIONS} connections, and uses "
        f"{1e6 * spent / requests:.0f} µs of CPU for each."
    )


def press(url: str, requests: int) -> None:
    """Send one prepared request again and again over several connections; wait for each reply's last byte."""
    address = urlsplit(url)
    data = _request(address.netloc)
    with selectors.DefaultSelector() as selector:
        for _ in range(min(CONNECTIONS, requests)):
            connection = socket.create_connection((address.hostname or "", address.port or 0))
            connection.sendall(data)
            selector.register(connection, selectors.EVENT_READ, bytearray())
        sent = len(selector.get_map())
        while selector.get_map():
            for key, _ in selector.select():
                connection = key.fileobj  # type: ignore[assignment]  # only sockets are registered
                received: bytearray = key.data
                received += connection.recv(65_536)
                if not _whole(received):
                    continue
                received.clear()
                if sent < requests:
                    connection.sendall(data)
                    sent += 1
                else:
                    selector.unregister(connection)
                    connection.close()


def _request(host: str) -> bytes:
    body = json.dumps(work.body(1, work.persona())).encode()
    return f"POST /v1/messages HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def _whole(received: bytearray) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    return bool(separator) and len(body) >= int(head.rpartition(b"content-length: ")[2].split(b"\r\n")[0])
