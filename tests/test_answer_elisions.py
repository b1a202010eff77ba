"""Code that leaves code out, and code that only looks so."""

from __future__ import annotations

import pytest

from graders.answer import read_answer
from graders.answer_elisions import leaves_out


def elided(label: str, code: str) -> bool:
    (block,) = read_answer(f"```{label}\n{code}\n```\n").blocks
    return block.elided


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("python", "def f():\n    # ... rest unchanged\n    return 1"),
        ("python", "def f():\n    # rest of the code\n    return 1"),
        ("python", "def f():\n    g()\n    ..."),
        ("python", "import os\n...\nx = 1"),
        ("python", "def f():\n    ..."),
        ("python", "with lock:\n    ..."),
        ("python", "def f():\n    pass  # TODO"),
        ("python", "def f():\n    pass # implement this"),
        ("python", "def f(:\n    ...\n    x"),
        ("python", "class A:\n    # existing methods\n    def f(self):\n        return 1"),
        ("python", "# (imports omitted for brevity)\nx = 1"),
        ("python", "# your existing code here\nx = 1"),
        ("python", "# TODO: implement\nx = 1"),
        ("python", "# …\nx = 1"),
        ("js", "// existing code\nf();"),
        ("js", "// ... existing routes ...\nf();"),
        ("js", "/* ... */\nf();"),
        ("js", "app.get('/', (req, res) => { ... });"),
        ("js", "const a = {\n  ...\n};"),
        ("js", "f();\n...\ng();"),
        ("js", "// (same as before)\nf();"),
        ("js", "// other routes remain the same\nf();"),
        ("jsx", "return <div>{/* ... */}</div>;"),
        ("ts", "// rest of the file stays the same\nf();"),
        ("sql", "CREATE TABLE t (\n  id bigint,\n  ...\n);"),
        ("sql", "-- ... other columns\nSELECT 1;"),
        ("sql", "CREATE TABLE t (...);"),
        ("yaml", "services:\n  db:\n    ...\n  web:\n    image: x"),
        ("bash", "# ...\nls"),
        ("json", '{"a": 1, ...}'),
    ],
)
def test_a_gap_is_seen(label: str, code: str) -> None:
    assert elided(label, code)


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("python", "class P(Protocol):\n    def f(self) -> int: ..."),
        ("python", "class P(Protocol[T]):\n    def f(self) -> int:\n        ...\n    def g(self) -> int: ..."),
        ("python", "class P(ABC):\n    @abstractmethod\n    def f(self) -> int: ..."),
        (
            "python",
            "@overload\ndef f(x: int) -> int: ...\n@typing.overload\ndef f(x: str) -> str: ...\ndef f(x): return x",
        ),
        ("python", "class PaymentError(Exception): ..."),
        ("python", "def f(order: Order) -> tuple[int, ...]:\n    return g(order)"),
        ("python", "class M(BaseModel):\n    name: str = Field(..., min_length=1)"),
        ("python", "try:\n    f()\nexcept KeyError:\n    ..."),
        ("python", "# wait for the lock...\nlock()"),
        ("python", "# it is held by another worker...\n# ... so try again\nlock()"),
        ("python", "# the rest of the amount is refunded\nrefund()"),
        ("python", "# existing rows are checked in section 7\ncheck()"),
        ("python", "# The original handler trusted the body\ncheck()"),
        ("python", "# TODO: tune the pool size\nx = 1"),
        ("python", 'log("loading ...")'),
        ("python", 'def f():\n    """Load ...\n\n    ...\n    """\n    return 1'),
        ("python", "pass"),
        ("js", "const a = { ...b, c };\nf(...args);"),
        ("js", "function f(...args) { return [...args]; }"),
        ("js", "log('(...)'); log(`{ ... }`);"),
        ("js", "// unchanged rows are skipped by the upsert\nf();"),
        ("js", "// Other errors are bugs\nf();"),
        ("js", "// same key, same body: answer again\nf();"),
        ("sql", "-- old rows are checked in section 7\nSELECT '...';"),
        ("sql", "-- Everything above is complete if you stop here\nSELECT 1;"),
        ("yaml", "a: 1\n..."),
        ("text", "loading\n...\ndone"),
        ("", "loading\n...\ndone"),
        ("diff", "@@ -1 +1 @@\n ...\n-a\n+b"),
    ],
)
def test_whole_code_is_not_taken_for_a_gap(label: str, code: str) -> None:
    assert not elided(label, code)


def test_a_stub_file_is_whole() -> None:
    assert not leaves_out("def f() -> int: ...", "python", "app.pyi")
    assert leaves_out("def f() -> int: ...", "python", "app.py")
