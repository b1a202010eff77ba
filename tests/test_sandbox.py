"""Boxes keep an answer's code in: every attempt of `data/probes.py`, against each back end that this machine can offer."""

from __future__ import annotations

import importlib.util
import inspect
import os
import socket
import subprocess
from collections.abc import Iterator
from types import ModuleType

import pytest

from graders.execution import runtimes
from graders.execution.box import Box
from graders.execution.sandbox import BACK_ENDS
from graders.execution.scratch import scratch
from tests.sandbox_host import PROBES, Host, box_of, host, needs, probe, user


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("probes", PROBES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HELPERS = {"refused", "call", "checked", "main", "public_ports", "closed_port"}
NAMES = [name for name, value in inspect.getmembers(load(), inspect.isfunction) if value.__module__ == "probes" and name not in HELPERS]  # fmt: skip
LEAK_WITHOUT_BOX = [
    "become_root", "change_outside", "environment", "environment_of_others", "host_files", "host_loopback", "host_processes",
    "inherited_descriptors", "links", "memory_without_owner", "other_roots", "own_filter", "programs_in_the_kernel", "raw_sockets",
    "secret_file", "signal_host", "swapped_address", "swapped_folder", "terminal", "trace", "unix_sockets", "write_outside",
]  # fmt: skip
"""What any user of any machine gets at; the others need root, or depend on how the machine is set up."""


@pytest.fixture(scope="module", params=BACK_ENDS)
def back_end(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    needs(name)
    return name


@pytest.fixture
def outer() -> Iterator[Host]:
    with scratch() as place, host(place) as made:
        yield made


@pytest.fixture(scope="module")
def box(back_end: str) -> Iterator[Box]:
    os.environ["EVALS_SECRET"] = "secret"
    kept = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(kept, True)
    try:
        with scratch() as place, box_of(back_end, place / "box") as opened:
            yield opened
    finally:
        os.close(kept)
        del os.environ["EVALS_SECRET"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_leaks(box: Box, outer: Host, name: str) -> None:
    assert probe(box, name, outer.env) == "held"
    assert outer.untouched()
    assert box.poll(name) == 0


@pytest.mark.parametrize("name", LEAK_WITHOUT_BOX)
def test_each_probe_leaks_without_a_box(outer: Host, name: str) -> None:
    """A probe that could not fail would prove nothing."""
    program, mounts, own = runtimes.bare_python()
    for mount in mounts:
        program = program.replace(mount.target, str(mount.source))
    with scratch() as place:
        work = place / "work"
        work.mkdir()
        work.chmod(0o777)
        script = work / "probes.py"
        script.write_text(PROBES.read_text(encoding="utf-8"), encoding="utf-8")
        kept = os.open("/etc/hostname", os.O_RDONLY)
        done = subprocess.run(
            [program, "-I", "-S", str(script), name], cwd=work, env={**own, **outer.env, "STEWARD": outer.env["VICTIM"], "EVALS_SECRET": "secret"}, user=user(),
            capture_output=True, text=True, check=False, pass_fds=(kept,), timeout=60,
        )  # fmt: skip
        os.close(kept)
    assert done.stdout.startswith("LEAK"), done


def test_a_port_of_the_code_is_not_open_outside(box: Box, outer: Host) -> None:
    program, _, own = runtimes.bare_python()
    box.start("ports", [program, "-I", "-S", "probes.py", "public_ports"], {**own, **outer.env})
    while "listening" not in (said := box.output("ports")):
        assert box.poll("ports") is None, said
    silent = int(said.split()[1])
    for address in (("127.0.0.1", 48151), ("127.0.0.2", 48151), ("127.0.0.2", silent)):
        with socket.socket() as sock:
            assert sock.connect_ex(address) != 0, address
    assert box.wait("ports", 10) == 0


def test_a_port_that_the_code_has_closed_is_not_its_way_out(box: Box, outer: Host) -> None:
    program, _, own = runtimes.bare_python()
    box.start("port", [program, "-I", "-S", "probes.py", "closed_port"], {**own, **outer.env})
    while "closed" not in (said := box.output("port")):
        assert box.poll("port") is None, said
    with socket.create_server(("127.0.0.1", int(said.split()[1]))):
        (box.folder / "closed_port/go").touch()
        assert box.wait("port", 10) == 0
    assert box.output("port").splitlines()[-1] == "held"
