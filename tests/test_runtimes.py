"""The runtimes of answers hold what the contracts allow, run in every kind of box, and are found or missed with a reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.execution import prepare, runtimes
from graders.execution.box import Box, BoxError, Limits
from graders.execution.sandbox import BACK_ENDS, level, trouble
from graders.execution.scratch import scratch
from tests.sandbox_host import needs, needs_runtimes

SECONDS = 60.0
SERVER = """
const express = require("express"), jwt = require("jsonwebtoken"), crypt = require("bcryptjs");
require("helmet"); require("express-rate-limit");
const app = express();
app.get("/", async (_, answer) => answer.json({ok: jwt.verify(jwt.sign({a: 1}, "k".repeat(32)), "k".repeat(32)).a, hash: await crypt.hash("x", 4)}));
const server = app.listen(3000, async () => {
  const {SignJWT} = require("jose");
  const token = await new SignJWT({}).setProtectedHeader({alg: "HS256"}).sign(Buffer.alloc(32));
  const answer = await (await fetch("http://127.0.0.1:3000/")).json();
  console.log(answer.ok, answer.hash.length, token.split(".").length, process.version.split(".")[0], process.memoryUsage().rss > 0);
  server.close();
});
"""
APP = """
import asyncio, fastapi, httpx, jwt, pydantic, psycopg, psycopg_pool, asyncpg, sqlalchemy.ext.asyncio, uvicorn
app = fastapi.FastAPI()
@app.post("/pay")
def pay(amount: int = fastapi.Body(embed=True)) -> dict: return {"amount": amount}
async def main():
    server = uvicorn.Server(uvicorn.Config(app, port=8000, log_level="error"))
    task = asyncio.create_task(server.serve())
    while not server.started: await asyncio.sleep(0.01)
    async with httpx.AsyncClient() as client:
        print((await client.post("http://127.0.0.1:8000/pay", json={"amount": 5})).json())
    server.should_exit = True
    await task
asyncio.run(main())
"""


@pytest.fixture(params=BACK_ENDS)
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    needs(request.param)
    needs_runtimes("python", "node")
    mounts = [*runtimes.python().mounts, *runtimes.node().mounts]
    with scratch() as place, BACK_ENDS[request.param](place, mounts, Limits()) as opened:
        yield opened


def said(box: Box, runtime: runtimes.Runtime, *argv: str) -> str:
    box.start("program", [runtime.program, *argv], runtime.env)
    code = box.wait("program", SECONDS)
    assert code == 0, box.output("program")
    return box.output("program").strip()


def test_an_express_service_runs(box: Box) -> None:
    (box.folder / "server.js").write_text(SERVER, encoding="utf-8")
    assert said(box, runtimes.node(), "server.js") == "1 60 3 v20 true"


def test_modules_find_the_packages_by_a_link(box: Box) -> None:
    (box.folder / "node_modules").symlink_to(box.inside("/runtimes/node/node_modules"))
    (box.folder / "a.mjs").write_text("import express from 'express'; console.log(typeof express);", encoding="utf-8")
    assert said(box, runtimes.node(), "a.mjs") == "function"


def test_a_fastapi_service_runs(box: Box) -> None:
    (box.folder / "app.py").write_text(APP, encoding="utf-8")
    assert said(box, runtimes.python(), "app.py") == "{'amount': 5}"


def test_python_has_the_locked_packages_and_no_others(box: Box) -> None:
    listed = said(box, runtimes.python(), "-c", "import importlib.metadata as m; print(*(f'{d.name}=={d.version}'.lower() for d in m.distributions()))")  # fmt: skip
    lock = (runtimes.PACKAGES / "python.lock").read_text(encoding="utf-8")
    locked = sorted(found[0] for found in re.finditer(r"^\S+==[^ ;]+(?=(?! ; sys_platform == 'win32'))", lock, re.MULTILINE) if "tzdata" not in found[0])  # fmt: skip
    assert sorted(listed.replace("_", "-").split()) == locked


def test_python_is_found_without_its_environment(box: Box) -> None:
    box.start("bare", [runtimes.python().program, "-c", "import ssl, sys; print(sys.prefix)"])
    assert box.wait("bare", SECONDS) == 0
    assert box.output("bare").strip() == box.inside("/runtimes/python")


def test_no_lock_names_a_registry() -> None:
    locks = [path for path in runtimes.PACKAGES.rglob("*") if path.is_file()]
    assert len(locks) >= 6
    for path in locks:
        text = path.read_text(encoding="utf-8")
        assert '"resolved"' not in text, path
        if path.suffix == ".lock":
            assert "://" not in text
            assert all("--hash=sha256:" in entry for entry in text.split("\n\n") if "==" in entry.splitlines()[0])


def test_a_missing_runtime_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALS_RUNTIMES", str(tmp_path))
    for name in runtimes.SOURCES:
        with pytest.raises(BoxError, match=f"the {name} runtime is not there; `make runtimes` makes it"):
            getattr(runtimes, name)()


def test_a_runtime_of_other_versions_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALS_RUNTIMES", str(tmp_path))
    (tmp_path / "node").mkdir()
    (tmp_path / "node/made.json").write_text(json.dumps({"from": "older"}), encoding="utf-8")
    with pytest.raises(BoxError, match="of other versions"):
        runtimes.node()
    (tmp_path / "node/made.json").write_text(json.dumps({"from": runtimes.digest("node")}), encoding="utf-8")
    assert runtimes.node().folder == tmp_path / "node"


def test_where_runtimes_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVALS_RUNTIMES", raising=False)
    monkeypatch.chdir(tmp_path)
    assert runtimes.home() == Path(runtimes.__file__).parents[2] / ".runtimes"
    (tmp_path / ".runtimes").mkdir()
    assert runtimes.home() == tmp_path / ".runtimes"


def test_what_cannot_be_made_leaves_nothing_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVALS_RUNTIMES", str(tmp_path / "new"))

    def breaks(target: Path) -> None:
        (target / "part").write_text("x", encoding="utf-8")
        raise BoxError("no network")

    monkeypatch.setattr(prepare, "BUILDERS", {"node": breaks})
    assert prepare.main() == 1
    assert "the node runtime could not be made: no network" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "new").iterdir()] == [".lock"]


def test_what_is_made_is_readable_for_all_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALS_RUNTIMES", str(tmp_path))
    calls = []

    def build(target: Path) -> None:
        calls.append(target)
        (target / "program").write_text("x", encoding="utf-8")
        (target / "program").chmod(0o700)

    monkeypatch.setattr(prepare, "BUILDERS", {"node": build})
    assert (prepare.main(), prepare.main()) == (0, 0)
    assert len(calls) == 1
    assert (tmp_path / "node/program").stat().st_mode & 0o777 == 0o755


def test_a_back_end_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALS_SANDBOX", "moat")
    with pytest.raises(BoxError, match="EVALS_SANDBOX=moat names no back end; there are bubblewrap, landlock"):
        level()
    for name in BACK_ENDS:
        needs(name)
        monkeypatch.setenv("EVALS_SANDBOX", name)
        assert level() == name


def test_without_a_back_end_the_reasons_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVALS_SANDBOX", raising=False)
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setitem(BACK_ENDS, "landlock", refuses)
    trouble.cache_clear()
    try:
        with pytest.raises(
            BoxError,
            match=r"no sandbox .*bubblewrap: bubblewrap is not installed; landlock: too old.*docs/execution.md",
        ):
            level()
    finally:
        trouble.cache_clear()


def refuses(*_: object) -> Box:
    raise BoxError("too old")


def test_an_old_kernel_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("graders.execution.inside.kernel.landlock_abi", lambda: 4)
    with pytest.raises(BoxError, match=r"needs version 6 of Landlock \(Linux 6.12\), this kernel has 4"), BACK_ENDS["landlock"](tmp_path, (), Limits()):  # fmt: skip
        pass
