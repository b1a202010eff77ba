"""Rules on the answer as a whole: the files it had to give, code left out, the form that was asked for.

Here: what only the Markdown shows. Not here: how Markdown is read (`graders/answer.py`), and whether any code is good.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from graders.answer import Answer, Block, Role, read_answer
from graders.criterion import Dimension
from graders.rules.rule import Rule, Severity, Site
from graders.rules.source import Source
from graders.task import NO_TASK, Task

FINDINGS = re.compile(r"^\s{0,3}##\s+Findings\b[\s:#*]*$", re.IGNORECASE)
ASKED = re.compile(r"`## Findings`|^\s*## Findings\b|[\"“]## Findings[\"”]", re.MULTILINE | re.IGNORECASE)
HEADING = re.compile(r"^ {0,3}#{1,2}\s")
NUMBERED = re.compile(r"^ {0,2}(?:#{3,6} +|\*\*)?\d+[.)]\s*(?P<item>\S.*)$")
OBJECT = re.compile(r"^[*_`\"\s]*[A-Za-z_][^:]{0,79}?[*_`\"]*\s*:")
PROSE_END = re.compile(
    r"\b(the|a|an|and|or|but|of|to|in|on|for|with|by|from|is|are|that|which|because|if|when|as|than|into)$|[,(\[]$"
)
SETTING = re.compile(
    r"(?:^|[\s\"'`])(?:-e\s+|export\s+)?(?P<name>[A-Z][A-Z0-9_]*"
    r"(?:SECRET|SIGNING_KEY|ENCRYPTION_KEY|JWT_KEY|API_KEY|PRIVATE_KEY)[A-Z0-9_]*|SECRET[A-Z0-9_]*)"
    r"\s*=\s*(?P<value>\"[^\"]*\"|'[^']*'|[^\s`#;&|]*)"
)
WEAK = re.compile(
    r"(my|your|super|top|very|some|jwt|app|dev|the|local|session|token|key)?[-_]?(jwt|super|session|dev)?[-_]?"
    r"(secret|password|changeme|change[-_]?me|change[-_]?this|admin|letmein|qwerty|abc123|12345\d*|s3cr3t|supersecret|"
    r"devsecret)"
    r"([-_]?(key|here|value|\d{1,4}))?"
)
GENERATED = re.compile(r"\$\(|`|\$\{|<|^\$\w|^\.\.\.|^…|openssl|generate|random")
FOR_TESTS = re.compile(r"\b(test|tests|pytest|jest|mocha|vitest)\b|--test\b|NODE_ENV=test", re.IGNORECASE)
POINTERS = ("_NAME", "_ID", "_PATH", "_FILE", "_ARN")
"""Ends of the names of settings that say where a secret is."""
AVOIDED = re.compile(
    r"\b(never|not|don't|avoid|instead|refuse[sd]?|reject(s|ed)?|such as|like|e\.g\.|weak|bad|guess\w*|fails?)\b",
    re.IGNORECASE,
)
"""Words of a line that warns of what it shows."""
SHELLS = frozenset({"bash", "sh", "shell", "console", "dotenv", "env", "ini", "dockerfile", "zsh"})


class AnswerRule(Rule):
    """A rule that judges a whole answer."""

    languages = ("markdown",)
    cwe: ClassVar[int | None] = None
    severity = Severity.MEDIUM
    example_task: ClassVar[Task] = NO_TASK
    """The task that the examples answer."""

    def check(self, source: Source) -> Iterator[Site]:
        answer = source.answer or read_answer(source.text, source.task)
        for line, message in self.judge(answer, source.task):
            quote = source.lines[line - 1].strip()[:200] if line <= len(source.lines) else ""
            yield Site(line=line, ok=not message, quote=quote, message=message)

    @abstractmethod
    def judge(self, answer: Answer, task: Task) -> Iterator[tuple[int, str]]:
        """Each judged line, with what is wrong there; an empty message where it is sound."""


class ContractFiles(AnswerRule):
    """A file that the task asked for is missing, cut off, or left incomplete.

    What was asked cannot be used as it stands, and someone has to guess the rest. Give each file complete, in one
    block.
    """

    id = "md-contract-files"
    dimension = Dimension.JUDGEMENT
    severity = Severity.HIGH
    example_task = Task(text="Give me the server.", files=("app.js",))
    BAD = (
        "I would start with the tests.\n",
        "`app.js`:\n\n```js\nconst app = express();\n// ... existing routes\napp.listen(3000);\n```\n",
        "`app.js`:\n\n```js\nconst app = express();\napp.get(",
    )
    GOOD = (
        "`app.js`:\n\n```js\nconst app = express();\napp.listen(3000);\n```\n",
        "```app.js\n'use strict';\nmodule.exports = require('./server');\n```\n\nRun it with `node app.js`.\n",
    )

    def judge(self, answer: Answer, task: Task) -> Iterator[tuple[int, str]]:
        for name in task.files:
            block = answer.file(name)
            if block is None:
                yield 1, f"{name} is missing"
            elif block.truncated or block.elided:
                yield block.line, f"{name} is cut off" if block.truncated else f"{name} leaves code out"
            else:
                yield block.line, ""


class ElidedCode(AnswerRule):
    """Proposed code leaves parts out (`... rest unchanged`).

    It does not run, and what goes in the gap is guessed. Write it out, or give a diff.
    """

    id = "md-elided-code"
    dimension = Dimension.MAINTAINABILITY
    severity = Severity.LOW
    BAD = (
        "Use this:\n\n```python\ndef pay(order):\n    charge(order)\n    # ... rest of the code unchanged\n```\n",
        "`app.js`:\n\n```js\nconst app = express();\n// ... existing routes\napp.listen(3000);\n```\n",
    )
    GOOD = (
        "Use this:\n\n```python\ndef pay(order: Order) -> tuple[int, ...]:\n    return charge(order)\n```\n",
        "Nothing to change: the `...` in your code is fine.\n",
    )

    def judge(self, answer: Answer, task: Task) -> Iterator[tuple[int, str]]:
        for block in answer.blocks:
            if block.role is Role.PROPOSED and block.language is not None and not block.alternative:
                yield block.line, "code is left out" if block.elided else ""


class TruncatedAnswer(AnswerRule):
    """The answer stops in the middle of a block or of a sentence.

    Its end, often the tests or the rollback, is lost. Say less, or leave the least important out.
    """

    id = "md-truncated-answer"
    dimension = Dimension.JUDGEMENT
    severity = Severity.HIGH
    BAD = (
        "Here it is:\n\n```python\ndef pay(order):\n    charge(",
        (
            "The first step is to add the constraint without validation, because validating it at once takes a "
            "lock that stops the\n"
        ),
    )
    GOOD = (
        "Here it is:\n\n```python\ndef pay(order):\n    charge(order)\n```\n",
        "Three steps remain:\n\n- add the index\n- validate the constraint\n",
        "Run it once more and compare.",
    )

    def judge(self, answer: Answer, task: Task) -> Iterator[tuple[int, str]]:
        lines = answer.text.rstrip().split("\n")
        last = answer.blocks[-1] if answer.blocks else None
        if last is not None and last.truncated:
            yield last.line, "the answer ends inside this block"
        elif answer.text.strip():
            cut = _prose(lines[-1]) and PROSE_END.search(lines[-1].rstrip()) is not None
            yield len(lines), "the answer ends inside a sentence" if cut else ""


def _prose(line: str) -> bool:
    """Whether a line is running text: no heading, table, list, fence or quote."""
    return re.match(r"\s*([#|>`~]|[-*+]\s|\d+[.)]\s)", line) is None and len(line) > 40


class NumberedFindings(AnswerRule):
    """The findings do not stand numbered under `## Findings`, each beginning with what it is about, as the task asked.

    They cannot be matched with the schema, nor be talked about by number. Write `1. orders.total: …`.
    """

    id = "md-numbered-findings"
    dimension = Dimension.DOCUMENTATION
    severity = Severity.LOW
    example_task = Task(text="Put the findings under a heading `## Findings`, numbered, each starting with its object.")
    BAD = (
        "The totals are floats, and payments lack a key.\n",
        "## Findings\n\n- orders.total: float\n- payments: no key\n",
        "## Findings\n\n1. orders.total: float.\n2. There are also several places where indexes are missing.\n",
        "```sql\n-- ## Findings\n-- 1. orders.total: float\n```\n",
    )
    GOOD = (
        (
            "## Findings\n"
            "\n"
            "1. orders.total: float; use numeric.\n"
            "   2 of 3 sums drift.\n"
            "2. **`payments`**: no key.\n"
            "\n"
            "## Plan\n"
            "\n"
            "1. Then this\n"
        ),
        (
            "## Findings\n"
            "\n"
            "### 1. `orders.total`, `orders.status`: unchecked\n"
            "\n"
            "Text.\n"
            "\n"
            "**2. payments.order_id**: no key\n"
        ),
    )

    def judge(self, answer: Answer, task: Task) -> Iterator[tuple[int, str]]:
        if not ASKED.search(task.text):
            return
        prose = list(_outside_blocks(answer))
        begin = next((at for at, (_line, text) in enumerate(prose) if FINDINGS.match(text)), None)
        if begin is None:
            yield 1, "there is no heading `## Findings`"
            return
        items = 0
        for line, text in prose[begin + 1 :]:
            if HEADING.match(text):
                break
            if item := NUMBERED.match(text):
                items += 1
                yield line, "" if OBJECT.match(item["item"]) else "the finding does not begin with its object"
        if not items:
            yield prose[begin][0], "no numbered finding follows"


def _outside_blocks(answer: Answer) -> Iterator[tuple[int, str]]:
    """The answer's lines that are no code, with their numbers."""
    inside: set[int] = set()
    for block in answer.blocks:
        inside |= set(range(block.line, block.line + len(block.text.rstrip("\n").split("\n"))))
    return ((line, text) for line, text in enumerate(answer.text.split("\n"), 1) if line not in inside)


class PlaceholderSecret(AnswerRule):
    """A run command or settings file sets a secret to a word that everybody guesses.

    It is copied as it stands, and the first who tries signs tokens of his own. Show a command that makes a random one.
    """

    id = "md-placeholder-secret"
    dimension = Dimension.SECURITY
    severity = Severity.HIGH
    cwe = 1392
    BAD = (
        "Run it:\n\n```bash\nJWT_SECRET=secret node server.js\n```\n",
        'Put this into `.env`:\n\n```env\nPORT=3000\nJWT_SECRET="your-secret-key"\n```\n',
        "Start it with `SESSION_SECRET=changeme npm start`.\n",
    )
    GOOD = (
        'Run it:\n\n```bash\nexport JWT_SECRET="$(openssl rand -base64 48)"\nnode server.js\n```\n',
        "Run the tests:\n\n```bash\nJWT_SECRET=test-secret npm test\n```\n",
        "```env\nJWT_SECRET=<at least 32 random bytes>\nAWS_SECRET_NAME=secret\n```\n",
        "Never start it with a guessable secret such as `JWT_SECRET=secret`.\n",
    )

    def judge(self, answer: Answer, task: Task) -> Iterator[tuple[int, str]]:
        for line, text in _commands(answer):
            for found in SETTING.finditer(text):
                value = found["value"].strip("\"'")
                if not value or found["name"].endswith(POINTERS) or FOR_TESTS.search(text):
                    continue
                if GENERATED.search(found["value"]):
                    yield line, ""
                elif WEAK.fullmatch(value.lower()):
                    yield line, f"{found['name']} is a guessable word"


def _commands(answer: Answer) -> Iterator[tuple[int, str]]:
    """Lines to be run or saved: those of shell and settings blocks, and code spans that begin a command."""
    for block in answer.blocks:
        if block.role is not Role.QUOTED and _settings(block):
            lines = enumerate(block.text.split("\n"), block.line)
            yield from ((line, text) for line, text in lines if not text.lstrip().startswith("#"))
    for line, text in _outside_blocks(answer):
        if not AVOIDED.search(text):
            yield from ((line, span) for span in re.findall(r"`([A-Z][A-Z0-9_]*=\S+ [^`]+)`", text))


def _settings(block: Block) -> bool:
    return block.language in SHELLS or (block.file or "").endswith(".env") or block.info.strip().lower() in SHELLS


RULES_MD_ANSWER: tuple[AnswerRule, ...] = (
    ContractFiles(),
    ElidedCode(),
    TruncatedAnswer(),
    NumberedFindings(),
    PlaceholderSecret(),
)
