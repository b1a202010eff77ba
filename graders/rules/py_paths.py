"""Files whose names come from a request.

Here: paths. Not here: commands (`py_commands`) and SQL (`py_injection`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.python_nodes import Function, identifier, last
from graders.rules.python_rule import Judged, PythonRule
from graders.rules.python_tree import Call, Module
from graders.rules.rule import Rule, Severity

OPENERS = re.compile(
    r"^(?:open|io\.open|codecs\.open|aiofiles\.open|os\.(?:remove|unlink|rename|listdir|rmdir|open)|shutil\.(?:rmtree|copy|copyfile|move|copyfileobj)|"
    r"(?:\w+\.)*FileResponse|(?:\w+\.)*send_file|(?:\w+\.)*static_file|(?:\w+\.)*FileField\.save)$"
)
METHODS = frozenset({"read_text", "read_bytes", "write_text", "write_bytes", "open", "unlink", "iterdir", "save"})
REQUEST = re.compile(
    r"^(?:flask\.|quart\.|bottle\.)?\??(?:self\.)?request\.(?:args|form|values|json|files|data|get_json|GET|POST|FILES|query_params|path_params|"
    r"view_args|cookies|headers|query|params|match_info|rel_url|matchdict)\b"
)
CLEAN = re.compile(
    r"(?i)(?:^|\.)(?:secure_filename|basename|safe_join|uuid4|token_hex|sanitize\w*|slugify|safe_path|validate\w*|clean\w*|safe_\w+|hexdigest|int|get_valid_filename|"
    r"resolve_\w+|check_\w+|is_safe\w*)$"
)
CHECKS = re.compile(
    r"(?i)is_relative_to|relative_to|commonpath|commonprefix|startswith|safe_join|secure_filename|fullmatch|isalnum|is_safe|validate|sanitize|isidentifier|allowed"
)
TEXT = frozenset({"", "str", "Path", "pathlib.Path", "UploadFile", "fastapi.UploadFile"})


class PathTraversal(PythonRule):
    """A file is opened by a name that the client sends. With `../` in it, it names any file that the process may read or
    write. Look the file up by an id, or take the bare name and check that the resolved path stays inside its folder.
    """

    id = "py-path-traversal"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 22
    BAD = (
        '@app.route("/download")\ndef download():\n    name = request.args.get("name")\n    return send_file(os.path.join("/srv/files", name))\n',
        '@app.get("/files/{name:path}")\ndef read(name: str):\n    return FileResponse(f"/srv/files/{name}")\n',
        '@app.post("/upload")\nasync def upload(file: UploadFile):\n    with open(f"uploads/{file.filename}", "wb") as out:\n        out.write(await file.read())\n',
        'def view(request):\n    path = "/srv/" + request.GET["p"]\n    return HttpResponse(open(path).read())\n',
    )
    GOOD = (
        '@app.route("/download/<name>")\ndef download(name):\n    return send_from_directory("/srv/files", name)\n',
        (
            '@app.get("/files/{name}")\ndef read(name: str):\n    path = (ROOT / name).resolve()\n    if not path.is_relative_to(ROOT):\n'
            "        raise HTTPException(404)\n    return FileResponse(path)\n"
        ),
        '@app.post("/upload")\ndef upload():\n    file = request.files["file"]\n    name = secure_filename(file.filename)\n    file.save(os.path.join("uploads", name))\n',
        '@app.get("/reports/{number}")\ndef report(number: int):\n    return FileResponse(f"/srv/reports/{number}.pdf")\n',
        "def load(path: str):\n    with open(path) as file:\n        return file.read()\n",
    )

    def judge(self, module: Module) -> Iterator[Judged]:
        for call in module.calls:
            if last(call.path) in ("send_from_directory", "safe_join"):
                yield (call.node, "")
                continue
            around = module.function(call.node)
            target = _target(module, call)
            if around is None or target is None or not _from_client(module, around, target, 5):
                continue
            yield (call.node, "" if _checked(module, around) else "The client chooses the path of this file.")


def _target(module: Module, call: Call) -> ast.expr | None:
    """The path that a call opens."""
    if OPENERS.match(call.path):
        return call.argument(0, "path", "file", "filename_or_fp", "path_or_file")
    called = call.node.func
    if isinstance(called, ast.Attribute) and called.attr in METHODS:
        if called.attr == "save":
            upload = (
                re.search(r"\.files\b|\.FILES\b", module.path(called.value))
                or "file" in identifier(called.value).lower()
            )
            return call.argument(0, "dst") if upload else None
        value = module.resolved(called.value)
        is_path = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div)
        is_path = is_path or (
            isinstance(value, ast.Call) and last(module.path(value.func)) in ("Path", "resolve", "joinpath")
        )
        return value if is_path else None
    return None


def _from_client(module: Module, around: Function, node: ast.AST, steps: int) -> bool:
    """Whether what the client sent is in the path, names followed; what was cleaned is the client's no more."""
    match node:
        case ast.Name():
            return _name_from_client(module, around, node, steps)
        case ast.Call() | ast.Subscript() | ast.Attribute():
            sent = _is_sent(module, node)
            if sent is not None:
                return sent
            if isinstance(node, ast.Subscript):
                return _from_client(module, around, node.value, steps)
    return any(_from_client(module, around, child, steps) for child in ast.iter_child_nodes(node))


def _is_sent(module: Module, node: ast.Call | ast.Subscript | ast.Attribute) -> bool | None:
    """Whether the expression itself is what the client sent; None where that depends on its parts."""
    if isinstance(node, ast.Call) and _cleans(module, node):
        return False
    if REQUEST.match(_plain(node)):
        return not (isinstance(node, ast.Attribute) and node.attr == "files")
    if isinstance(node, ast.Attribute):
        if node.attr == "filename" and _is_upload(module, node.value):
            return True
        if node.attr in ("name", "suffix", "stem"):
            return False
    return None


def _cleans(module: Module, node: ast.Call) -> bool:
    method = isinstance(node.func, ast.Attribute) and CLEAN.search("." + node.func.attr)
    return bool(method or CLEAN.search(module.path(node.func)))


def _plain(node: ast.AST) -> str:
    return re.sub(r"^self\.", "", ast.unparse(node)) if len(ast.dump(node)) < 2000 else ""


def _is_upload(module: Module, node: ast.expr) -> bool:
    return (
        re.search(r"UploadFile|\.files\b|\.FILES\b", module.path(node) + ast.unparse(module.resolved(node))) is not None
    )


def _name_from_client(module: Module, around: Function, node: ast.Name, steps: int) -> bool:
    if steps <= 0:
        return False
    found = False
    for binding in module.lookup(node):
        if binding.how == "parameter" and around in module.routes and module.inside(binding.node, around):
            kind = module.annotation(binding.annotation) if binding.annotation is not None else ""
            depends = binding.value is not None and re.search(r"Depends|Header|Security", ast.unparse(binding.value))
            if f"{{{node.id}}}" in " ".join(_route_texts(around)):
                continue  # FastAPI's plain `{name}` takes no slash
            if (
                kind in TEXT
                and kind not in ("UploadFile", "fastapi.UploadFile")
                and not depends
                and node.id not in ("self", "request", "db", "session", "file", "req", "ctx")
            ):
                return True
        elif binding.how in ("assign", "augment", "unpack", "with") and binding.value is not None:
            found = found or _from_client(module, around, binding.value, steps - 1)
    return found


def _route_texts(function: Function) -> list[str]:
    return [
        node.value
        for d in function.decorator_list
        for node in ast.walk(d)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def _checked(module: Module, around: Function) -> bool:
    """Whether the function looks at the path before it uses it."""
    for node in module.own(around):
        if isinstance(node, ast.Attribute) and CHECKS.search(node.attr):
            return True
        if isinstance(node, ast.Name) and CHECKS.search(node.id):
            return True
        if (
            isinstance(node, ast.Compare)
            and isinstance(node.ops[0], ast.In | ast.NotIn | ast.Eq | ast.NotEq)
            and _looks_at_path(node)
        ):
            return True
    return False


def _looks_at_path(node: ast.Compare) -> bool:
    text = ast.unparse(node)
    return (
        "'..'" in text
        or "'/'" in text
        or ".parent" in text
        or (isinstance(node.ops[0], ast.NotIn) and re.search(r"(?i)[A-Z_]{4,}|files|names|allow", text) is not None)
    )


RULES_PY_PATHS: tuple[Rule, ...] = (PathTraversal(),)
