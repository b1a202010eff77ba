"""The server: routes, keys, checks of what comes in, and the sending of replies and faults. Not here: what they say."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable

from tests.fake_api import messages as say
from tests.fake_api.batches import Batches
from tests.fake_api.faults import Fault, Plan
from tests.fake_api.messages import Body, Params
from tests.fake_api.shapes import faults_of
from tests.fake_api.wire import Call, listen

BATCH = re.compile(r"/v1/messages/batches/([^/]+)(/results|/cancel)?")
MODELS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5")


class Refused(Exception):
    """A request that the API answers with an error of its own accord."""

    def __init__(self, status: int, kind: str, text: str) -> None:
        super().__init__(text)
        self.status, self.kind = status, kind


class ApiServer:
    """Messages, token counts, batches and models on loopback. `answer` gives the text that a request is answered with.

    `answer` may return a whole reply instead of a text. It is called once for each answer that is due, faults aside.
    """

    def __init__(self, answer: Callable[[Params], str | Body], plan: Plan | None = None) -> None:
        self.answer = answer
        self.plan = plan
        """Faults by chance, for single messages."""
        self.faults: dict[str, list[Fault]] = {}
        """Faults instead of the next replies, by step: messages, count, create, retrieve, results, list, cancel, delete, models."""
        self.hooks: dict[str, list[Callable[[], None]]] = {}
        """Called once each, by step: probe, made, retrieve, results; the reply is sent afterwards."""
        self.cut: list[int] = []
        """After how many lines the next streams of results break off."""
        self.clean_cut = False
        """Whether they break off without a sign of it."""
        self.echo = False
        """Whether replies repeat the headers that they came with, the key among them, as a careless gateway does."""
        self.models = list(MODELS)
        self.headers: dict[str, str] = {}
        """Headers on every reply besides its own, or in their place."""
        self.single: list[Params] = []
        """Requests for single messages that were answered."""
        self.calls: list[str] = []
        self.keys: set[str] = set()
        self.refused: list[str] = []
        """What was wrong with requests that broke the API's rules: the checks of `shapes`, above all."""
        self.turn = threading.RLock()
        self.cache = say.PromptCache()
        self.batches = Batches(lambda params: str(self.answer(params)), self.cache)
        self._http = listen(self.handle)
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> ApiServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def asked(self) -> Counter[str]:
        """How often each request was paid for in batches, by custom id."""
        return Counter(line["custom_id"] for lines in self.batches.lines.values() for line in lines)

    def handle(self, call: Call) -> None:
        """Reply to one request."""
        step = step_of(call.method, call.path)
        call.echo, call.extra = self.echo, self.headers
        try:
            self._check(call, step)
            with self.turn:
                self.calls.append(step)
                self.keys.add(call.key)
                fault = self._fault(step)
            if fault:
                call.spoil(fault)
            if not fault or fault.passes:
                getattr(self, f"_{step}")(call)
        except Refused as no:
            with self.turn:
                self.refused.append(f"{call.method} {call.path}: {no}")
            call.send(no.status, say.error(no.kind, str(no)))

    def _fault(self, step: str) -> Fault | None:
        if self.faults.get(step):
            return self.faults[step].pop(0)
        return self.plan.next() if self.plan and step == "messages" else None

    def _check(self, call: Call, step: str) -> None:
        if not step:
            raise Refused(404, "not_found_error", f"no route {call.method} {call.path}")
        if not re.fullmatch(r"(Bearer )?\S+", call.key):
            raise Refused(401, "authentication_error", "x-api-key or authorization header is required")
        if not call.headers.get("anthropic-version"):
            raise Refused(400, "invalid_request_error", "anthropic-version: header is required")
        if step in ("messages", "count", "create"):
            if not isinstance(call.body, dict):
                raise Refused(400, "invalid_request_error", "the body is not a JSON object")
            kind = {"count": "count", "create": "batch"}.get(step) or (
                "stream" if call.body.get("stream") else "message"
            )
            if wrong := faults_of(kind, call.body):
                raise Refused(400, "invalid_request_error", "; ".join(wrong))

    def _messages(self, call: Call) -> None:
        with self.turn:
            try:
                reply = self.answer(call.body)
            except LookupError as error:
                raise Refused(404, "not_found_error", str(error)) from None
            self.single.append(call.body)
            text = reply if isinstance(reply, str) else json.dumps(reply)
            usage = self.cache.usage(call.body, text, "standard")
        whole = say.message(text, call.body, usage) if isinstance(reply, str) else reply
        self._hook("probe")
        if call.body.get("stream"):
            call.write(200, b"".join(say.events(whole)), "text/event-stream; charset=utf-8")
        else:
            call.send(200, whole)

    def _count(self, call: Call) -> None:
        turns = "".join(say.texts(turn["content"]) for turn in call.body["messages"])
        call.send(200, {"input_tokens": say.count(say.texts(call.body.get("system")) + turns)})

    def _create(self, call: Call) -> None:
        with self.turn:
            name = self.batches.make(call.body["requests"])
        self._hook("made")
        call.send(200, self.batches.shown(name, self.url))

    def _retrieve(self, call: Call) -> None:
        name = self._named(call)
        with self.turn:
            self.batches.look(name)
        self._hook("retrieve")
        call.send(200, self.batches.shown(name, self.url), {"retry-after": "0.01"})

    def _list(self, call: Call) -> None:
        newest_first = [self.batches.shown(name, self.url) for name in reversed(self.batches.lines)]
        call.send(200, say.page(newest_first, call.query))

    def _cancel(self, call: Call) -> None:
        name = self._named(call)
        with self.turn:
            self.batches.cancel(name)
        call.send(200, self.batches.shown(name, self.url))

    def _delete(self, call: Call) -> None:
        name = self._named(call)
        with self.turn:
            if not self.batches.delete(name):
                raise Refused(400, "invalid_request_error", "a batch under way cannot be deleted; cancel it first")
        call.send(200, {"id": name, "type": "message_batch_deleted"})

    def _results(self, call: Call) -> None:
        name = self._named(call)
        if not self.batches.ended(name):
            raise Refused(404, "not_found_error", "the batch has not ended")
        with self.turn:
            lines = self.batches.results(name)
            cut = self.cut.pop(0) if self.cut else None
        part, whole = b"".join(lines[:cut]), b"".join(lines)
        announced = part if cut is not None and self.clean_cut else whole
        call.write(200, announced, "application/x-jsonl", sent=len(part), then=lambda: self._hook("results"))

    def _models(self, call: Call) -> None:
        parts = call.path.split("/")
        if len(parts) == 3:
            call.send(200, say.page([say.model_info(name) for name in self.models], call.query))
        elif parts[3] in self.models:
            call.send(200, say.model_info(parts[3]))
        else:
            raise Refused(404, "not_found_error", f"model: {parts[3]}")

    def _named(self, call: Call) -> str:
        found = BATCH.fullmatch(call.path)
        assert found
        if found[1] not in self.batches.lines:
            raise Refused(404, "not_found_error", f"no batch {found[1]}")
        return found[1]

    def _hook(self, step: str) -> None:
        if self.hooks.get(step):
            self.hooks[step].pop(0)()


def step_of(method: str, path: str) -> str:
    """Name of what is asked for; empty for what the API has not."""
    found = BATCH.fullmatch(path)
    if found:
        steps = {"GET": "retrieve", "DELETE": "delete", "GET/results": "results", "POST/cancel": "cancel"}
        return steps.get(method + (found[2] or ""), "")
    if method == "GET" and re.fullmatch(r"/v1/models(/[^/]+)?", path):
        return "models"
    steps = {
        "POST/v1/messages": "messages",
        "POST/v1/messages/count_tokens": "count",
        "POST/v1/messages/batches": "create",
        "GET/v1/messages/batches": "list",
    }
    return steps.get(method + path, "")
