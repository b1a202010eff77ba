"""Attempts to get out of a box. Run as `python probes.py NAME`: says `held`, or `LEAK` and what was got at.

What lies outside is told by the environment: OUTSIDE (a folder that everybody may write to, with `secret`, `stream.sock` and
`datagram.sock` in it), ABSTRACT (a socket's name), PORT (of 127.0.0.1, TCP and UDP), VICTIM (a process of the same user), HARNESS, and without a box STEWARD.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import platform
import resource
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

OUTSIDE = Path(os.environ.get("OUTSIDE", "/nowhere"))
SECRET = OUTSIDE / "secret"
ABSTRACT = "\0" + os.environ.get("ABSTRACT", "nobody")
PORT = int(os.environ.get("PORT", "1"))
VICTIM = int(os.environ.get("VICTIM", "0"))
HARNESS = int(os.environ.get("HARNESS", "0"))
STEWARD = int(os.environ.get("STEWARD", os.getppid()))
INTEL = platform.machine() == "x86_64"
CALLS = {  # name: (x86_64, aarch64)
    "add_key": (248, 217), "bpf": (321, 280), "chroot": (161, 51), "clone3": (435, 435), "fsopen": (430, 430), "io_uring_setup": (425, 425),
    "keyctl": (250, 219), "kcmp": (312, 272), "memfd_create": (319, 279), "mount": (165, 40), "mq_open": (240, 180),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "perf_event_open": (298, 241), "personality": (135, 92),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "pivot_root": (155, 41), "process_vm_readv": (310, 270),
    "ptrace": (101, 117), "setns": (308, 268), "shmget": (29, 194), "umount2": (166, 39), "unshare": (272, 97), "userfaultfd": (323, 282),
    "clone": (56, 220), "seccomp": (317, 277), "msgget": (68, 186), "semget": (64, 190), "fchmodat2": (452, 452),
}  # fmt: skip
libc = ctypes.CDLL(None, use_errno=True)


class Leak(Exception):
    """Something outside was got at."""


def refused(act: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    try:
        got = act(*arguments, **named)
    except OSError:
        return
    raise Leak(f"{getattr(act, '__name__', act)}{arguments} gave {got!r}")


def call(name: str, *arguments: Any) -> int:
    return checked(libc.syscall(ctypes.c_long(CALLS[name][0 if INTEL else 1]), *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)))  # fmt: skip


def checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


# --- what a host knows ---------------------------------------------------------------------------------------------------


def environment() -> None:
    told = {"OUTSIDE", "ABSTRACT", "PORT", "VICTIM", "HARNESS", "PATH", "TMPDIR", "LD_LIBRARY_PATH", "LC_CTYPE"}
    if more := set(os.environ) - told:
        raise Leak(f"variables {more}")


def environment_of_others() -> None:
    for pid in (1, STEWARD, HARNESS, VICTIM):
        for name in ("environ", "mem", "maps", "cwd", "exe"):
            try:
                content = (
                    os.readlink(f"/proc/{pid}/{name}")
                    if name in {"cwd", "exe"}
                    else Path(f"/proc/{pid}/{name}").read_bytes()[:200]
                )
            except OSError:
                continue
            raise Leak(f"/proc/{pid}/{name}: {content!r}")


def secret_file() -> None:
    refused(SECRET.read_bytes)
    refused(os.open, SECRET, os.O_RDONLY)


def home() -> None:
    import pwd

    homes = {Path(entry.pw_dir) for entry in pwd.getpwall() if entry.pw_name != "answer"}
    for folder in {OUTSIDE, Path("/root"), Path("/home"), Path("/var/lib"), Path("/etc/ssh"), *homes}:
        if (len(folder.parts) == 2 and folder.name in {"", "bin", "dev", "proc"}) or str(folder).startswith("/usr"):
            continue
        with contextlib.suppress(OSError):
            if found := sorted(os.listdir(folder)):
                raise Leak(f"{folder}: {found[:5]}")


def host_files() -> None:
    for path in (
        "/etc/shadow",
        "/etc/machine-id",
        "/etc/fstab",
        "/etc/resolv.conf",
        "/var/log/dpkg.log",
        "/proc/kcore",
        "/proc/kmsg",
        "/boot",
    ):
        refused(os.open, path, os.O_RDONLY)


def host_processes() -> None:
    for pid in (HARNESS, VICTIM):
        with contextlib.suppress(OSError):
            if command := Path(f"/proc/{pid}/cmdline").read_bytes():
                raise Leak(f"/proc/{pid}/cmdline: {command!r}")


def inherited_descriptors() -> None:
    with os.scandir("/proc/self/fd") as entries:
        found = {int(entry.name): os.readlink(entry.path) for entry in entries}
    more = {number: name for number, name in found.items() if number > 2 and not name.endswith("/fd")}
    if more or any(not name.startswith(("/dev/null", "pipe:")) for number, name in found.items() if number <= 2):
        raise Leak(f"descriptors {found}")


# --- files ---------------------------------------------------------------------------------------------------------------


def links() -> None:
    os.symlink(SECRET, "out")
    refused(os.open, "out", os.O_RDONLY)
    os.unlink("out")
    refused(os.link, SECRET, "hard")
    refused(os.open, "../../outside/secret", os.O_RDONLY)


def other_roots() -> None:
    for root in ("/proc/self/root", "/proc/self/cwd/../../..", f"/proc/{STEWARD}/root", f"/proc/{HARNESS}/root", f"/proc/{VICTIM}/root", "/proc/1/root", "/proc/1/cwd"):  # fmt: skip
        refused(os.open, root + str(SECRET), os.O_RDONLY)


def write_outside() -> None:
    refused(os.open, OUTSIDE / "new", os.O_WRONLY | os.O_CREAT, 0o600)
    refused(os.open, SECRET, os.O_WRONLY | os.O_APPEND)
    refused(os.truncate, SECRET, 0)
    refused(os.mkdir, OUTSIDE / "folder")
    refused(os.unlink, SECRET)
    refused(os.rename, SECRET, OUTSIDE / "moved")
    Path("mine").write_text("x", encoding="utf-8")
    refused(os.rename, "mine", OUTSIDE / "mine")
    refused(os.mkfifo, OUTSIDE / "pipe")
    refused(os.symlink, "x", OUTSIDE / "link")


def change_outside() -> None:
    refused(os.chmod, SECRET, 0o777)
    refused(call, "fchmodat2", -100, os.fsencode(SECRET), 0o777, 0)
    refused(os.chmod, OUTSIDE, 0o700)
    refused(os.chown, SECRET, os.getuid(), os.getgid())
    refused(os.utime, SECRET, (1, 1))
    refused(os.setxattr, SECRET, "user.x", b"x")


def write_system() -> None:
    for folder in ("/etc", "/usr", "/usr/bin", "/", "/dev", "/proc/sys/kernel", "/sys", "/var/tmp", "/opt"):
        refused(os.open, f"{folder}/probe", os.O_WRONLY | os.O_CREAT, 0o600)
    for path in ("/etc/passwd", "/etc/hosts", "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/usr/bin/env"):
        refused(os.open, path, os.O_WRONLY)


def write_runtimes() -> None:
    program = Path(sys.executable).resolve()
    refused(os.open, program, os.O_RDWR)
    refused(os.open, program.parent / "probe", os.O_WRONLY | os.O_CREAT, 0o600)
    refused(os.chmod, program, 0o777)
    refused(os.utime, program, (1, 1))
    refused(os.unlink, program)
    refused(os.open, os.__file__, os.O_RDWR)
    handle = os.open(program, os.O_RDONLY)
    refused(os.fchmod, handle, 0o777)
    refused(os.open, f"/proc/self/fd/{handle}", os.O_RDWR)


def devices() -> None:
    for kind in (0o020000, 0o060000):
        refused(os.mknod, "device", kind | 0o600, os.makedev(1, 1))
    for name in (
        "mem",
        "kmem",
        "kmsg",
        "vda",
        "sda",
        "nvme0n1",
        "fuse",
        "kvm",
        "loop0",
        "net/tun",
        "mapper/control",
        "userfaultfd",
        "uinput",
        "tty",
        "tty0",
        "console",
    ):
        refused(os.open, f"/dev/{name}", os.O_RDWR)


def handles() -> None:
    refused(call, "open_by_handle_at", -100, b"\0" * 64, 0)


# --- processes -----------------------------------------------------------------------------------------------------------


def signal_host() -> None:
    for pid in (VICTIM, HARNESS):
        refused(os.kill, pid, 0)
    refused(os.kill, VICTIM, signal.SIGKILL)
    refused(os.killpg, VICTIM, signal.SIGKILL)
    refused(lambda: call("pidfd_send_signal", os.pidfd_open(VICTIM), signal.SIGKILL, 0, 0))


def signal_by_owner() -> None:
    """A descriptor's owner is told of its readiness, by a signal."""
    reading, writing = os.pipe()
    with contextlib.suppress(OSError):
        fcntl.fcntl(reading, fcntl.F_SETOWN, VICTIM)
        fcntl.fcntl(reading, 10, signal.SIGKILL)  # F_SETSIG
        fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        os.write(writing, b"x")


def signal_steward() -> None:
    """The harness looks whether the steward still answers."""
    for number in (
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
        signal.SIGUSR1,
        signal.SIGSEGV,
        signal.SIGSTOP,
        signal.SIGKILL,
    ):
        with contextlib.suppress(OSError):
            os.kill(STEWARD, number)
    with contextlib.suppress(OSError):
        os.kill(-1, signal.SIGTERM if STEWARD == 1 else 0)


def limits_of_others() -> None:
    for pid in (STEWARD, VICTIM):
        refused(resource.prlimit, pid, resource.RLIMIT_CPU, (0, 0))
        refused(os.sched_setaffinity, pid, {0})
        refused(os.setpriority, os.PRIO_PROCESS, pid, 19)
        refused(os.sched_setscheduler, pid, os.SCHED_IDLE, os.sched_param(0))


def trace() -> None:
    for pid in (STEWARD, VICTIM):
        for request in (16, 0x4206):  # ATTACH, SEIZE
            refused(call, "ptrace", request, pid, 0, 0)
        local = (ctypes.c_char * 8)()
        vector = struct.pack("PN", ctypes.addressof(local), 8)
        refused(call, "process_vm_readv", pid, vector, 1, struct.pack("PN", 0x400000, 8), 1, 0)
        refused(lambda pid=pid: call("pidfd_getfd", os.pidfd_open(pid), 0, 0))
        refused(os.open, f"/proc/{pid}/mem", os.O_RDWR)
        refused(os.listdir, f"/proc/{pid}/fd")
    refused(call, "ptrace", 0, 0, 0, 0)  # TRACEME


def become_root() -> None:
    refused(os.setuid, 0)
    refused(os.setgroups, [0])
    state = Path("/proc/self/status").read_text(encoding="utf-8")
    for line in state.splitlines():
        name, _, value = line.partition(":")
        if name in {"CapInh", "CapPrm", "CapEff", "CapAmb"} and int(value, 16):
            raise Leak(line)
        if (name == "NoNewPrivs" and value.strip() != "1") or (name == "Seccomp" and value.strip() != "2"):
            raise Leak(line)
    if os.geteuid() == 0:
        raise Leak("root")


def setuid_programs() -> None:
    """A program that would become root by its mode does not."""
    import subprocess

    for program in ("/usr/bin/su", "/usr/bin/mount", "/usr/bin/passwd", "/usr/bin/newgrp"):
        if Path(program).exists():
            subprocess.run([program, "--help"], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    Path("copy").write_bytes(Path("/usr/bin/id").read_bytes())
    with contextlib.suppress(OSError):
        os.chmod("copy", 0o6755)
        said = subprocess.run(["./copy", "-u"], capture_output=True, text=True, check=False).stdout
        if said.strip() == "0":
            raise Leak(said)


def terminal() -> None:
    refused(os.open, "/dev/tty", os.O_RDWR)
    for descriptor in (0, 1, 2):
        if os.isatty(descriptor):
            raise Leak("a terminal")
    descriptors = [0]
    with contextlib.suppress(OSError):
        descriptors += os.openpty()
    for descriptor in descriptors:
        refused(fcntl.ioctl, descriptor, 0x5412, b"x")  # TIOCSTI
    if os.getsid(0) != os.getpid():
        raise Leak("somebody else's session")


# --- the kernel ----------------------------------------------------------------------------------------------------------


def namespaces() -> None:
    for flag in (0x10000000, 0x00020000, 0x40000000, 0x20000000, 0x08000000):  # user, mount, net, pid, ipc
        refused(call, "unshare", flag)
        refused(lambda flag=flag: os._exit(0) if call("clone", flag | signal.SIGCHLD, 0, 0, 0, 0) == 0 else 1)
    refused(call, "clone3", struct.pack("11Q", 0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, 0), 88)
    for name in ("net", "mnt", "user"):
        refused(lambda name=name: call("setns", os.open(f"/proc/self/ns/{name}", os.O_RDONLY), 0))


def mounts() -> None:
    refused(call, "mount", b"none", b"/tmp", b"tmpfs", 0, 0)
    refused(call, "mount", b".", b"/usr", 0, 4096, 0)
    refused(call, "umount2", b"/proc", 2)
    refused(call, "pivot_root", b".", b".")
    refused(call, "chroot", b".")
    refused(call, "fsopen", b"tmpfs", 0)
    refused(call, "open_tree", -100, b"/", 1)


def io_uring() -> None:
    refused(call, "io_uring_setup", 8, bytes(120))


def userfaultfd() -> None:
    for flags in (0, 1):
        refused(call, "userfaultfd", flags)


def keys() -> None:
    refused(call, "keyctl", 0, -3, 0)
    refused(call, "add_key", b"user", b"probe", b"x", 1, -3)


def programs_in_the_kernel() -> None:
    refused(call, "bpf", 0, bytes(128), 128)
    refused(call, "perf_event_open", bytes(128), 0, -1, -1, 0)
    refused(call, "kcmp", os.getpid(), STEWARD, 0, 0, 0)
    refused(call, "personality", 0x0040000)


def own_filter() -> None:
    """A filter of the code's own could answer for the steward."""
    code = struct.pack("HBBI", 6, 0, 0, 0x7FFF0000)
    program = struct.pack("HxxxxxxP", 1, ctypes.addressof(ctypes.create_string_buffer(code)))
    refused(call, "seccomp", 1, 0, program)
    refused(lambda: checked(libc.prctl(22, 2, program, 0, 0)))
    refused(lambda: checked(libc.prctl(4, 0, 0, 0, 0)))


def other_conventions() -> None:
    """Calls by numbers of another kind of machine."""
    if not INTEL:
        return
    refused(lambda: checked(libc.syscall(ctypes.c_long(0x40000000 | 39))))
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
    child = os.fork()
    if child == 0:
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) not in {-signal.SIGSYS, -signal.SIGSEGV}:
        raise Leak("calls of 32 bits")


def memory_without_owner() -> None:
    refused(call, "memfd_create", b"x", 0)
    refused(call, "shmget", 0, 1 << 20, 0o1600)
    refused(call, "msgget", 0, 0o1600)
    refused(call, "semget", 0, 1, 0o1600)
    refused(call, "mq_open", b"probe", os.O_CREAT | os.O_RDWR, 0o600, 0)


# --- the network ---------------------------------------------------------------------------------------------------------


def internet() -> None:
    for family, host in (
        (socket.AF_INET, "192.0.2.1"),
        (socket.AF_INET6, "2001:db8::1"),
        (socket.AF_INET, "169.254.169.254"),
    ):
        with socket.socket(family) as sock:
            sock.settimeout(2)
            try:
                sock.connect((host, 80))
            except TimeoutError:
                raise Leak(f"a packet left for {host}") from None
            except OSError as error:
                if error.errno not in {
                    errno.ENETUNREACH,
                    errno.EPERM,
                    errno.EACCES,
                    errno.EAFNOSUPPORT,
                    errno.EADDRNOTAVAIL,
                }:
                    raise Leak(f"{host}: {error}") from None
            else:
                raise Leak(host)


def host_loopback() -> None:
    for family, host in (
        (socket.AF_INET, "127.0.0.1"),
        (socket.AF_INET, "0.0.0.0"),
        (socket.AF_INET, "127.0.0.2"),
        (socket.AF_INET6, "::ffff:127.0.0.1"),
        (socket.AF_INET6, "::1"),
    ):
        with socket.socket(family) as sock:
            refused(sock.connect, (host, PORT))
        with socket.socket(family) as sock:
            refused(sock.sendto, b"x", 0x20000000, (host, PORT))  # MSG_FASTOPEN
        with socket.socket(family) as sock:
            refused(sock.sendmsg, [b"x"], [], 0x20000000, (host, PORT))
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262) as sock:
        refused(sock.connect, ("127.0.0.1", PORT))


def datagrams() -> None:
    """The harness looks whether anything came."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("127.0.0.1", PORT))
    with contextlib.suppress(OSError):
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with one, other:
            one.sendto(b"x", str(OUTSIDE / "datagram.sock"))
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", str(OUTSIDE / "datagram.sock"))


def names() -> None:
    refused(socket.getaddrinfo, "example.com", 80)


def unix_sockets() -> None:
    os.symlink(OUTSIDE / "stream.sock", "link.sock")
    path = str(OUTSIDE / "stream.sock")
    for address in (path, ABSTRACT, "link.sock", f"/proc/self/root{path}", "../../outside/stream.sock"):
        with socket.socket(socket.AF_UNIX) as sock:
            refused(sock.connect, address)
    with contextlib.suppress(OSError):
        os.chdir(OUTSIDE)
    with socket.socket(socket.AF_UNIX) as sock:
        refused(sock.connect, "stream.sock")
    with socket.socket(socket.AF_UNIX) as sock:
        refused(sock.bind, str(OUTSIDE / "planted.sock"))


def swapped_address() -> None:
    """One thread exchanges the address while another connects."""
    good, bad = struct.pack("!HH4s8x", 0, 9, b"\x7f\0\0\1"), struct.pack("!HH4s8x", 0, PORT, b"\x7f\0\0\1")
    family = socket.AF_INET.to_bytes(2, "little")
    address = ctypes.create_string_buffer(family + good[2:], 16)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for port in (bad, good):
                address.raw = family + port[2:]
                time.sleep(0)

    thread = threading.Thread(target=swap)
    thread.start()
    end = time.monotonic() + 1
    try:
        while time.monotonic() < end:
            with socket.socket() as sock:
                if libc.connect(sock.fileno(), address, 16) == 0:
                    raise Leak("the host's port")
    finally:
        stop.set()
        thread.join()


def swapped_folder() -> None:
    """One thread exchanges a folder for a link while another connects through it."""
    os.mkdir("real")
    os.symlink(OUTSIDE, "lure")
    os.symlink("real", "door")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for target in ("real", "lure"):
                os.symlink(target, "aside")
                os.rename("aside", "door")

    thread = threading.Thread(target=swap)
    thread.start()
    end = time.monotonic() + 1
    try:
        while time.monotonic() < end:
            with socket.socket(socket.AF_UNIX) as sock:
                if sock.connect_ex("door/stream.sock") == 0:
                    raise Leak("the host's socket")
            with contextlib.suppress(OSError):
                os.chmod("door/secret", 0o777)
    finally:
        stop.set()
        thread.join()


def raw_sockets() -> None:
    kinds = [
        (socket.AF_INET, socket.SOCK_RAW, 1),
        (socket.AF_PACKET, socket.SOCK_RAW, 3),
        (socket.AF_INET6, socket.SOCK_RAW, 58),
    ]
    for family, kind, protocol in (
        *kinds,
        (16, socket.SOCK_RAW, 0),
        (40, socket.SOCK_STREAM, 0),
        (38, socket.SOCK_SEQPACKET, 0),
        (socket.AF_INET, socket.SOCK_STREAM, 132),
    ):
        refused(socket.socket, family, kind, protocol)


def public_ports() -> None:
    """The harness looks which of them are open outside."""
    server = socket.create_server(("0.0.0.0", 48151))
    silent = socket.socket()
    silent.listen()
    print("listening", silent.getsockname()[1], flush=True)
    time.sleep(0.5)
    server.close()


def closed_port() -> None:
    """A port that the code has opened and closed, and somebody outside opens then."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    server.close()
    print("closed", port, flush=True)
    while not os.path.exists("go"):
        time.sleep(0.01)
    with socket.socket() as sock:
        refused(sock.connect, ("127.0.0.1", port))


# --- what has to work all the same ---------------------------------------------------------------------------------------


def works() -> None:
    """Loopback over both families, blocking or not; sockets, files, modes, processes and threads in the folder."""
    with socket.create_server(("0.0.0.0", 8000)) as server, socket.create_connection(("127.0.0.1", 8000)) as client:
        far, _ = server.accept()
        with far:
            far.sendall(b"x")
            assert client.recv(1) == b"x"
        with socket.socket() as again:
            try:
                again.bind(("127.0.0.1", 8000))
            except OSError as error:
                assert error.errno == errno.EADDRINUSE, error
            else:
                raise Leak("a port bound twice")
    with socket.create_server(("::", 8001), family=socket.AF_INET6, dualstack_ipv6=True):
        socket.create_connection(("127.0.0.1", 8001)).close()
    with socket.socket() as closed:
        assert closed.connect_ex(("127.0.0.1", 8002)) == errno.ECONNREFUSED
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.setblocking(False)
        assert client.connect_ex(server.getsockname()) in {0, errno.EINPROGRESS}
    os.mkdir("sub")
    for address in ("sub/own.sock", f"{os.getcwd()}/sub/full.sock"):
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
            server.bind(address)
            server.listen()
            os.chmod(address, 0o600)
            client.connect(address)
    Path("sub/file").write_text("x", encoding="utf-8")
    os.chmod("sub/file", 0o640)
    with open("sub/file", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
    assert Path("sub/file").stat().st_mode & 0o777 == 0o600
    os.rename("sub/file", "sub/other")
    thread = threading.Thread(target=time.sleep, args=(0,))
    thread.start()
    thread.join()
    assert os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)[1] == 0
    assert len(os.urandom(8)) == 8
    assert socket.gethostbyname("localhost") == "127.0.0.1"


def main(name: str) -> None:
    with contextlib.suppress(OSError):
        os.mkdir(name)
        os.chdir(name)
    try:
        globals()[name]()
    except Leak as leak:
        print("LEAK", leak)
    else:
        print("held")


if __name__ == "__main__":
    main(sys.argv[1])
