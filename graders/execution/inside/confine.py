"""Landlock: which files a process without namespaces may touch.

Here: the rules, and putting the calling process behind them. Not here: the filter of system calls (`seccomp`), what the
steward does for its processes (`broker`).
"""

from __future__ import annotations

import ctypes
import os
import stat

from graders.execution.inside import kernel

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL_DEV = 1, 2, 4, 8, 1 << 14, 1 << 15
EVERYTHING = (1 << 16) - 1
DEVICE_FILES = (1 << 6) | (1 << 11)
"""MAKE_CHAR, MAKE_BLOCK."""
READ = EXECUTE | READ_FILE | READ_DIR
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""Rights that mean something for what is no folder."""
SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
    "/etc/hosts", "/etc/nsswitch.conf", "/etc/localtime", "/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/loadavg", "/proc/stat", "/proc/version", "/proc/filesystems",
    "/proc/sys/kernel/random", "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


def ruleset(work: str, readable: list[str]) -> int:
    """The descriptor of a set of rules: all within `work`, reading of the others and of what programs need of the system."""
    handled = (ctypes.c_uint64 * 3)(EVERYTHING, 3, 3)  # files; TCP: bind and connect; abstract sockets and signals
    rules = kernel.syscall(kernel.LANDLOCK_CREATE, ctypes.byref(handled), ctypes.sizeof(handled), 0)
    _allow(rules, work, EVERYTHING & ~DEVICE_FILES)
    for path in (*SYSTEM, *readable):
        _allow(rules, path, READ)
    for path in DEVICES:
        _allow(rules, path, READ_FILE | WRITE_FILE)
    return rules


def enter(rules: int) -> None:
    """Put the calling process behind the rules, for good, and let it read about itself."""
    _allow(rules, f"/proc/{os.getpid()}", READ_FILE | READ_DIR)
    kernel.prctl(kernel.NO_NEW_PRIVILEGES, 1)
    kernel.syscall(kernel.LANDLOCK_RESTRICT, rules, 0)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= OF_FILES
        rule = rights.to_bytes(8, "little") + place.to_bytes(4, "little")
        kernel.syscall(kernel.LANDLOCK_ADD, rules, 1, ctypes.c_char_p(rule), 0)
    finally:
        os.close(place)
