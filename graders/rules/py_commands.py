"""Code and commands that are run: `eval`, shells, deserialisers that call what they are told to.

Here: what is executed. Not here: SQL (`py_injection`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import is_true, last, string
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_settled import settled
from graders.rules.python_tree import Call, Module
from graders.rules.python_values import Hole, parts
from graders.rules.rule import Rule, Severity

QUOTING = frozenset({"quote", "join", "list2cmdline"})


class EvalExec(PythonRule):
    """A text that is not a constant is run as Python. Whoever can influence it can do whatever the process can. Parse data
    with `ast.literal_eval` or `json.loads`, and choose behaviour from a table of functions.
    """

    id = "py-eval-exec"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 95
    BAD = (
        'def calculate(request):\n    return eval(request.args["expression"])\n',
        'code = compile(user_code, "<string>", "exec")\nexec(code, {})\n',
        'import builtins\n\nbuiltins.eval(f"handlers.{name}()")\n',
    )
    GOOD = (
        "import ast\n\nvalue = ast.literal_eval(text)\n",
        'model.eval()\nframe.eval("a + b")\nsession.exec(statement)\n',
        "def eval(node):\n    return node.value\n\neval(tree)\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            if call.path == "ast.literal_eval":
                yield (call.node, "")
            elif call.path in (
                "eval",
                "exec",
                "builtins.eval",
                "builtins.exec",
                "__builtins__.eval",
                "__builtins__.exec",
            ):
                if isinstance(call.node.func, ast.Name) and any(
                    b.how != "import" for b in module.lookup(call.node.func)
                ):
                    continue
                if call.node.args:
                    sound = settled(module, call.node.args[0])
                    yield (call.node, "" if sound else f"`{last(call.path)}` runs a text that is not a constant.")


RUNNERS = re.compile(r"^subprocess\.(?:run|call|check_call|check_output|Popen)$")
SHELLS = re.compile(
    r"^(?:os\.(?:system|popen|popen2|popen3|popen4)|subprocess\.(?:getoutput|getstatusoutput)|commands\.(?:getoutput|getstatusoutput)|"
    r"asyncio\.(?:subprocess\.)?create_subprocess_shell|popen2\.popen\d?)$"
)


class ShellInjection(PythonRule):
    """A command line that is not a constant is given to a shell. A value with `;` or `$(…)` in it then runs any program. Give
    the program and its arguments as a list, without `shell=True`.
    """

    id = "py-shell-injection"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 78
    BAD = (
        'import os\n\nos.system("ping -c 1 " + host)\n',
        'import subprocess\n\ndef dump(name):\n    subprocess.run(f"pg_dump {name} > /backup/{name}.sql", shell=True, check=True)\n',
        "from subprocess import check_output\n\ndef run(command):\n    return check_output(command, shell=True)\n",
        'import subprocess\n\nsubprocess.run(["sh", "-c", "convert " + path])\n',
    )
    GOOD = (
        'import subprocess\n\nsubprocess.run(["ping", "-c", "1", host], check=True)\n',
        'import subprocess\n\nsubprocess.run("ls -l | wc -l", shell=True)\n',
        'import os, shlex\n\nos.system(f"ping -c 1 {shlex.quote(host)}")\n',
        'import subprocess\n\nBINARY = "pg_dump"\nsubprocess.run(f"{BINARY} --version", shell=True)\n',
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            command = call.argument(0, "args", "cmd", "command")
            if command is None:
                continue
            if RUNNERS.match(call.path):
                shell = call.keyword("shell")
                if shell is not None and is_true(module.resolved(shell)):
                    yield (call.node, _shell(module, command))
                elif shell is None or isinstance(shell, ast.Constant):
                    yield (call.node, _listed(module, command))
            elif SHELLS.match(call.path):
                yield (call.node, _shell(module, command))


def _shell(module: Module, command: ast.expr) -> str:
    value = module.resolved(command)
    pieces = parts(module, command)
    if isinstance(value, ast.List | ast.Tuple):
        pieces = [piece for item in value.elts for piece in parts(module, item)]
    holes = [piece for piece in pieces if isinstance(piece, Hole)]
    if all(settled(module, hole.node, QUOTING) for hole in holes):
        return ""
    return "A shell reads a command line that is put together from values."


def _listed(module: Module, command: ast.expr) -> str:
    """A list of arguments is sound, unless it starts a shell with a text of its own."""
    value = module.resolved(command)
    if (
        isinstance(value, ast.List | ast.Tuple)
        and len(value.elts) > 2
        and string(value.elts[1]) in ("-c", "/c", "/C", "-lc")
    ):
        program = (string(value.elts[0]) or "").rsplit("/", 1)[-1]
        if program in ("sh", "bash", "zsh", "dash", "ksh", "cmd", "cmd.exe"):
            return _shell(module, value.elts[2])
    return ""


LOADERS = re.compile(
    r"^(?:_?c?[pP]ickle|dill|cloudpickle|marshal|six\.moves\.cPickle|jsonpickle|shelve|joblib|pandas|pd)\."
    r"(?:load|loads|Unpickler|decode|unpickler\.decode|open|read_pickle)$"
)
YAML = re.compile(
    r"^(?:yaml|ruamel\.yaml|ruamel_yaml)\.(?:load|load_all|unsafe_load|unsafe_load_all|full_load|full_load_all)$"
)
SAFE_YAML = frozenset({"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader"})
SAFE = re.compile(r"^(?:json|orjson|ujson|simplejson)\.loads?$|^yaml\.(?:safe_load|safe_load_all)$")


class UnsafeDeserialization(PythonRule):
    """Bytes from outside are turned into objects by something that runs what the bytes say, such as `pickle` or `yaml.load`.
    A crafted message takes over the process. Use JSON or `yaml.safe_load`, and check the result's shape.
    """

    id = "py-unsafe-deserialization"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 502
    BAD = (
        "import pickle\n\ndef session(redis, key):\n    return pickle.loads(redis.get(key))\n",
        "import yaml\n\nconfig = yaml.load(body)\n",
        'import yaml\nfrom yaml import Loader\n\nconfig = yaml.load(open("app.yml"), Loader=Loader)\n',
        'import pickle, base64\n\nuser = pickle.loads(base64.b64decode(request.cookies["user"]))\n',
    )
    GOOD = (
        'import yaml\n\nconfig = yaml.safe_load(open("app.yml"))\n',
        "import yaml\n\nconfig = yaml.load(text, Loader=yaml.SafeLoader)\n",
        "import json\n\nuser = json.loads(body)\n",
        'import pickle\n\nwith open("model.pkl", "rb") as file:\n    model = pickle.load(file)\n',
        "import pickle\n\ncopy = pickle.loads(pickle.dumps(value))\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            if SAFE.match(call.path):
                yield (call.node, "")
            elif YAML.match(call.path):
                if "full_load" not in call.path:
                    yield (call.node, _yaml(module, call))
            elif _is_loader(call) and not _trusted(module, call):
                yield (call.node, f"`{last(call.path)}` runs code that is named in what it reads.")


def _yaml(module: Module, call: Call) -> str:
    loader = call.argument(1, "Loader")
    if loader is not None and last(module.path(loader)) in SAFE_YAML | {"FullLoader"}:
        return ""
    return "This YAML loader builds any object that the text names."


def _is_loader(call: Call) -> bool:
    if not LOADERS.match(call.path):
        return False
    return call.name != "decode" or call.path.startswith("jsonpickle")


def _trusted(module: Module, call: Call) -> bool:
    """Whether the bytes are the developer's own: a file of fixed name, a literal, what was pickled in the same breath."""
    if not call.node.args:
        return True
    given = call.node.args[0]
    around = module.function(call.node)
    if around is not None and any(
        c.name in ("compare_digest", "verify_signature") for c in module.calls_in(module.own(around))
    ):
        return True
    if call.name in ("open", "read_pickle") or call.path.startswith("joblib."):
        return settled(module, given)
    value = module.resolved(given)
    if isinstance(value, ast.Constant):
        return True
    if isinstance(value, ast.Call) and last(module.path(value.func)) in ("dumps", "dump"):
        return True
    return _fixed_file(module, given)


def _fixed_file(module: Module, node: ast.expr) -> bool:
    """Whether it is a file that is opened by a fixed name."""
    opened: list[ast.expr] = [node]
    if isinstance(node, ast.Name):
        opened += [b.value for b in module.lookup(node) if b.value is not None and b.how in ("with", "assign")]
    for item in opened:
        if isinstance(item, ast.Call) and last(module.path(item.func)) == "open":
            name = item.args[0] if item.args else item.func
            return settled(module, name)
    return False


RULES_PY_COMMANDS: tuple[Rule, ...] = (EvalExec(), ShellInjection(), UnsafeDeserialization())
