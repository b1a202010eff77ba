"""The first process inside a box: starts, watches and ends the others, and joins ports with unix sockets.

Here: orders, which come as frames through the socket on descriptor 0; when that ends, so does the box. Not here: what keeps
the code in, which is the back end's part (`bubblewrap`), or for boxes without namespaces `confine` and `broker`.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # no stubs; `signal` takes too long to load
import _socket
import os
import time

from graders.execution.inside import kernel, wire
from graders.execution.inside.loop import Loop
from graders.execution.inside.processes import MIB, Output, spawn
from graders.execution.inside.relay import Forward
from graders.execution.inside.watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from graders.execution.inside.broker import Broker

TICK = 0.1
KILL = 9


class Steward:
    """What runs in the box. `settings` are those of `control.settings`."""

    def __init__(self, control: _socket.socket, settings: dict[str, str]) -> None:
        caps = {name[4:]: int(value) for name, value in settings.items() if name.startswith("cap_")}
        self._limits = {name: int(value) for name, value in settings.items() if name.startswith("RLIMIT_")}
        self._control, self._code = control, bytes.fromhex(settings["filter"])
        self._most = min(caps["output_mb"] * MIB, wire.LARGEST // 4)  # what cannot be decoded takes three bytes
        self._end = time.monotonic() + float(settings["wall_seconds"])
        self._wall = settings["wall_seconds"]
        self._running: dict[str, int] = {}
        self._outputs: dict[str, Output] = {}
        self._forwards: list[Forward] = []
        self._loop = Loop()
        self._folder = os.open(settings["work"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        namespace = settings["namespace"] == "1"
        self._watch = Watch(caps, settings["work"], namespace=namespace)
        self._broker: Broker | None = None
        self._rules = -1
        if not namespace:
            from graders.execution.inside import confine
            from graders.execution.inside.broker import Broker

            self._rules = confine.ruleset(settings["work"], settings["readable"].split("\n"))
            calls = (pair.split("=") for pair in settings["brokered"].split())
            self._broker = Broker(self._loop, self._folder, settings["work"], {int(n): name for n, name in calls})
        self._settle(settings, namespace=namespace)

    def _settle(self, settings: dict[str, str], *, namespace: bool) -> None:
        """Give up what this process could do more than it has to."""
        if namespace and os.getpid() != 1:
            raise OSError(1, "not the first process of its namespace")
        if settings["user"]:
            os.setgroups([])
            os.setresgid(*[int(settings["user"])] * 3)
            os.setresuid(*[int(settings["user"])] * 3)
        kernel.drop_capabilities()
        os.chdir(settings["work"])
        # nobody inside may read or write this process's memory
        kernel.prctl(kernel.DUMPABLE, 0)
        if namespace:
            kernel.install(self._code, listener=False)
        else:
            kernel.prctl(kernel.SUBREAPER, 1)

    def serve(self) -> str:
        """Obey until the other side goes, or the time is up; what to tell it at the end."""
        self._loop.listen(self._control.fileno(), self._order)
        self._going = True
        due = 0.0
        while self._going:
            self._loop.turn(TICK)
            self._watch.reap()
            now = time.monotonic()
            if now > self._end:
                return f"the box ended: its {self._wall} seconds are over"
            if now > due:
                due = now + TICK
                if self._watch.exhausted():
                    return "the box ended: the disk is nearly full"
                self._inspect()
        return ""

    def stop(self) -> None:
        """End everything."""
        self._watch.kill_all()

    def _inspect(self) -> None:
        if reason := self._watch.breach():
            hit = [self._outputs[name] for name in self._running if self._runs(name)]
            self._watch.kill_all()
            for output in hit:
                output.drain()
                output.note(f"ended: {reason}")

    def _runs(self, name: str) -> bool:
        return name in self._running and self._running[name] not in self._watch.ended

    def _order(self, _: int) -> None:
        order = receive(self._control)
        if order is None:
            self._going = False
            return
        try:
            reply = ("ok", getattr(self, f"do_{order[0]}")(*order[1:]))
        except Exception as error:  # noqa: BLE001 - every failure is told to the other side
            text = getattr(error, "strerror", None) or str(error)
            reply = ("error", text.replace("\0", " "))
        self._control.sendall(wire.pack(*reply))

    def do_start(self, name: str, count: str, *words: str) -> str:
        argv, env = words[: int(count)], dict(word.split("=", 1) for word in words[int(count) :])
        if self._runs(name):
            raise ValueError(f"{name} is running already")
        output = Output(self._loop, self._folder, name, self._most)
        self._running[name] = spawn(argv, env, output, self._limits, self._rules, self._code, self._hear)
        self._outputs[name] = output
        return ""

    def _hear(self, asking: int) -> None:
        assert self._broker is not None
        self._broker.hear(asking)

    def do_poll(self, name: str) -> str:
        self._watch.reap()
        code = self._watch.ended.get(self._running[name])
        return "" if code is None else str(code)

    def do_kill(self, name: str, number: str) -> str:
        if self._runs(name):
            os.killpg(self._running[name], int(number))
        return ""

    def do_output(self, name: str) -> str:
        self._outputs[name].drain()
        return self._outputs[name].kept.decode("utf-8", "replace").replace("\0", "\ufffd")

    def do_forward(self, port: str, path: str) -> str:
        forward = Forward(self._loop, self._folder, 0 if self._broker else int(port), path)
        self._forwards.append(forward)
        if self._broker:
            self._broker.lead(int(port), forward.port)
        return ""


def receive(control: _socket.socket) -> list[str] | None:
    """The next frame; None when the other side has gone."""
    head = _exactly(control, 4)
    body = head and _exactly(control, wire.size(head))
    return wire.fields(body) if body else None


def _exactly(control: _socket.socket, count: int) -> bytes:
    parts = b""
    while len(parts) < count:
        piece = control.recv(count - len(parts))
        if not piece:
            return b""
        parts += piece
    return parts


def main() -> None:
    """Serve one box."""
    _signal.signal(2, _signal.SIG_IGN)
    control = _socket.socket(fileno=0)
    first = receive(control)
    if first is None:
        return
    try:
        steward = Steward(control, dict(zip(first[::2], first[1::2], strict=True)))
    except OSError as error:
        control.sendall(wire.pack("error", f"{error.strerror or error}"))
        return
    control.sendall(wire.pack("ok", ""))
    try:
        last = steward.serve()
    finally:
        steward.stop()
    if last:
        control.sendall(wire.pack("ended", last))
