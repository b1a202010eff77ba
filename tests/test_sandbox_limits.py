"""Boxes hold code that takes all it can get, end with everything in them, and cannot be ended to the code's profit."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graders.execution import runtimes
from graders.execution.box import Box, BoxError, Limits
from graders.execution.sandbox import BACK_ENDS
from graders.execution.scratch import scratch
from tests.sandbox_host import SECONDS, alive, box_of, gone, needs, run

SMALL = Limits(
    memory_mb=256, tree_mb=300, processes=40, descriptors=600, file_mb=8, folder_mb=32, files=300, output_mb=1
)
MIB = 1024 * 1024


@pytest.fixture(scope="module", params=BACK_ENDS)
def back_end(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    needs(name)
    return name


@pytest.fixture
def place() -> Iterator[Path]:
    with scratch() as folder:
        yield folder


@pytest.fixture
def small(back_end: str, place: Path) -> Iterator[Box]:
    with box_of(back_end, place / "box", SMALL) as box:
        yield box


def told(box: Box, code: str) -> str:
    """What some Python says until its end."""
    run(box, "code", code)
    assert box.wait("code", SECONDS) is not None, box.output("code")
    return box.output("code").strip()


def until(seen: Callable[[], bool]) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + SECONDS
    while not (there := seen()) and time.monotonic() < end:
        time.sleep(0.02)
    return there


GREEDY = {
    "memory in many processes": ("import os, time\nfor _ in range(8):\n    if not os.fork():\n        kept = b'x' * 100 * 2**20; time.sleep(60)\ntime.sleep(60)", "more than 300 MiB of memory"),
    "shared memory": ("import mmap, time\nkept = mmap.mmap(-1, 500 * 2**20)\nfor place in range(0, len(kept), 4096): kept[place] = 1\ntime.sleep(60)", "more than 300 MiB of memory"),
    "many files": ("n = 0\nwhile True:\n    open(f'{n}', 'w').close(); n += 1", "more than 300 files"),
    "many folders in one another": ("import os\nwhile True:\n    os.mkdir('d'); os.chdir('d')", "more than 300 files, or folders too deep"),
    "many large files": ("n = 0\nwhile True:\n    open(f'{n}', 'wb').write(b'x' * 2**22); n += 1", "more than 32 MiB in its folder"),
    "files without a name": ("import os\nkept = []\nwhile True:\n    kept.append(open('f', 'wb')); os.unlink('f'); kept[-1].write(b'x' * 2**22); kept[-1].flush()", "more than 32 MiB in its folder"),
    "mapped files without a name": ("import mmap, os\nkept = []\nwhile True:\n    f = open('f', 'w+b'); f.write(b'x' * 2**22); f.flush(); kept.append(mmap.mmap(f.fileno(), 4096)); os.unlink('f'); f.close()", "more than 32 MiB in its folder"),
    "folders without rights":("import os, time\nos.mkdir('hidden', 0); time.sleep(60)", "a folder that nobody may look into"),
    "open files": ("import os, time\nfor _ in range(3):\n    if not os.fork(): break\nkept = [os.open('/dev/null', 0) for _ in range(400)]\ntime.sleep(60)", "more than 600 open files"),
}  # fmt: skip


@pytest.mark.parametrize("what", GREEDY)
def test_what_oversteps_a_cap_of_the_box_is_ended_and_said(small: Box, what: str) -> None:
    code, reason = GREEDY[what]
    assert f"[box] ended: {reason}" in told(small, code)
    assert small.poll("code") == -signal.SIGKILL
    run(small, "next", "print('again')")
    assert small.wait("next", SECONDS) == 0


def test_processes_are_capped(small: Box) -> None:
    said = told(
        small,
        "import os, time\nn = 0\ntry:\n    while os.fork(): n += 1\n    time.sleep(5)\nexcept OSError:\n    print(n)",
    )
    assert 10 < int(said) <= SMALL.processes


def test_threads_are_capped(small: Box) -> None:
    said = told(small, "import threading, os\nstop = threading.Event(); n = 0\ntry:\n    while n < 500: threading.Thread(target=stop.wait).start(); n += 1\nexcept RuntimeError:\n    pass\nprint(n, flush=True); os._exit(0)")  # fmt: skip
    assert 10 < int(said) <= SMALL.processes


def test_a_fork_bomb_leaves_the_box_usable(small: Box) -> None:
    run(small, "bomb", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass")
    time.sleep(0.3)
    assert small.poll("bomb") in {None, -signal.SIGKILL}
    small.kill("bomb")
    assert small.wait("bomb", SECONDS) == -signal.SIGKILL


def test_memory_of_a_process_is_capped(small: Box) -> None:
    assert "MemoryError" in told(small, "x = bytearray(1500 * 2**20)")


@pytest.mark.parametrize(
    "code",
    ["f = open('big', 'wb')\nfor _ in range(300): f.write(b'x' * 2**20)", "open('big', 'wb').truncate(2**40)", "import os; os.posix_fallocate(os.open('big', 66), 0, 2**33)"],
)  # fmt: skip
def test_a_file_is_capped(small: Box, code: str) -> None:
    said = told(small, code)
    assert "File too large" in said or small.poll("code") == -signal.SIGXFSZ
    assert (small.folder / "big").stat().st_size <= SMALL.file_mb * MIB


def test_output_is_cut(small: Box) -> None:
    run(small, "flood", "while True: print('y' * 4096)")
    assert until(lambda: small.output("flood").endswith("[box] more output was thrown away\n"))
    assert small.poll("flood") is None
    assert MIB <= len(small.output("flood")) <= MIB + 100


def test_processor_time_is_capped(back_end: str, place: Path) -> None:
    with box_of(back_end, place / "box", Limits(cpu_seconds=1)) as box:
        run(box, "busy", "while True: pass")
        assert box.wait("busy", SECONDS) in {-signal.SIGXCPU, -signal.SIGKILL}


def test_the_time_of_a_box_is_capped(back_end: str, place: Path) -> None:
    mark = f"mark-{secrets.token_hex(8)}"
    with box_of(back_end, place / "box", Limits(wall_seconds=1)) as box:
        run(box, "slow", f"import time; '{mark}'; time.sleep(60)")
        assert alive(mark)
        with pytest.raises(BoxError, match="its 1 seconds are over"):
            box.wait("slow", SECONDS)
        with pytest.raises(BoxError, match="its 1 seconds are over"):
            box.output("slow")
        assert gone(mark)


def test_nothing_is_left_in_memory_folders(small: Box) -> None:
    code = "import os\nfor folder in ('/tmp', '/dev/shm'):\n    try:\n        for n in range(200): open(f'{folder}/{n}', 'wb').write(b'x' * 2**20)\n    except OSError: print('full')\n    else: print('endless')"
    assert told(small, code) == "full\nfull"


DAEMON = """
import os, sys, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setpgid(0, 0)
            os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; '{mark}'; time.sleep(300)"])
        os._exit(0)
time.sleep(0.3)
"""


def test_daemons_end_with_the_box(back_end: str, place: Path) -> None:
    mark = f"mark-{secrets.token_hex(8)}"
    with box_of(back_end, place / "box") as box:
        assert told(box, DAEMON.format(mark=mark)) == ""
        assert until(lambda: len(alive(mark)) == 5)
    assert gone(mark, 0)


def test_a_fork_bomb_ends_with_the_box(back_end: str, place: Path) -> None:
    mark = f"mark-{secrets.token_hex(8)}"
    with box_of(back_end, place / "box", SMALL) as box:
        run(box, "bomb", f"import os; '{mark}'\nwhile True:\n    try: os.fork(); os.setsid()\n    except OSError: pass")
        time.sleep(0.3)
    assert gone(mark, 0)


HARNESS = """
import os, sys, time
from pathlib import Path
from graders.execution.sandbox import BACK_ENDS
from tests.sandbox_host import box_of, run
with box_of(sys.argv[1], Path(sys.argv[2])) as box:
    run(box, "daemons", sys.argv[3])
    box.wait("daemons", 30)
    print("ready", flush=True)
    time.sleep(300)
"""


def test_everything_ends_with_the_harness(back_end: str, place: Path) -> None:
    mark = f"mark-{secrets.token_hex(8)}"
    harness = subprocess.Popen(
        [sys.executable, "-c", HARNESS, back_end, str(place / "box"), DAEMON.format(mark=mark)], stdout=subprocess.PIPE
    )
    assert harness.stdout is not None
    with harness.stdout:
        assert harness.stdout.readline() == b"ready\n"
    assert until(lambda: len(alive(mark)) >= 5)
    harness.send_signal(signal.SIGKILL)
    harness.wait()
    assert gone(mark)
    assert gone(str(place / "box"))


def test_a_dead_steward_ends_the_box(back_end: str, place: Path) -> None:
    mark = f"mark-{secrets.token_hex(8)}"
    box = box_of(back_end, place / "box")
    with box:
        run(box, "slow", f"import time; '{mark}'; time.sleep(300)")
        (pid,) = alive(mark)
        steward = int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        os.kill(steward, signal.SIGKILL)
        with pytest.raises(BoxError, match="the box ended"):
            box.poll("slow")
        with pytest.raises(BoxError, match="the box ended"):
            box.start("more", ["/bin/true"])
        assert back_end == "landlock" or gone(mark)
    for pid in alive(mark):
        os.kill(pid, signal.SIGKILL)


def test_a_process_is_killed_with_its_group(small: Box) -> None:
    run(small, "parent", "import os, time\nif os.fork(): print('ready', flush=True)\ntime.sleep(60)")
    while "ready" not in small.output("parent"):
        assert small.poll("parent") is None
    small.kill("parent", signal.SIGTERM)
    assert small.wait("parent", SECONDS) == -signal.SIGTERM
    run(small, "parent", "print('a name can be used again')")
    assert small.wait("parent", SECONDS) == 0
    assert small.output("parent") == "a name can be used again\n"


def test_files_are_read_without_following_what_the_code_put_there(small: Box, place: Path) -> None:
    (place / "outside").write_text("secret", encoding="utf-8")
    told(
        small,
        f"import os\nopen('plain', 'w').write('x' * 100)\nos.symlink('{place}/outside', 'link')\nos.mkfifo('pipe')\nos.mkdir('folder')\nos.symlink('..', 'up')",
    )
    assert small.read("plain", 10) == b"x" * 10
    for path in ("link", "pipe", "folder", "up/outside", "../outside", "absent", "plain/x"):
        with pytest.raises(BoxError, match=path):
            small.read(path)


def test_a_log_is_not_written_through_a_link(small: Box, place: Path) -> None:
    (place / "outside").write_text("kept", encoding="utf-8")
    (place / "outside").chmod(0o666)
    told(
        small,
        f"import os; os.symlink('{place}/outside', 'second.log'); print('said', flush=True); os.unlink('code.log'); os.symlink('{place}/outside', 'code.log')",
    )
    run(small, "second", "print('more')")
    assert small.wait("second", SECONDS) == 0
    assert (small.output("code"), small.output("second")) == ("said\n", "more\n")
    assert (place / "outside").read_text(encoding="utf-8") == "kept"


def test_what_cannot_be_started_is_told(small: Box) -> None:
    with pytest.raises(BoxError, match="No such file"):
        small.start("none", ["/no/such/program"])
    with pytest.raises(BoxError, match="NUL"):
        small.start("nul", ["/bin/true", "a\0b"])
    for name in ("", "../x", ".hidden"):
        with pytest.raises(BoxError, match="cannot name"):
            small.start(name, ["/bin/true"])
    small.start("fine", ["/bin/sleep", "60"])
    with pytest.raises(BoxError, match="running already"):
        small.start("fine", ["/bin/true"])
    with pytest.raises(BoxError):
        small.poll("nobody")


def test_many_connections_through_a_forward(back_end: str, place: Path) -> None:
    """More at once than a server's queue holds, with data in both directions; then a server that goes away."""
    server = "import socket, threading\ns = socket.socket(socket.AF_UNIX); s.bind('echo.sock'); s.listen(5); print('up', flush=True)\ndef serve(c):\n    while data := c.recv(65536): c.sendall(data)\n    c.close()\nwhile True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()"
    client = "import socket, threading, os\ndone = []\ndef ask():\n    c = socket.create_connection(('127.0.0.1', 7000), timeout=20); data = os.urandom(300_000)\n    threading.Thread(target=lambda: (c.sendall(data), c.shutdown(1))).start()\n    got = b''\n    while piece := c.recv(65536): got += piece\n    done.append(got == data)\nthreads = [threading.Thread(target=ask) for _ in range(40)]\n[t.start() for t in threads]; [t.join() for t in threads]\nprint(len(done), all(done))"
    with box_of(back_end, place / "box") as box:
        run(box, "server", server)
        while "up" not in box.output("server"):
            assert box.poll("server") is None
        box.forward(7000, "echo.sock")
        run(box, "client", client)
        assert box.wait("client", SECONDS) == 0
        assert box.output("client") == "40 True\n"
        box.kill("server")
        run(
            box,
            "late",
            "import socket\ntry:\n    c = socket.create_connection(('127.0.0.1', 7000)); print(c.recv(1))\nexcept ConnectionError: print('broken')",
        )
        assert box.wait("late", SECONDS) == 0
        assert box.output("late") in {"broken\n", "b''\n"}


def test_paths_are_spelled_as_the_processes_see_them(back_end: str, place: Path) -> None:
    mounts = runtimes.bare_python()[1]
    (place / "box").mkdir()
    (place / "box/here").write_text("x", encoding="utf-8")
    with BACK_ENDS[back_end](place / "box", mounts, Limits()) as box:
        box.start("cat", ["/bin/cat", "/box/here", "--", box.inside("/box/here")])
        box.start("env", ["/usr/bin/env"], {"PLACE": "/box/here:/boxer/x:/home/box", "EMPTY": ""})
        assert (box.wait("cat", SECONDS), box.wait("env", SECONDS)) == (0, 0)
        assert box.output("cat") == "xx"
        said = dict(line.split("=", 1) for line in box.output("env").splitlines())
        assert said["PLACE"] == f"{box.inside('/box')}/here:/boxer/x:/home/box"
        assert said["EMPTY"] == ""
