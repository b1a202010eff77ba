"""Names that nothing defines, as ruff finds them: code that fails when the line is reached."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source, ToolError


class UndefinedName(Rule):
    """A name is used that the file neither defines nor imports.

    The line fails with a NameError when it is reached, which is often the rarely tested path of an error. Define or
    import the name. Only files that import something are judged: a snippet may rely on code around it.
    """

    id = "py-undefined-name"
    dimension = Dimension.MAINTAINABILITY
    severity = Severity.HIGH
    cwe = 456
    languages = ("python",)
    tools = ("ruff",)
    BAD = (
        "import os\n\n\ndef read():\n    return json.loads(os.environ['SETTINGS'])\n",
        "from fastapi import FastAPI\n\napp = FastAPI()\n\n\n@app.get('/')\ndef home():\n    raise HTTPException(404)\n",
    )
    GOOD = (
        "import json\nimport os\n\n\ndef read():\n    return json.loads(os.environ['SETTINGS'])\n",
        "def read(client):\n    return client.get(URL)\n",
        "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from x import Y\n\n\ndef f(a: Y) -> Y:\n    return a\n",
    )

    def check(self, source: Source) -> Iterator[Site]:
        tree = source.python
        if tree is None:
            message = "the block is not valid Python"
            raise ToolError(message)
        if not any(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body):
            return
        undefined = [finding for finding in source.findings("ruff") if finding.code == "F821"]
        for finding in undefined:
            quote = source.lines[finding.line - 1].strip()[:200]
            yield Site(line=finding.line, ok=False, quote=quote, message=f"{finding.message}.")
        if not undefined:
            first = tree.body[0].lineno
            yield Site(line=first, ok=True, quote=source.lines[first - 1].strip()[:200])


RULES_PY_UNDEFINED: tuple[Rule, ...] = (UndefinedName(),)
