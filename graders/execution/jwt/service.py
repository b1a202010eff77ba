"""The answer's service in its box: started, loaded anew, told what to do, called.

Here: the launcher's side of the talk (`launcher/door.js`). Not here: what callers ask.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from graders.execution.box import WORK, Box, BoxError
from graders.execution.jwt.tokens import SECRET
from graders.execution.jwt.wire import Gone, Line

PORT = 8080
START_WITHIN = 15.0
REPLY_WITHIN = 5.0
ENDS_WITHIN = 1.0
PEER = struct.Struct("3i")


class Service:
    """The launcher in a box, and the instances of the answer that it has loaded."""

    def __init__(self, box: Box, argv: Sequence[str], env: Mapping[str, str], folder: str) -> None:
        self._box = box
        self._argv = tuple(argv)
        self._env = env
        self._folder = f"{WORK}/{folder}"
        self._starts = count(1)
        self._callers = count(1)
        self._calls: list[Line] = []
        self._pid = 0
        self.name = ""

    def start(self) -> None:
        """Start the launcher, without the answer. Raises BoxError."""
        number = next(self._starts)
        self.name = f"node{number}"
        self._door = self._box.folder / f"door{number}"
        self._pid = 0
        env = {**self._env, "JWT_SECRET": SECRET, "PORT": str(PORT)}
        self._box.start(self.name, [*self._argv, f"{WORK}/{self._door.name}", f"{self._folder}/"], env)
        deadline = time.monotonic() + START_WITHIN
        while not self._found():
            if not self.alive or time.monotonic() > deadline:
                raise BoxError(f"the launcher did not start: {self.log()[-500:]}")
            time.sleep(0.002)

    def _found(self) -> bool:
        """Whether the launcher listens; whose door it is, is known from then on."""
        try:
            connected, self._pid = self._connect(REPLY_WITHIN)
        except Gone:
            return False
        connected.close()
        return True

    def kill(self) -> None:
        """End it. Raises BoxError."""
        self._box.kill(self.name)
        self.ended()

    @property
    def alive(self) -> bool:
        return self._box.poll(self.name) is None

    def ended(self) -> bool:
        """Whether the process is gone, when a connection to it just broke. Raises BoxError."""
        return self._box.wait(self.name, ENDS_WITHIN) is not None

    def order(self, do: str, **words: Any) -> Mapping[str, Any]:
        """Have the launcher do something. Raises NoReply."""
        line = self._line({"do": do, **words})
        try:
            answer = line.words()
        finally:
            line.close()
        return answer if isinstance(answer, dict) else {}

    def call(self, name: str, address: str, seconds: float = REPLY_WITHIN) -> Line:
        """A connection to an instance, as from that network address. Raises NoReply."""
        line = self._line({"do": "http", "to": name, "from": address}, seconds)
        self._calls.append(line)
        line.words()
        return line

    def close(self) -> None:
        """End all calls; new ones may follow."""
        while self._calls:
            self._calls.pop().close()

    def new_address(self) -> str:
        """A network address that nobody has called from."""
        number = next(self._callers)
        return f"198.{18 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"

    def log(self) -> str:
        """What it has written since it started. Raises BoxError."""
        return self._box.output(self.name)

    def _line(self, words: Mapping[str, Any], seconds: float = REPLY_WITHIN) -> Line:
        connected, pid = self._connect(seconds)
        if pid != self._pid:
            connected.close()
            raise Gone("somebody else listens there")
        line = Line(connected, seconds)
        line.send(json.dumps(words).encode() + b"\n")
        return line

    def _connect(self, seconds: float) -> tuple[socket.socket, int]:
        """A connection, and the process that listens there: the folder is the answer's too, and it could lay a link."""
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(seconds)
        try:
            connected.connect(str(self._door))
            peer = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size)
        except OSError as error:
            connected.close()
            raise Gone("nobody listens any more") from error
        return connected, PEER.unpack(peer)[0]
