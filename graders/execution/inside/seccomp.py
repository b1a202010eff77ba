"""The filter of system calls: what a box's processes may ask of the kernel, as a program of the classic packet filter.

Here: the rules and their assembly. Not here: who installs the program (bubblewrap, or `confine`). Written by hand since
the usual binding has had no release since 2021 and needs a C library that a machine may lack.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

from graders.execution.inside.syscalls import LAST, MACHINES, NUMBERS

EPERM, EAFNOSUPPORT, ENOSYS = 1, 97, 38
ALLOW, KILL, NOTIFY = 0x7FFF0000, 0x80000000, 0x7FC00000
LOAD, AND, JUMP_EQUAL, JUMP_ABOVE, JUMP_ANY, RETURN = 0x20, 0x54, 0x15, 0x25, 0x45, 0x06
NUMBER, ARCH, ARGUMENTS = 0, 4, 16
"""Offsets in the kernel's `struct seccomp_data`."""

NEVER = (
    # other processes, and their memory
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease", "kcmp", "pidfd_getfd", "move_pages",
    "migrate_pages", "sched_setattr", "sched_setparam", "sched_setscheduler", "ioprio_set",
    # mounts, roots, namespaces, handles
    "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
    "unshare", "setns", "name_to_handle_at", "open_by_handle_at", "quotactl", "quotactl_fd", "swapon", "swapoff", "sysfs", "uselib",
    # parts of the kernel with a long record of holes, or that act past this filter
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "keyctl", "add_key", "request_key",
    "fanotify_init", "lookup_dcookie", "modify_ldt", "seccomp", "nfsservctl", "vhangup",
    # memory that belongs to no process, so that no cap counts it
    "memfd_create", "memfd_secret", "mq_open", "msgget", "semget",
    # the machine itself
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "iopl", "ioperm", "syslog", "acct",
    "sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
)  # fmt: skip
SYSTEM_V = ("shmat", "shmctl")
NEW_NAMESPACE = 0x7E020000
"""`CLONE_NEW…` flags of clone."""
TERMINAL = (0x5412, 0x541C, 0x5423)
"""ioctl: TIOCSTI, TIOCLINUX, TIOCSETD."""
ATTRIBUTES = (0x40086602, 0x401C5820)
"""ioctl: FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR."""
UNIX, INET, INET6 = 1, 2, 10
STREAM, DATAGRAM, SEQPACKET = 1, 2, 5
FAST_OPEN = 0x20000000
OWNERSHIP = (
    "chown", "lchown", "fchown", "fchownat", "utime", "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr", "fsetxattr",
    "removexattr", "lremovexattr", "fremovexattr",
)  # fmt: skip
"""Landlock lets everybody do these to any file that belongs to the user."""
BROKERED = ("connect", "bind", "listen", "chmod", "fchmod", "fchmodat", "fchmodat2")
"""Without namespaces the steward does these for the processes, within bounds (see `broker`)."""

Instruction = tuple[int, int, int, int]


def program(*, brokered: bool, system_v: bool) -> bytes:
    """The filter for this machine. Raises KeyError on a machine that it does not know.

    `brokered`: for boxes without namespaces; `system_v`: with the shared memory that PostgreSQL needs.
    """
    column, arch = MACHINES[os.uname().machine]
    code: list[Instruction] = [
        (LOAD, 0, 0, ARCH), (JUMP_EQUAL, 1, 0, arch), _ends(KILL), (LOAD, 0, 0, NUMBER),
        (JUMP_ABOVE, 0, 1, LAST), _refuse(ENOSYS),  # also the x32 calls, whose numbers begin at 2**30
    ]  # fmt: skip
    for name, body in _rules(brokered=brokered, system_v=system_v).items():
        number = NUMBERS[name][column]
        if number >= 0:
            code += [(JUMP_EQUAL, 0, len(body), number), *body]
    code.append(_ends(ALLOW))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)


def _rules(*, brokered: bool, system_v: bool) -> dict[str, list[Instruction]]:
    """Name of a call → what decides it; each body ends in a return."""
    allow, refuse = _ends(ALLOW), _refuse(EPERM)
    types = (STREAM,) if brokered else (STREAM, DATAGRAM, SEQPACKET)
    pairs = (STREAM, SEQPACKET) if brokered else types
    protocols = (0, 6) if brokered else (0, 6, 17)
    rules = {name: [refuse] for name in NEVER}
    rules |= {name: [allow if system_v else refuse] for name in SYSTEM_V}
    rules |= {
        "clone3": [_refuse(ENOSYS)],  # its flags lie in memory, out of a filter's sight; callers fall back to clone
        "clone": [*_refused_with_any(0, NEW_NAMESPACE), allow],
        "personality": [*_only(0, (0, 0xFFFFFFFF), EPERM), allow],
        # PR_SET_SECCOMP; PR_SET_DUMPABLE to nothing, which would hide a process's files from the steward
        "prctl": [*_never(0, (22,)), (JUMP_EQUAL, 0, 3, 4), (LOAD, 0, 0, _low(1)), (JUMP_EQUAL, 0, 1, 0), refuse, allow],
        "prlimit64": [*_only(0, (0,), EPERM), allow],
        "sched_setaffinity": [*_only(0, (0,), EPERM), allow],
        "setpriority": [*_only(1, (0,), EPERM), allow],
        "shmget": [*_only_up_to(1, 4096), allow] if system_v else [refuse],
        "ioctl": [*_never(1, (*TERMINAL, *ATTRIBUTES)), allow],
        "socket": [*_only(0, (UNIX, INET, INET6), EAFNOSUPPORT), *_only(1, types, EPERM, mask=0xF), *_only(2, protocols, EPERM), allow],
        "socketpair": [*_only(0, (UNIX,), EAFNOSUPPORT), *_only(1, pairs, EPERM, mask=0xF), allow],
    }  # fmt: skip
    if brokered:
        rules |= {name: [refuse] for name in OWNERSHIP} | {name: [_ends(NOTIFY)] for name in BROKERED}
        # these connect as well, when asked to
        rules |= {name: [*_refused_with_any(at, FAST_OPEN), allow] for name, at in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3))}  # fmt: skip
    return rules


def _ends(action: int) -> Instruction:
    return (RETURN, 0, 0, action)


def _refuse(errno: int) -> Instruction:
    return (RETURN, 0, 0, 0x00050000 | errno)


def _low(argument: int) -> int:
    """Where the lower half of an argument lies (both machines are little-endian)."""
    return ARGUMENTS + 8 * argument


def _only(argument: int, values: Sequence[int], errno: int, mask: int = 0xFFFFFFFF) -> list[Instruction]:
    """Refuse unless the argument is one of the values."""
    tests = [(JUMP_EQUAL, len(values) - place, 0, value) for place, value in enumerate(values)]
    return [(LOAD, 0, 0, _low(argument)), (AND, 0, 0, mask), *tests, _refuse(errno)]


def _never(argument: int, values: Sequence[int]) -> list[Instruction]:
    """Refuse when the argument is one of the values."""
    tests = [step for value in values for step in ((JUMP_EQUAL, 0, 1, value), _refuse(EPERM))]
    return [(LOAD, 0, 0, _low(argument)), *tests]


def _only_up_to(argument: int, most: int) -> list[Instruction]:
    """Refuse when the argument, as a number of 64 bits, is larger."""
    return [
        (LOAD, 0, 0, _low(argument) + 4), (JUMP_EQUAL, 1, 0, 0), _refuse(EPERM),
        (LOAD, 0, 0, _low(argument)), (JUMP_ABOVE, 0, 1, most), _refuse(EPERM),
    ]  # fmt: skip


def _refused_with_any(argument: int, bits: int) -> list[Instruction]:
    """Refuse when the argument has one of the bits."""
    return [(LOAD, 0, 0, _low(argument)), (JUMP_ANY, 0, 1, bits), _refuse(EPERM)]
