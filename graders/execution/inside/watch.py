"""What everything in a box uses together, and its end: the caps that no `setrlimit` knows."""

from __future__ import annotations

import os
import stat
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

MIB = 1024 * 1024
KILL, STOP = 9, 19
SECONDS = 10.0
"""How long the end of everything may take."""
FLOOR = 1024 * MIB
"""Bytes on the folder's disk that a box leaves free."""
DEEPEST = 64
"""Folders in one another; beyond some thousand no path names them any more."""


class Watch:
    """The processes of a box: all of its namespace, or, without one, all that descend from this one."""

    def __init__(self, caps: Mapping[str, int], work: str, *, namespace: bool) -> None:
        self._caps, self._work, self._namespace = caps, work, namespace
        self._turn = 0
        self._floor = min(FLOOR, _free(work) // 2)
        self.ended: dict[int, int] = {}
        """Children that have ended: process id → exit code, negative for a signal."""

    def exhausted(self) -> bool:
        """Whether the disk of the folder is nearly full: whatever hides there from the caps, the machine has to go on."""
        return _free(self._work) < self._floor

    def breach(self) -> str | None:
        """Which cap is overstepped, if any. To be asked some ten times a second; files are counted at every fifth."""
        self._turn += 1
        tasks = memory = descriptors = 0
        lost: dict[tuple[int, int], int] = {}
        for pid in self.processes():
            state = _state(pid)
            tasks += state.get("Threads", 0)
            memory += state.get("RssAnon", 0) + state.get("RssShmem", 0)
            descriptors += _open_files(pid, lost)
            if self._turn % 5 == 0:
                self._mapped(pid, lost)
        used = (tasks, self._caps["processes"], "processes and threads"), (memory // 1024, self._caps["tree_mb"], "MiB of memory"), (descriptors, self._caps["descriptors"], "open files")  # fmt: skip
        for amount, cap, what in used:
            if amount > cap:
                return f"more than {cap} {what}"
        return self._too_much_stored(sum(lost.values())) if self._turn % 5 == 0 or lost else None

    def processes(self) -> list[int]:
        """Everything that runs, but for this process."""
        own = os.getpid()
        if self._namespace:
            return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != own]
        tree, waiting = [], [own]
        while waiting:
            children = _children(waiting.pop())
            tree += children
            waiting += children
        return tree

    def kill_all(self) -> None:
        """End everything but this process, also what multiplies meanwhile."""
        if self._namespace:
            assert os.getpid() == 1, "only the first process of a namespace may signal everything"
            _signal(-1, KILL)
            return
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            tree = [pid for pid in self.processes() if _state(pid).get("zombie") is None]
            if not tree:
                return
            for number in (STOP, KILL):
                for pid in tree:
                    _signal(pid, number)
            self.reap()
            time.sleep(0.001)

    def reap(self) -> None:
        """Take note of the children that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.ended[pid] = os.waitstatus_to_exitcode(status)

    def _too_much_stored(self, size: int) -> str | None:
        """`size`: bytes that are stored without a name."""
        files, waiting = 0, [(self._work, 0)]
        while waiting:
            folder, depth = waiting.pop()
            entries = _entries(folder)
            if entries is None:
                return "a folder that nobody may look into"
            files += len(entries)
            size += sum(used for used, _ in entries)
            waiting += [(below, depth + 1) for _, below in entries if below]
            if size > self._caps["folder_mb"] * MIB:
                return f"more than {self._caps['folder_mb']} MiB in its folder"
            if files > self._caps["files"] or depth > DEEPEST:
                return f"more than {self._caps['files']} files, or folders too deep"
        if self._namespace and max(map(_files, ("/tmp", "/dev/shm"))) > self._caps["files"]:  # noqa: S108 - the box's own
            return f"more than {self._caps['files']} files in memory"
        return None

    def _mapped(self, pid: int, lost: dict[tuple[int, int], int]) -> None:
        """Files of the folder that have no name any more but are mapped: nobody can tell their size, so it is the largest."""
        for line in _lines(f"/proc/{pid}/maps"):
            if line.endswith(" (deleted)") and f" {self._work}/" in line:
                _, _, _, device, inode, *_ = line.split()
                major, minor = (int(part, 16) for part in device.split(":"))
                lost.setdefault((os.makedev(major, minor), int(inode)), self._caps["file_mb"] * MIB)


def _state(pid: int) -> dict[str, int]:
    """What /proc says: threads, KiB of memory; `zombie` when it has ended."""
    state = {}
    for line in _lines(f"/proc/{pid}/status"):
        name, _, value = line.partition(":")
        if name in {"Threads", "RssAnon", "RssShmem"}:
            state[name] = int(value.split()[0])
        elif name == "State" and value.strip()[:1] in "ZX":
            state["zombie"] = 1
    return state


def _children(pid: int) -> list[int]:
    """Of all threads. A child that ends meanwhile may hide another, so whoever has to be sure asks again."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [
        int(child)
        for thread in threads
        for line in _lines(f"/proc/{pid}/task/{thread}/children")
        for child in line.split()
    ]


def _open_files(pid: int, lost: dict[tuple[int, int], int]) -> int:
    """How many; those without a name are added to `lost` with their bytes."""
    try:
        names = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return 0
    for name in names:
        try:
            found = os.stat(f"/proc/{pid}/fd/{name}")
        except OSError:
            continue
        if found.st_nlink == 0 and stat.S_ISREG(found.st_mode):
            lost[found.st_dev, found.st_ino] = found.st_blocks * 512
    return len(names)


def _entries(folder: str) -> list[tuple[int, str]] | None:
    """Of each entry the bytes on disk, and its path if it is a folder; None when this user's own folder is closed to it."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                used = entry.stat(follow_symlinks=False).st_blocks * 512
                found.append((used, entry.path if entry.is_dir(follow_symlinks=False) else ""))
    except PermissionError:
        return None if os.lstat(folder).st_uid == os.geteuid() else []
    except OSError:
        return found  # it changes meanwhile
    return found


def _files(folder: str) -> int:
    """How many a file system in memory holds."""
    state = os.statvfs(folder)
    return state.f_files - state.f_ffree


def _free(folder: str) -> int:
    """Bytes."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        return
