"""A Messages API on loopback that holds many requests open and answers them in an order and at a pace of its own.

It never runs far ahead of its client: as long as the client is at work on replies it has, and has not asked anew for them,
no more than a few are on their way. So a slow machine makes a test slow, and never makes a burst that no API sends.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

ANSWER = """\
I take parameters, because text in SQL can be injected. This is answer {number}.

**`app.py`**

```python
def login(db, name):
    return db.execute("SELECT id FROM users WHERE name = %s", (name,))
```
"""
VERDICT = json.dumps({"reason": "It says why.", "quotes": ["because text in SQL can be injected"], "verdict": "pass"})
AHEAD = 2
"""Replies that may be on their way at once."""
PATIENCE = 1.0
"""Seconds after which the next reply goes out in any case."""


def body_of(params: dict[str, Any]) -> bytes:
    """A reply that is the same whenever the same is asked."""
    number = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:8]
    text = VERDICT if "output_config" in params else ANSWER.format(number=number)
    message = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": params["model"],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "content": [{"type": "text", "text": text}],
        "usage": {"input_tokens": 1000, "output_tokens": 100},
    }
    return json.dumps(message).encode()


class PacedApi:
    """Runs in a thread. `answered` counts replies that were handed to the client's socket whole."""

    def __init__(self, seed: int = 1, *, slots: int = 0, latency: float = 0.05) -> None:
        """`slots`: how many requests the client has open at once; 0: it is not looked at, and `latency` is the mean of
        the seconds to a reply."""
        self.asked: Counter[str] = Counter()
        self.answered = 0
        self.most_open = 0
        """Since the last `begin`."""
        self.open_at_end: list[int] = []
        """How many requests were open whenever an `end` was called."""
        self.client: int | None = None
        """Process id of the one that asks, where it is known."""
        self._slots, self._latency = slots, latency
        self._random = random.Random(seed)
        self._open: list[asyncio.Future[None]] = []
        self._since = 0
        self._run_number = 0
        self._end: tuple[int, float, Callable[[], None]] | None = None
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self._thread.start()
        started.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def begin(self, after: int = 0, delay: float = 0.0, end: Callable[[], None] | None = None) -> None:
        """A new process is about to ask. `delay` seconds after its reply number `after`, `end` is called, and whatever
        is open then is never answered."""
        self._run_number += 1
        self._loop.call_soon_threadsafe(self._let_go)
        self._since, self.most_open = 0, 0
        self._end = (after, delay, end) if end else None

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=500))
        self._port = server.sockets[0].getsockname()[1]
        tasks: list[Coroutine[Any, Any, None]] = [self._release()] if self._slots else []
        kept = [self._loop.create_task(task) for task in tasks]
        started.set()
        self._loop.run_forever()
        server.close()
        for task in [*kept, *asyncio.all_tasks(self._loop)]:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(self._loop), return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                await self._reply(json.loads(await reader.readexactly(length)), writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or the server is closed
        finally:
            writer.close()

    async def _reply(self, params: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        number = self._run_number
        self.asked[json.dumps(params, sort_keys=True)] += 1
        held: asyncio.Future[None] = self._loop.create_future()
        self._open.append(held)
        self.most_open = max(self.most_open, len(self._open))
        try:
            if self._slots:
                await held
            else:
                await asyncio.sleep(self._random.uniform(0.2, 1.8) * self._latency)
        finally:
            if held in self._open:
                self._open.remove(held)
        if number != self._run_number:
            raise ConnectionResetError
        body = body_of(params)
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_1\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        if not writer.is_closing():
            self.answered += 1
            self._since += 1
            if self._end and self._since == self._end[0]:
                self._loop.call_later(self._end[1], self._stop, self._end[2])

    def _stop(self, end: Callable[[], None]) -> None:
        self.open_at_end.append(len(self._open))
        end()
        self._run_number += 1
        self._let_go()

    def _let_go(self) -> None:
        """Of what an earlier process asked: nobody waits for it."""
        for held in self._open:
            if not held.done():
                held.set_result(None)
        self._open.clear()

    async def _release(self) -> None:
        """Answer one of the open requests after the other, whichever."""
        while True:
            waited = 0.0
            while not self._open or (self._ahead() and waited < PATIENCE):
                await asyncio.sleep(0.001)
                waited = waited + 0.001 if self._open else 0.0
            held = self._open.pop(self._random.randrange(len(self._open)))
            if not held.done():
                held.set_result(None)
            await asyncio.sleep(self._random.uniform(0, 0.002))

    def _ahead(self) -> bool:
        """Whether the client has replies enough to be busy with."""
        return len(self._open) <= self._slots - AHEAD and not self._asleep()

    def _asleep(self) -> bool:
        """Whether the client waits for something; False where that cannot be known."""
        try:
            text = Path(f"/proc/{self.client}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return False
        return text.rpartition(")")[2].split()[0] == "S"  # neither at work nor waiting for a disk
