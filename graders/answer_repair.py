"""Fences that CommonMark pairs otherwise than the writer meant, read as meant.

A README with code in it between fences of one length, a fence inside a docstring, a block that was never closed before the
next began, fences indented out of their list: each is mended on a copy of the lines, by lengthening, adding or moving fence
lines, and the copy is parsed again. A mended copy is kept where more of its blocks are valid code than before.

Here: which lines to mend. Not here: how Markdown is parsed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graders.answer_fences import Document, Fence, FenceLine, fence_line, parse
from graders.answer_languages import of_label, valid
from graders.answer_names import split_info

TRIALS = 24
"""How many mended copies are parsed at most; an answer that needs more is not worth the time."""
JOINS = 6
JOINED = 100_000


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The lines as they are parsed, and the number of each in the answer."""

    lines: tuple[str, ...]
    numbers: tuple[int, ...]
    """0-based."""

    def number(self, line: int) -> int:
        """The answer's 0-based line for a line of the sheet, also for the one after its last."""
        if not self.lines:
            return 0
        return self.numbers[line] if 0 <= line < len(self.numbers) else self.numbers[-1] + 1

    def replaced(self, changes: dict[int, str]) -> Sheet:
        return Sheet(
            lines=tuple(changes.get(number, line) for number, line in enumerate(self.lines)), numbers=self.numbers
        )

    def inserted(self, at: int, line: str) -> Sheet:
        return Sheet(
            lines=(*self.lines[:at], line, *self.lines[at:]),
            numbers=(*self.numbers[:at], self.numbers[max(at - 1, 0)], *self.numbers[at:]),
        )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A document, the sheet it was read from, and what was mended."""

    document: Document
    sheet: Sheet
    notes: tuple[str, ...] = ()


Mend = tuple[str, Sheet]


def read_fences(lines: Sequence[str]) -> Reading:
    """Parse, and mend while that makes the reading better."""
    sheet = Sheet(lines=tuple(lines), numbers=tuple(range(len(lines))))
    reading = Reading(document=parse(sheet.lines), sheet=sheet)
    score = _score(reading)
    trials = TRIALS
    while trials > 0:
        for note, mended in _mends(reading):
            trials -= 1
            trial = Reading(document=parse(mended.lines), sheet=mended, notes=(*reading.notes, note))
            better = _score(trial)
            if better > score:
                reading, score = trial, better
                break
            if trials <= 0:
                return reading
        else:
            return reading
    return reading


def _label(fence: Fence) -> str | None:
    return of_label(split_info(fence.info)[0])


def _score(reading: Reading) -> int:
    score = -2 * sum(1 for _ in _strays(reading))
    for fence in reading.document.fences:
        judged = valid(_label(fence), fence.text)
        score += {True: 1 if fence.text.strip() else -1, False: -1, None: 0}[judged]
        score -= not fence.closed
        score -= bool(_unbalanced(reading.sheet, fence))
    return score


def _mends(reading: Reading) -> Iterator[Mend]:
    sheet = reading.sheet
    for fence in reading.document.fences:
        if not fence.fenced:
            continue
        inner = _unbalanced(sheet, fence)
        if inner:
            yield from _nested(sheet, fence)
            yield from _stray_opening(sheet, fence)
            if _label(fence) != "markdown":
                yield (
                    "a block that was not closed before the next was split",
                    sheet.inserted(inner[0], _mark(sheet, fence, shortest=True)),
                )
        if valid(_label(fence), fence.text) is False and fence.closed:
            yield from _joined(sheet, fence)
        if not fence.closed and fence.end < len(sheet.lines):
            yield "a fence indented out of its list was moved", _outdented(sheet, fence.start)
    for line in _strays(reading):
        yield "an indented fence was moved", _outdented(sheet, line)


def _opening(sheet: Sheet, fence: Fence) -> FenceLine | None:
    return fence_line(sheet.lines[fence.start]) if 0 <= fence.start < len(sheet.lines) else None


def _unbalanced(sheet: Sheet, fence: Fence) -> list[int]:
    """Lines inside a block that open a fence which nothing inside closes again."""
    opening = _opening(sheet, fence) if fence.fenced else None
    if opening is None or opening.mark not in fence.text:
        return []
    opened: list[int] = []
    for number in range(fence.start + 1, fence.end - fence.closed):
        mark = _at(sheet, number, opening)
        if mark is not None and not mark.closes:
            opened.append(number)
        elif mark is not None and opened:
            opened.pop()
    return opened


def _at(sheet: Sheet, number: int, opening: FenceLine) -> FenceLine | None:
    """The fence line there that CommonMark would match with the opening one: long enough, and hardly indented against it."""
    mark = fence_line(sheet.lines[number])
    if mark is None or not mark.ends(opening):
        return None
    return mark if len(mark.prefix.expandtabs(4)) <= len(opening.prefix.expandtabs(4)) + 3 else None


def _nested(sheet: Sheet, fence: Fence) -> Iterator[Mend]:
    """A fence with a label opens, a bare one closes: the block ends where all that it opened is closed."""
    opening = _opening(sheet, fence)
    depth = 1
    for number in range(fence.start + 1, len(sheet.lines)):
        mark = _at(sheet, number, opening) if opening else None
        if mark is None:
            continue
        depth += -1 if mark.closes else 1
        if depth == 0:
            if number != fence.end - 1:
                yield (
                    "fences nested in fences of the same length were paired again",
                    _lengthened(sheet, fence.start, number),
                )
            return


def _stray_opening(sheet: Sheet, fence: Fence) -> Iterator[Mend]:
    """A bare fence too many before a labelled one."""
    if not fence.info:
        yield "a fence that opens nothing was passed over", sheet.replaced({fence.start: ""})


def _joined(sheet: Sheet, fence: Fence) -> Iterator[Mend]:
    """The code holds a fence itself (in a docstring, a template, a here-document), and is valid only as a whole."""
    opening = _opening(sheet, fence)
    tried = 0
    if opening is None:
        return
    width = len(opening.prefix)
    for number in range(fence.end, len(sheet.lines)):
        mark = _at(sheet, number, opening)
        if mark is None or not mark.closes:
            continue
        body = "".join(
            f"{line[width:] if not line[:width].strip(' >	') else line}\n"
            for line in sheet.lines[fence.start + 1 : number]
        )
        tried += 1
        if tried > JOINS or len(body) > JOINED:
            return
        if _whole(_label(fence), body):
            yield (
                "a block that a fence inside its code had cut in two was joined",
                _lengthened(sheet, fence.start, number),
            )
            return


def _whole(language: str | None, body: str) -> bool:
    judged = valid(language, body)
    # a shell script cannot be proved valid; that its here-documents are closed now is what was missing
    return judged is True or (language == "bash" and judged is None)


def _mark(sheet: Sheet, fence: Fence, *, shortest: bool = False) -> str:
    opening = _opening(sheet, fence)
    if opening is None:
        return "```"
    prefix = opening.prefix if not opening.prefix.strip(" \t>") else " " * len(opening.prefix)
    return prefix + (opening.mark if shortest else opening.mark * 2)


def _lengthened(sheet: Sheet, start: int, end: int) -> Sheet:
    """The two fence lines made longer than every other between them."""
    marks = [mark for line in sheet.lines[start : end + 1] if (mark := fence_line(line))]
    longest = max(len(mark.mark) for mark in marks) + 1
    changes: dict[int, str] = {}
    for number in (start, end):
        mark = fence_line(sheet.lines[number])
        if mark:
            changes[number] = f"{mark.prefix}{mark.mark[0] * longest}{mark.info}"
    return sheet.replaced(changes)


def _strays(reading: Reading) -> Iterator[int]:
    """Lines outside fences that were meant to open one, but are indented too far."""
    for part in reading.document.parts:
        if isinstance(part, Fence) and part.fenced:
            continue
        start = part.start + 1 if isinstance(part, Fence) else part.start
        for number in range(max(start, 0), min(part.end, len(reading.sheet.lines))):
            mark = fence_line(reading.sheet.lines[number])
            if mark is not None:
                yield number
                break


def _outdented(sheet: Sheet, start: int) -> Sheet:
    """A fence and its code moved to the first column, out of whatever list they were in."""
    opening = fence_line(sheet.lines[start])
    if opening is None:
        return sheet
    end = next(
        (
            n
            for n in range(start + 1, len(sheet.lines))
            if (m := fence_line(sheet.lines[n])) and m.closes and m.ends(opening)
        ),
        len(sheet.lines),
    )
    body = sheet.lines[start + 1 : end]
    width = min((len(line) - len(line.lstrip(" \t")) for line in body if line.strip()), default=0)
    width = min(width, len(opening.prefix))
    changes = {start: sheet.lines[start][len(opening.prefix) :]}
    changes |= {start + 1 + number: line[width:] for number, line in enumerate(body)}
    if end < len(sheet.lines):
        changes[end] = sheet.lines[end].lstrip(" \t>")
    return sheet.replaced(changes)
