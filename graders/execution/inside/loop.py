"""Waiting for many descriptors at once. `asyncio` does it too, but takes longer to load than a box may take to start."""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ, WRITE, GONE = select.EPOLLIN, select.EPOLLOUT, select.EPOLLHUP | select.EPOLLERR


class Loop:
    """Handlers by descriptor, and what has to be tried again soon."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._again: list[Callable[[], bool]] = []

    def listen(self, descriptor: int, handler: Callable[[int], None], events: int = READ) -> None:
        """Call the handler with what happened, each time; no events: not any more."""
        if descriptor in self._handlers:
            if events:
                self._epoll.modify(descriptor, events)
            else:
                self.forget(descriptor)
        elif events:
            self._epoll.register(descriptor, events)
            self._handlers[descriptor] = handler

    def forget(self, descriptor: int) -> None:
        """Before a descriptor is closed."""
        if self._handlers.pop(descriptor, None):
            self._epoll.unregister(descriptor)

    def retry(self, step: Callable[[], bool]) -> None:
        """Call the step every few milliseconds until it says that it is done."""
        self._again.append(step)

    def turn(self, seconds: float) -> None:
        """Wait for something to happen, and handle it."""
        for descriptor, events in self._epoll.poll(0.005 if self._again else seconds):
            if handler := self._handlers.get(descriptor):
                handler(events)
        self._again = [step for step in self._again if not step()]
