"""Tests of the house itself: layers, owners of heavy packages, light start, size of modules, documented verbs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted([*ROOT.glob("graders/**/*.py"), *ROOT.glob("evals/**/*.py")])

OWNERS = {
    "argcomplete": {"evals/completion.py"},
    "anthropic": {f"evals/providers/{name}.py" for name in ("endpoints", "live", "live_faults", "wire", "batch_api")},
    "boto3": {"evals/providers/endpoints.py"},
    "botocore": {"evals/providers/endpoints.py"},
    "google": {"evals/providers/endpoints.py"},
    "diskcache": {"evals/providers/cached.py", "evals/providers/cache_check.py"},
    "distributed": {"evals/dask_workers.py"},
    "jsonschema": {"evals/schema.py", "graders/json_shape.py"},
    "re2": {"graders/pattern.py"},
    "jsonschema_rs": {"evals/schema.py", "graders/json_shape.py"},
    "referencing": {"evals/schema.py", "graders/json_shape.py"},
    "yaml": {"evals/yaml_file.py", "evals/agent_file.py"},
    "scipy": {"evals/statistics/intervals.py", "evals/statistics/family.py", "evals/statistics/looks.py"},
    "numpy": {f"evals/statistics/{name}.py" for name in ("arrangements", "differences", "family", "looks")}
    | {"graders/judge/rates.py"},
    "jinja2": {"evals/report/page.py"},
    "markupsafe": {"evals/report/page.py"},
    "tabulate": {"evals/report/tables.py"},
    "psycopg": {
        "graders/execution/postgres.py",
        "graders/execution/payment/database.py",
        "graders/execution/migration/session.py",
    },
    "markdown_it": {"graders/answer_fences.py"},
    "datasets": {"evals/data/parquet.py", "evals/data/source.py"},
    "huggingface_hub": {"evals/data/hub.py"},
    "pandas": {"evals/data/frame.py", "evals/__init__.py"},
    "opentelemetry": {"evals/export/otel.py"},
    "mlflow": {"evals/export/mlflow.py"},
    "wandb": {"evals/export/wandb.py"},
    "ast_grep_py": {"graders/rules/source.py", "graders/answer_languages.py"},
}


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Each imported module, and whether it is imported when the module is loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for name in names:
            yield name, id(node) in top


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_ground_floor_never_looks_up() -> None:
    lookups = [
        name_of(path)
        for path in MODULES
        if name_of(path).startswith("graders/")
        for name, _ in imports(path)
        if name.split(".")[0] == "evals"
    ]
    assert lookups == []


def test_each_heavy_package_has_its_owner() -> None:
    strangers = {
        (name.split(".")[0], name_of(path))
        for path in MODULES
        for name, _ in imports(path)
        if name.split(".")[0] in OWNERS
        and name_of(path) not in OWNERS[name.split(".")[0]]
        and not in_type_checking(path, name)
    }
    assert strangers == set()


def in_type_checking(path: Path, name: str) -> bool:
    """Whether all imports of a name stand under `if TYPE_CHECKING`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == name]
    return bool(nodes) and all(id(node) in guarded for node in nodes)


def test_no_module_imports_in_a_circle() -> None:
    graph = {
        module(path): {name for name, top in imports(path) if top and name.split(".")[0] in ("evals", "graders")}
        for path in MODULES
    }
    seen: dict[str, int] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name in seen:
            return
        for other in graph.get(name, ()):
            if other != name:
                visit(other, (*trail, name))
        seen[name] = 1

    for name in graph:
        visit(name, ())


def module(path: Path) -> str:
    return name_of(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_each_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def loaded(*argv: str) -> set[str]:
    """Third-party packages that a command loads."""
    code = (
        "import sys, json, io, contextlib\nfrom evals.cli import main\nout = io.StringIO()\n"
        "with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):\n"
        "    try:\n        main(sys.argv[1:])\n    except SystemExit:\n        pass\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "argv", [("--help",), ("validate",), ("list", "cases"), ("show",), ("coverage",), ("run", "--dry-run")]
)
def test_light_verbs_load_no_heavy_package(argv: tuple[str, ...]) -> None:
    assert not loaded(*argv) & {
        *("anthropic", "datasets", "pandas", "diskcache", "scipy", "numpy"),
        *("pyarrow", "huggingface_hub", "mlflow", "wandb"),
    }


def test_help_loads_nothing_of_others() -> None:
    assert not loaded("--help") & {*OWNERS, "sqlglot", "graders"}


def test_a_replayed_run_loads_no_network_client() -> None:
    assert not loaded("run", "--case", "jwt-auth", "--persona", "0001", "--out", "/nowhere/at/all") & {
        "anthropic",
        "httpx",
        "aiohttp",
        "pandas",
        "dask",
        "distributed",
    }


def test_no_registry_in_the_lock_file() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert text.count("--hash=sha256:") > 50


def test_every_verb_is_in_the_readme() -> None:
    from evals.cli import parser

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in parser().verbs:
        assert re.search(rf"evals {name}\b", readme), name


def test_schemas_are_sound_and_shipped() -> None:
    from jsonschema import Draft202012Validator

    for path in (ROOT / "evals/schemas").glob("*.json"):
        schema = json.loads(path.read_text(encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        assert schema["$id"].endswith(path.name)
    assert (ROOT / "cases/case.schema.json").read_bytes() == (ROOT / "evals/schemas/case.schema.json").read_bytes()
