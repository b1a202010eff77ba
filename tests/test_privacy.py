"""No telemetry: a command opens no connection besides the one that it is told to open.

Python tells an audit hook of every socket, whoever opens it. Servers and sandboxes of attacks are processes of their own
and are not looked at here (`test_sandbox` does).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parent.parent
WATCHED = """\
import json, socket, sys
seen = []
def hook(event, args):
    # the pair that wakes an event loop has no address, and leads nowhere
    if event == "socket.__new__" and args[1] == socket.AF_UNIX:
        return
    if event.startswith("socket.") and event not in ("socket.gethostname",):
        seen.append([event, [str(part) for part in args[1:]]])
sys.addaudithook(hook)
from evals.cli import main
code = main(sys.argv[1:])
print(json.dumps({"code": code, "seen": seen}), file=sys.stderr)
"""


def watched(*argv: str, cwd: Path = ROOT, **env: str) -> tuple[int, list[tuple[str, list[str]]]]:
    """Exit code of a command, and what it did with sockets: event and arguments."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC", "HF_", "OTEL"))}
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *argv],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    said = json.loads(done.stderr.splitlines()[-1])
    return said["code"], [(event, arguments) for event, arguments in said["seen"]]


@pytest.mark.parametrize(
    "argv",
    [
        ("run", "--no-execute", "--out", "{tmp}"),
        ("compare", "0001", "0002", "--html", "{tmp}/page.html"),
        ("validate",),
        ("show", "--items"),
        ("export", "requests"),
        ("export", "results", "--to", "{tmp}/results"),
        ("export", "answers", "--to", "{tmp}/answers"),
        ("export", "cases", "--to", "{tmp}/cases"),
    ],
    ids=" ".join,
)
def test_no_connection_at_all(argv: tuple[str, ...], tmp_path: Path) -> None:
    code, seen = watched(*[part.replace("{tmp}", str(tmp_path)) for part in argv])
    assert (code, seen) == (0, [])


def test_a_dataset_in_a_file_is_read_without_a_connection(project: Path) -> None:
    (project / "a.jsonl").write_text('{"message": "Do it.", "criteria": "It is done well."}\n', encoding="utf-8")
    assert watched("import", "cases", "a.jsonl", "--suite", "small", cwd=project) == (0, [])


@contextmanager
def refusing() -> Iterator[int]:
    """An API that knows no key; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = b'{"type": "error", "error": {"type": "authentication_error", "message": "no"}}'
            self.send_response(401)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_live_run_connects_to_the_api_alone(project: Path) -> None:
    with refusing() as port:
        env = {"ANTHROPIC_API_KEY": "made-up", "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}"}
        found, seen = watched("run", "--suite", "small", "--provider", "live", "--no-execute", cwd=project, **env)
    connected = {tuple(arguments) for event, arguments in seen if event == "socket.connect"}
    assert found == 2
    assert connected == {(f"('127.0.0.1', {port})",)}
    looked_up = {arguments[0] for event, arguments in seen if event == "socket.getaddrinfo"}
    assert looked_up <= {"127.0.0.1", str(port)}
