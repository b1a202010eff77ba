"""The anthropic package's own tests of messages, batches and models, run against our fake API.

The fake that our tests trust is held here against what its client's authors expect. Of version 2.12.0 all 236 tests of the
three files pass, none is left out: 205 ask the server, 25 look at what the client refuses to send, and the 6 that read
results of batches have their replies from the SDK's own double. Not run: the beta resources, which the project does not
use, and the tests of the client's inside, which need no server. Three things exist for these tests alone: a batch by the
name of `message_batch_id` that outlives its deletion, a model `model_id`, and empty pages after unknown cursors.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from tests.fake_api.server import ApiServer
from tests.third_party.prepare import HERE, folder

FILES = ("test_messages.py", "messages/test_batches.py", "test_models.py")
PASSED = 236
OPTIONS = ("-q", "-o", "addopts=", "-p", "tests._alias_httpx", "-p", "no:evals", "-p", "no:cacheprovider", "-rfEsx")


def test_the_suite_is_that_of_the_installed_version() -> None:
    pinned = (HERE / "sdk.lock").read_text(encoding="utf-8")
    assert f"anthropic=={version('anthropic')} " in pinned, "renew sdk.lock and sdk_suite.lock, and the counts above"


def test_the_sdks_own_tests_pass_against_the_fake(tmp_path: Path) -> None:
    suite = folder("sdk-suite")
    with ApiServer(lambda _: "Hello!") as server:
        server.batches.make([{"custom_id": "my-custom-id-1", "params": {}}], "message_batch_id")
        server.batches.pinned.add("message_batch_id")
        server.models.append("model_id")
        env = {**os.environ, "TEST_API_BASE_URL": server.url, "PYTHONPATH": str(suite / "site")}
        env |= {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *OPTIONS, *(f"tests/api_resources/{name}" for name in FILES)],
            cwd=suite,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert re.search(rf"^{PASSED} passed in ", done.stdout, re.MULTILINE), "none failed, none was skipped"
    each = {"create", "retrieve", "list", "delete", "cancel", "count"}
    calls = Counter(server.calls)
    assert {step: calls[step] for step in each} == dict.fromkeys(each, 20)
    assert (calls["messages"], calls["models"]) == (140, 40)
    assert server.refused == [], "what the SDK sends is sound by its own types"


def test_no_registry_is_named_in_the_pins() -> None:
    locks = [path for path in HERE.rglob("*") if path.suffix in (".lock", ".in") or path.name == "package-lock.json"]
    assert len(locks) == 7
    for path in locks:
        assert "://" not in path.read_text(encoding="utf-8"), path.name
