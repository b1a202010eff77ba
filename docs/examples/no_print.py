"""A rule: reports `print` as a bad site and calls of `logging` as good ones."""

import ast
from collections.abc import Iterator

from graders import Dimension, Rule, Severity, Site, Source


class NoPrint(Rule):
    """Output of a library goes through `logging`: what is printed has no level and no time, and cannot be switched off."""

    id = "py-house-no-print"
    dimension = Dimension.OPERATIONS
    severity = Severity.LOW
    cwe = None
    languages = ("python",)
    BAD = ("def pay(order):\n    print('paid', order)\n",)
    GOOD = ("import logging\n\n\ndef pay(order):\n    logging.info('paid %s', order)\n",)

    def check(self, source: Source) -> Iterator[Site]:
        for node in ast.walk(source.python or ast.Module(body=[], type_ignores=[])):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called == "print" or called.startswith("logging."):
                    quote = source.lines[node.lineno - 1].strip()
                    yield Site(line=node.lineno, ok=called != "print", quote=quote, message="It prints.")
