"""Foreign text that is run: as SQL, as a shell command, as JavaScript.

Here: interpreters. Not here: file names (`js_files`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.javascript_node import FUNCTIONS, LANGUAGES, Call, Node, bare, dotted
from graders.rules.javascript_options import options, resolved
from graders.rules.javascript_sql import statement, texts
from graders.rules.javascript_sql_pieces import unsafe_piece
from graders.rules.javascript_tree import script, site
from graders.rules.javascript_values import constant, from_request, is_literal, is_true, joined, pieces
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source


class SqlInjection(Rule):
    """A value is pasted into the text of an SQL statement. Whoever controls the value controls the statement, and with
    it the database. Pass values as parameters; take names of columns and tables from a fixed list.
    """

    id = "js-sql-injection"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 89
    languages = LANGUAGES
    BAD = (
        (
            "app.get('/u', async (req, res) => {\n"
            "  const { rows } = await pool.query(`SELECT * FROM users WHERE id = ${req.query.id}`);\n});"
        ),
        (
            'const sql = "SELECT * FROM users WHERE name = \'" + name + "\'";\n'
            "db.query(sql, (err, rows) => done(err, rows));"
        ),
        "const rows = await prisma.$queryRawUnsafe(`SELECT * FROM t WHERE a = '${a}'`);",
        "let q = 'SELECT * FROM orders WHERE 1 = 1';\nif (s) q += ` AND status = '${s}'`;\nawait client.query(q);",
        "async function list(req) {\n  const { sort } = req.query;\n  return knex('t').orderByRaw(`${sort} desc`);\n}",
        "await client.query({ text: 'DELETE FROM t WHERE id = ' + id, values: [] });",
    )
    GOOD = (
        "await pool.query('SELECT * FROM users WHERE id = $1', [req.query.id]);",
        "const TABLE = 'users';\nawait db.query(`SELECT * FROM ${TABLE} WHERE id = $1`, [id]);",
        (
            "const marks = ids.map((_, i) => `$${i + 1}`).join(', ');\n"
            "await pool.query(`SELECT * FROM t WHERE id IN (${marks})`, ids);"
        ),
        (
            "const COLUMNS = { name: 'name', date: 'created_at' };\n"
            "const by = COLUMNS[req.query.sort] ?? 'name';\n"
            "await pool.query(`SELECT * FROM t ORDER BY ${by} LIMIT $1`, [n]);"
        ),
        (
            "const where = [];\nconst values = [];\n"
            "if (s) { values.push(s); where.push(`status = $${values.length}`); }\n"
            "await pool.query(`SELECT * FROM t ${where.length ? `WHERE ${where.join(' AND ')}` : ''}`, values);"
        ),
        "await prisma.$queryRaw`SELECT * FROM t WHERE id = ${id}`;\nawait sql`DELETE FROM t WHERE id = ${id}`;",
        "async function query(text, params) {\n  return pool.query(text, params);\n}",
        "const url = `SELECT ${name}`;\nlogger.info(url);",
    )

    def check(self, source: Source) -> Iterator[Site]:
        read = script(source)
        for call in read.calls:
            if _is_tagged(call):
                yield site(source, call.node)
                continue
            text = statement(call)
            if text is None:
                continue
            found = next(
                (bad for value in texts(text) if _is_text(value) and (bad := unsafe_piece(value)) is not None), None
            )
            if found is not None:
                yield site(source, call.node, f"{found.text[:60]} is pasted into the SQL text.")
            else:
                yield site(source, call.node)


def _is_tagged(call: Call) -> bool:
    """`sql` as a tag makes parameters of what is inserted."""
    arguments = call.node.field("arguments")
    tagged = arguments is not None and arguments.kind == "template_string"
    return tagged and bool(re.search(r"(?:^|\.)(?:\$queryRaw|\$executeRaw|sql|SQL)$", call.path))


def _is_text(node: Node) -> bool:
    return node.kind in ("template_string", "binary_expression", "call_expression") and not _is_await_of(node)


def _is_await_of(node: Node) -> bool:
    """A call gives a text only where it is a joining of pieces."""
    call = node.script.call(node) if node.kind == "call_expression" else None
    return call is not None and call.name not in ("join", "concat", "format", "replace", "trim", "raw")


SHELL = re.compile(
    r"^(?:(?:(?:child_process|cp|childProcess|child)\.)?exec(?:Sync)?|(?:child_process\.)?execAsync"
    r"|execPromise|execP|shelljs\.exec"
    r"|shell\.exec|execa\.(?:command|commandSync|execaCommand|execaCommandSync)|execaCommand(?:Sync)?)$"
)
SPAWN = re.compile(
    r"^(?:(?:child_process|cp|childProcess|child)\.)?(?:spawn|spawnSync|execFile|execFileSync"
    r"|execFileAsync)$|^execa(?:\.execa)?$"
)


class CommandInjection(Rule):
    """A value is pasted into a command that a shell reads. A semicolon or a `$(…)` in the value then runs another
    command. Start the program itself with `execFile` or `spawn` and a list of arguments, without a shell.
    """

    id = "js-command-injection"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 78
    languages = LANGUAGES
    BAD = (
        "const { exec } = require('child_process');\nexec(`ping -c 1 ${req.query.host}`, (err, out) => res.send(out));",
        "import { execSync } from 'node:child_process';\nconst cmd = 'convert ' + file + ' out.png';\nexecSync(cmd);",
        "const execAsync = promisify(require('child_process').exec);\nawait execAsync(`tar xf ${name}`);",
        "import { spawn } from 'child_process';\nspawn(`ls ${dir}`, { shell: true });",
        "import { spawn } from 'child_process';\nspawn('sh', ['-c', `gzip ${path}`]);",
    )
    GOOD = (
        "import { execFile } from 'child_process';\nexecFile('ping', ['-c', '1', host], done);",
        "const { execSync } = require('child_process');\nexecSync('git rev-parse HEAD');",
        "const m = /a(b)/.exec(input);\nawait User.find({ name }).exec();\nawait redis.multi().set(k, v).exec();",
        "import { exec } from 'child_process';\nconst BIN = '/usr/bin/tool';\nexec(`${BIN} --version`, done);",
    )

    def check(self, source: Source) -> Iterator[Site]:
        for call in script(source).calls:
            command = _command(call)
            if command is None:
                continue
            if isinstance(command, Node) and _is_foreign(command):
                yield site(source, call.node, "A value is pasted into a command that a shell reads.")
            elif not isinstance(command, Node) or _is_fixed(command):
                yield site(source, call.node)


def _command(call: Call) -> Node | bool | None:
    """What a shell gets to read; True for a call that starts a program without one; None for any other call."""
    if not call.args:
        return None
    if SHELL.match(call.origin) and not _is_own(call):
        return call.args[0]
    if not SPAWN.match(call.origin):
        return None
    shell = [known for arg in call.args[1:] if (known := options(arg)) is not None and "shell" in known.keys]
    if any(is_true(known.keys["shell"]) or constant(known.keys["shell"]) for known in shell):
        return _joined(call)
    program = constant(call.args[0]) or ""
    if re.search(r"(?:^|/)(?:ba|z|da)?sh$|^cmd(?:\.exe)?$|powershell", program) and len(call.args) > 1:
        return call.args[1]
    return True


def _joined(call: Call) -> Node:
    listed = [arg for arg in call.args[1:] if resolved(arg).kind == "array" and not is_literal(arg)]
    return listed[0] if listed else call.args[0]


def _is_own(call: Call) -> bool:
    """A function of this source that happens to be called `exec`."""
    bound = call.node.script.binding(call.callee) if call.callee.kind == "identifier" else None
    return bound is not None and bound.how in ("function", "parameter")


def _is_foreign(node: Node) -> bool:
    value = resolved(node)
    items = value.children if value.kind == "array" else [value]
    return any(_is_pasted(resolved(item)) for item in items)


def _is_pasted(value: Node) -> bool:
    if from_request(value):
        return True
    if value.kind == "identifier":
        return not _is_config(value) and _never_fixed(value)
    if value.kind in ("template_string", "binary_expression") or joined(value):
        return any(not isinstance(piece, str) and not _is_safe_word(piece) for piece in pieces(value))
    return False


def _is_fixed(node: Node) -> bool:
    value = resolved(node)
    return is_literal(value) or value.kind in ("template_string", "binary_expression", "array")


def _never_fixed(name: Node) -> bool:
    bound = name.script.binding(name)
    if bound is None or bound.how == "import":
        return False
    values = bound.values
    return any(_is_pasted(v) for v in values if v.kind in ("template_string", "binary_expression")) or (
        bound.how == "parameter" and not values
    )


def _is_safe_word(node: Node) -> bool:
    call = node.script.call(node) if node.kind == "call_expression" else None
    quoting = call is not None and re.search(r"quote|escape|^(?:Number|parseInt)$", call.name) is not None
    return quoting or is_literal(node) or _is_config(node) or unsafe_piece(node) is None


def _is_config(node: Node) -> bool:
    path = node.script.origin(node) or dotted(node)
    return bool(
        re.match(
            (
                r"(?:process\.(?:env|execPath|pid|argv|cwd\(\))|config\b|__dirname|__filename|os\.|path\."
                r"|[A-Z][A-Z0-9_]+$)"
            ),
            path,
        )
    )


class Eval(Rule):
    """Text is run as JavaScript. Whoever influences the text runs code in the server, and the code cannot be checked
    before it runs. Parse data with `JSON.parse`, and choose behaviour from a table of functions.
    """

    id = "js-eval"
    dimension = Dimension.SECURITY
    severity = Severity.CRITICAL
    cwe = 95
    languages = LANGUAGES
    BAD = (
        "const total = eval(req.body.expression);",
        "const f = new Function('a', 'b', `return ${body}`);",
        "const vm = require('vm');\nvm.runInNewContext(code, {});",
        "setTimeout('tick()', 100);",
    )
    GOOD = (
        "const data = JSON.parse(text);\nsetTimeout(() => tick(), 100);",
        "const r = await redis.eval(script, 1, key);\nmodel.eval();\nawait page.evaluate(() => 1);",
        "type F = Function;\n// eval(x) would be wrong\nconst s = 'eval(x)';",
    )

    def check(self, source: Source) -> Iterator[Site]:
        for call in script(source).calls:
            if _runs_text(call):
                yield site(source, call.node, "Text is run as JavaScript.")
            elif call.path in ("JSON.parse", "setTimeout", "setInterval"):
                yield site(source, call.node)


def _runs_text(call: Call) -> bool:
    if not call.args:
        return False
    own = call.node.script.binding(call.callee) if call.callee.kind == "identifier" else None
    if call.path in ("eval", "globalThis.eval", "global.eval", "Function") and own is None:
        return True
    if call.path in ("setTimeout", "setInterval") and own is None:
        first = resolved(call.args[0])
        return first.kind in ("string", "template_string") or (first.kind not in FUNCTIONS and _has_text(first))
    if re.match(r"^(?:new )?vm\.(?:runIn\w+|Script|compileFunction)$", call.origin):
        return not is_literal(bare(call.args[0]))
    return False


def _has_text(node: Node) -> bool:
    return node.kind == "binary_expression" and any(
        side.kind in ("string", "template_string") for side in node.children
    )


RULES_INJECTION: tuple[Rule, ...] = (SqlInjection(), CommandInjection(), Eval())
