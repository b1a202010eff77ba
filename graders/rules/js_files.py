"""Files that the client names.

Here: paths made of what a request says. Not here: commands (`js_injection`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import LANGUAGES, Call, Node, bare, function_of
from graders.rules.javascript_options import options
from graders.rules.javascript_tree import script, site
from graders.rules.javascript_values import CONSTANTS, constant, flows, from_request
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source

FILE_CALLS = re.compile(
    r"^(?:fs|fsp|fse|fs-extra|graceful-fs|fs/promises|fsPromises|promises)\.(?:promises\.)?"
    r"(?:readFile|createReadStream|writeFile|createWriteStream|appendFile|unlink|rm|rmdir|readdir|stat|open|rename"
    r"|copyFile|access|lstat|mkdir|remove|outputFile|readJson|existsSync)(?:Sync)?$"
)
BARE_CALLS = re.compile(r"^(?:readFile|createReadStream|writeFile|createWriteStream|unlink)(?:Sync)?$")
CONFINES = re.compile(
    r"^(?:basename|startsWith|relative|test|match|includes|has|sanitize\w*|safe\w*|resolveSafe\w*"
    r"|resolveWithin\w*|isInside"
    r"|assert\w*|parseInt|Number|parse|safeParse|validate\w*|isUUID|isInteger|indexOf|createHash|find\w*|query)$"
)


class PathTraversal(Rule):
    """A path is made of what the client sent, and nothing keeps it in its folder. `../../etc/passwd` then reads, or
    overwrites, any file of the service. Use `path.basename`, or resolve the path and refuse it unless it starts with
    the folder; with Express give `sendFile` a `root`.
    """

    id = "js-path-traversal"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 22
    languages = LANGUAGES
    BAD = (
        "app.get('/f/:name', (req, res) => {\n  res.sendFile(path.join(__dirname, 'files', req.params.name));\n});",
        (
            "import fs from 'fs/promises';\nrouter.get('/d', async (req, res) => {\n  const { file } = req.query;\n"
            "  const full = path.join(ROOT, file);\n  res.send(await fs.readFile(full));\n});"
        ),
        (
            "const fs = require('fs');\n"
            "app.delete('/x', (req, res) => { fs.unlinkSync(`./uploads/${req.body.name}`); res.end(); });"
        ),
    )
    GOOD = (
        "app.get('/f/:name', (req, res) => {\n  res.sendFile(req.params.name, { root: FILES });\n});",
        (
            "const fs = require('fs');\napp.get('/f', (req, res) => {\n"
            "  const full = path.resolve(ROOT, req.query.f);\n"
            "  if (!full.startsWith(ROOT + path.sep)) return res.sendStatus(400);\n"
            "  fs.createReadStream(full).pipe(res);\n});"
        ),
        "const fs = require('fs');\nconst conf = fs.readFileSync(path.join(__dirname, 'conf.json'));",
        "app.get('/f/:name', (req, res) => res.download(path.join(DIR, path.basename(req.params.name))));",
    )

    def check(self, source: Source) -> Iterator[Site]:
        for call in script(source).calls:
            path = _path(call)
            if path is None:
                continue
            inside = list(flows(path))
            if not any(from_request(node) for node in inside):
                continue
            rooted = len(call.args) > 1 and _has_root(call.args[1])
            if rooted or _confined(call, inside):
                yield site(source, call.node)
            else:
                yield site(source, call.node, "The client chooses the path, and nothing keeps it in its folder.")


def _path(call: Call) -> Node | None:
    if not call.args or bare(call.args[0]).kind in CONSTANTS or constant(call.args[0]) is not None:
        return None
    if call.name in ("sendFile", "download", "sendfile") and call.receiver is not None:
        return call.args[0]
    known = FILE_CALLS.match(call.origin) or (call.callee.kind == "identifier" and BARE_CALLS.match(call.origin))
    return call.args[0] if known else None


def _has_root(node: Node) -> bool:
    known = options(node)
    return known is not None and "root" in known.keys


def _confined(call: Call, inside: list[Node]) -> bool:
    """Whether the function, or what the path is made of, checks it or strips its folders."""
    read = call.node.script
    around = read.calls_in(function_of(call.node))
    made = [found for node in inside if node.kind == "call_expression" and (found := read.call(node)) is not None]
    return any(CONFINES.match(each.name) for each in [*around, *made])


RULES_FILES: tuple[Rule, ...] = (PathTraversal(),)
