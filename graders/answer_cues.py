"""What the words around a block say of it: that it is bad or the user's, or that it is the answer's own.

Here: the words. Not here: weighing them against what the code is (`graders/answer_roles.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from graders.answer_tokens import Comment


class Cue(StrEnum):
    """What was said of a block."""

    NONE = "none"
    AGAINST = "against"
    FOR = "for"
    BOTH = "both"


CODE = (
    r"(?:codes?|query|queries|handlers?|implementations?|versions?|functions?|endpoints?|schema|definitions?|lines?|snippets?|tables?|routes?|middleware"
    r"|statements?|columns?|patterns?|examples?|approach|way|constraint|block|file|app|check|call|app\.js|one|migration|model)"
)
WORSE = r"(?:vulnerable|insecure|unsafe|buggy|broken|wrong|incorrect|problematic|dangerous|bad|faulty|flawed|naive|offending|exploitable|racy|fragile|risky)"
AGAINST = re.compile(
    rf"""^\W*(?:\d+[.)]\s*)?before(?!\s+(?:you|deploy\w*|runn?\w*|the|we|any|that|it|going|starting|applying|this|each|every))\b
      | ^\W*(?:\d+[.)]\s*)?(?:current(?:ly)?|existing|original(?:ly)?|old|today|wrong|bad|incorrect|{WORSE}|(?:the\s+)?problem|(?:the\s+)?issue|not\s+this
          |anti-?patterns?|from|don['’]?t|do\s+not|never|avoid)(?:\s+(?:do|this|code|version|way|example|state|behaviou?r|{CODE})){{0,2}}(?:\s*\([^)]*\))?\W*$
      | \b(?:your|the|this|that|its|our)\s+(?:current|existing|original|old|present|attached|submitted|initial)\s+(?:\S+\s+){{0,3}}?{CODE}\b
      | \b{WORSE}\s+(?:\S+\s+){{0,2}}?{CODE}\b
      | \b(?:don['’]?t|do\s+not|never|avoid)\s+(?:ever\s+)?(?:do|use|write|doing|using|writing|ship|copy|code)\b(?![^.:]*\binstead\b)
      | \binstead\s+of\b | \brather\s+than\b
      | \b(?:this|these|it|that|which|code|query|the\s+following)\s+(?:\S+\s+){{0,2}}?(?:is|are|was|were)\s+(?:\S+\s+)?{WORSE}\b
      | \b(?:is|are|lies?)\s+the\s+(?:problem|bug|flaw|issue|culprit|vulnerability|hole)\b
      | \bthe\s+(?:problem|bug|flaw|issue|culprit|vulnerability|hole)(?:atic\s+\S+)?\s+(?:is|are|lies?|here|sits?)\b
      | \bcurrently\b | \bas\s+(?:it|they)\s+(?:is|are|stands?)\s+(?:now|today)\b | \blooks?\s+like\s+this\s+(?:now|today|at\s+(?:the\s+moment|present))\b
      | \b(?:you|you've|code|file|it)\s+(?:have|had|has|wrote|posted|sent|attached|currently|now\s+have)\b(?=[^.]*:\W*$)(?!\s+to\b)
      | \b(?:vulnerable|open)\s+to\b | \bthe\s+(?:attack|exploit)\b
      | [❌🚫✗✘👎⛔]""",
    re.IGNORECASE | re.VERBOSE,
)
FOR = re.compile(
    rf"""^\W*(?:\d+[.)]\s*)?after(?!\s+(?:you|deploy\w*|runn?\w*|the|we|any|that|it|each|every))\b
      | ^\W*(?:\d+[.)]\s*)?(?:the\s+)?(?:fix(?:ed|es)?|correct(?:ed|ion)?|improved|better|good|safer?|secured?|recommended|recommendation|solution|updated|new|rewritten
          |final|proposed|proposal|suggested|suggestion|replacement|remedy|to|into|by|with|do)(?:\s+(?:do|this|these|it|code|version|way|example|{CODE})){{0,2}}(?:\s*\([^)]*\))?\W*$
      | \b(?:should|must|ought\s+to)\s+(?:be|read|look|become)\b
      | \b(?:fix(?:ed|es|ing)?|corrected|improved|safer|secure|secured|hardened|rewritten|revised|recommended|better|repaired)\b
      | \b(?:use|try|write|prefer|do|ship|run|apply|save|create)\s+(?:this|these|the\s+following|something|it\s+like|one\s+like)\b
      | \b(?:replace|swap)\b[^.]*\b(?:with|by|for)\b | \b(?:change|turn|rewrite|convert)\b[^.]*\b(?:to|into|as)\b
      | (?:^|[,;:]\s+|\b(?:to|and|then|please|so)\s+)(?:replace|change|rewrite|update|fix|correct|add|create|save|put|apply|move|switch|wrap|make|use|run|bind|set)\b
      | \bbecomes?\b | (?<!\bnot\s)\binstead\W*$
      | [✅✔👍]""",
    re.IGNORECASE | re.VERBOSE,
)
SIDE_BY_SIDE = re.compile(
    r"\b(?:before|old|bad|wrong|current|vulnerable)\b[\s\W]{0,4}(?:and|vs\.?|versus|or|→|->|/|&|\+)[\s\W]{0,4}(?:after|new|good|right|fixed|proposed|safe)\b",
    re.IGNORECASE,
)
TO_GO = re.compile(
    rf"^\W*(?:replace|change|turn|rewrite|remove|delete)\s+(?:this|these|the\s+following)(?:\s+{CODE})?\W*$",
    re.IGNORECASE,
)
TO_COME = re.compile(
    r"^\W*(?:\d+[.)]\s*)?(?:then\s+|so\s+|please\s+)?(?:(?:replace|swap)\b.+\b(?:with|by|for)|(?:change|turn|rewrite|convert)\b.+\b(?:to|into|as)"
    r"|(?:add|append|insert|wrap|extend|put)\s|(?:this|these|it|they|the\s+following)\s+replaces?)\b"
    r"|\b(?:fixed|corrected|rewritten|safer?|secured?|improved|hardened|better)\s+(?:version|form|variant|copy)\s+of\b",
    re.IGNORECASE | re.DOTALL,
)
NEGATED = re.compile(
    r"\b(?:don['’]?t|do\s+not|never|not|avoid)\s+(?:ever\s+|to\s+)?\w+(?:\s+(?:this|these|the\s+following))?",
    re.IGNORECASE,
)
PASSED_OVER = re.compile(r"\W*(?:instead\s+of|rather\s+than)\b", re.IGNORECASE)
REFUSED = re.compile(r"\W*(?:don['’]?t|do\s+not|never|avoid)\b", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n{2,}")
CLAUSE = re.compile(r"[,;]\s+|\s+[—–-]\s+|:\s+(?=\S)")
LONG = 600


def cue(text: str) -> Cue:
    """What a heading or a paragraph says of the block after it. Its last sentence counts first, then all of it."""
    text = text.strip()[-LONG:]
    sentence = SENTENCE.split(text)[-1]
    said = _cue(sentence)
    if said is Cue.NONE and sentence != text:
        # what was said ill of earlier need not be what is shown now
        earlier = _cue(text)
        return Cue.BOTH if earlier is Cue.AGAINST else earlier
    return _last_clause(sentence, said) if said in {Cue.BOTH, Cue.AGAINST} else said


def _last_clause(sentence: str, said: Cue) -> Cue:
    """What the end of a sentence says, where its whole is not plainly in favour: "instead of a float, store cents"."""
    clauses = CLAUSE.split(sentence)
    last = _cue(clauses[-1])
    if said is Cue.BOTH:
        return last if last in {Cue.FOR, Cue.AGAINST} else said
    shown = len(clauses) > 1 and last is Cue.NONE and len(clauses[-1].split()) > 1
    if shown and PASSED_OVER.match(sentence):
        return Cue.FOR
    return Cue.BOTH if shown and REFUSED.match(sentence) else said


def _cue(text: str) -> Cue:
    if SIDE_BY_SIDE.search(text):
        return Cue.BOTH
    if TO_GO.search(text):
        return Cue.AGAINST
    if TO_COME.search(text):
        return Cue.FOR
    # the verb in "never use this" speaks against, not for
    against, in_favour = AGAINST.search(text) is not None, FOR.search(NEGATED.sub("", text)) is not None
    if against and in_favour:
        return Cue.BOTH
    if against:
        return Cue.AGAINST
    return Cue.FOR if in_favour else Cue.NONE


CONDEMNED = r"bad|wrong|vulnerable|insecure|unsafe|incorrect|broken|anti-?pattern"
MARKED = re.compile(
    rf"""(?:[❌🚫✗✘⛔✅✔]\s*)?
      (?:(?P<strong>{CONDEMNED})
        |(?P<weak>before|old|current|original|existing|don['’]?t(?:\s+do(?:\s+this)?)?|do\s+not(?:\s+do)?(?:\s+this)?|avoid|never|not\s+this|problem)
        |(?P<favour>after|good|right|correct(?:ed)?|fix(?:ed)?|safe|secure|better|new|improved|do(?:\s+this)?))
      (?:\s+(?:code|version|way|query|example))?\s*(?:[:(!—–].*|-\s.*)?""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
CROSS, TICK = re.compile("[❌🚫✗✘⛔]"), re.compile("[✅✔]")
HEAD = 2
"""A milder word marks a block only within this many lines from its beginning; further down it is about something else."""


def remark_cue(remarks: Iterable[Comment], *, strict: bool) -> Cue:
    """What the comments in a block say of it: bad, good, or both where it shows the two.

    `strict` for what is to be saved as a file: there, only its first lines speak of the whole.
    """
    against = in_favour = False
    previous = -2
    for comment in remarks:
        remark, head = comment.text, comment.line < HEAD
        # the second line of a longer comment may begin with any word
        mark = None if comment.line == previous + 1 else MARKED.fullmatch(remark.strip("#/*-<>!=~ \t\n"))
        previous = comment.line
        if mark or CROSS.search(remark) or TICK.search(remark):
            condemned = CROSS.search(remark) is not None or (mark is not None and mark["strong"] is not None)
            against |= (condemned and (head or not strict)) or (mark is not None and mark["weak"] is not None and head)
            in_favour |= TICK.search(remark) is not None or (mark is not None and mark["favour"] is not None)
    if against:
        return Cue.BOTH if in_favour else Cue.AGAINST
    return Cue.FOR if in_favour and not strict else Cue.NONE
