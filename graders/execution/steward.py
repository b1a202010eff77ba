"""The first process inside a box: starts, watches and ends the others, and joins ports with unix sockets.

It is run by the box's own Python and imports nothing but the standard library. Commands come as JSON lines on its
standard input, replies go to its standard output; when the input ends, so does the box.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import resource
import signal
import subprocess
import sys
from typing import Any

PIECE = 65_536


class Steward:
    """What runs in the box."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.limits = limits
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.servers: list[asyncio.Server] = []

    async def obey(self, order: dict[str, Any]) -> Any:
        """Carry out one command; its result."""
        result = getattr(self, f"do_{order.pop('do')}")(**order)
        return await result if inspect.isawaitable(result) else result

    def do_start(self, name: str, argv: list[str], env: dict[str, str]) -> None:
        with open(f"{name}.log", "ab") as log:  # noqa: PTH123 - the working folder is the shared one
            self.running[name] = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, preexec_fn=self.cap  # noqa: PLW1509 - the steward has one thread
            )  # fmt: skip

    def cap(self) -> None:
        for name, limit in self.limits.items():
            resource.setrlimit(getattr(resource, name), (limit, limit))

    def do_poll(self, name: str) -> int | None:
        return self.running[name].poll()

    def do_kill(self, name: str, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.running[name].pid, number)

    async def do_forward(self, port: int, socket: str) -> None:
        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                far_reader, far_writer = await asyncio.open_unix_connection(socket)
            except OSError:
                writer.transport.abort()
                return
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

        self.servers.append(await asyncio.start_server(join, "127.0.0.1", port))


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until either side ends, then close the other."""
    with contextlib.suppress(OSError, ConnectionError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError, ConnectionError):
        writer.close()


async def main() -> None:
    """Read commands until the input ends."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    steward = Steward(json.loads(sys.argv[1]))
    orders = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        reply: dict[str, Any] = {}
        try:
            reply["result"] = await steward.obey(json.loads(line))
        except Exception as error:  # noqa: BLE001 - every failure is told to the other side
            reply["error"] = f"{type(error).__name__}: {error}"
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)
