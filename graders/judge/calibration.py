"""How far a judge agrees with the truth: what was asked, what is known, and the figures that follow.

Here: the values, and `measure`. Not here: their arithmetic (`rates`), what the figures permit (`licence`), files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Provenance(StrEnum):
    """Where the truth of an item comes from."""

    EXECUTION = "execution"
    """The answer's code was run, and the attack suite decided."""
    LABEL = "label"
    """Somebody, or a model, read the answer. Labels by a model of the judge's own family share its errors, so labelled
    items are shown and never earn a licence."""


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """One question to the judge whose right answer is known. Raises ValueError without a vote, or for flags that do not fit."""

    item: str
    """Its id, unique within the answer."""
    case: str
    answer: str
    """Id of the answer that the question is about. Items of one answer are not independent of each other."""
    revision: str
    """The persona's revision that gave the answer."""
    dimension: str
    provenance: Provenance
    truth: bool
    """Whether the criterion is met."""
    votes: tuple[bool | None, ...]
    """The judge's verdicts in separate conversations, at least one: met, not met, or None (not applicable, unscored)."""
    invalid: tuple[bool, ...] = ()
    """For each vote, whether a reply was invalid, also when asking once more then gave a verdict. Empty: none was."""

    def __post_init__(self) -> None:
        if not self.votes:
            message = f"item {self.item} of answer {self.answer} has no vote"
            raise ValueError(message)
        if self.invalid and len(self.invalid) != len(self.votes):
            message = (
                f"item {self.item} of answer {self.answer} has {len(self.votes)} votes and {len(self.invalid)} flags"
            )
            raise ValueError(message)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Each vote in a word: met, not met, abstained (a sound reply without a verdict), invalid (no sound reply)."""
        flags = self.invalid or (False,) * len(self.votes)
        words = {True: "met", False: "not met"}
        return tuple(
            words[vote] if vote is not None else "invalid" if flag else "abstained"
            for vote, flag in zip(self.votes, flags, strict=True)
        )


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval, and the number of items that it is made of."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """First votes against the truth, in items. "Positive" means that the criterion is met."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0
    abstained: int = 0
    """Sound replies without a verdict."""
    invalid: int = 0
    """No sound reply, so no verdict."""

    @property
    def decided(self) -> int:
        return self.tp + self.fp + self.fn + self.tn

    @property
    def items(self) -> int:
        return self.decided + self.abstained + self.invalid


@dataclass(frozen=True, kw_only=True)
class Measures:
    """How a judge did on some items. A figure that has nothing to be made of is None."""

    confusion: Confusion
    answers: int
    """How many answers the items are about: the number of clusters."""
    labelled: int
    """How many of the items are labelled, not executed."""
    sensitivity: Estimate | None
    """Of the decided items whose criterion is met, the share judged met."""
    specificity: Estimate | None
    """Of the decided items whose criterion is not met, the share judged not met."""
    balanced_accuracy: Estimate | None
    kappa: Estimate | None
    macro_f1: Estimate | None
    coverage: Estimate | None
    """Share of the items that the first vote decided."""
    invalid_rate: Estimate | None
    """Share of the items with an invalid reply in the first vote, also when asking once more gave a verdict."""
    self_consistency: Estimate | None
    """Of the items with two or more votes, the share on which all votes have one outcome, none of them invalid."""


def executed(items: Iterable[Labelled]) -> tuple[Labelled, ...]:
    """The items whose truth was found by running code: those that count for a licence."""
    return tuple(item for item in items if item.provenance is Provenance.EXECUTION)


def measure(items: Sequence[Labelled]) -> Measures:
    """The judge's figures on these items, the first vote counting (a grade is made of one vote too).

    Agreement is taken over decided items; what was not decided shows in `coverage`. Figures of agreement need both
    classes and are None without them. Cohen's kappa: Educational and Psychological Measurement 20, 1960, p. 37.
    `macro_f1` is the balanced F1 of HealthBench's meta-evaluation (arXiv 2505.08775; `healthbench_meta_eval.py` in
    openai/simple-evals): the mean of the F1 for "met" and the F1 for "not met". Where a judge never says one of the
    two, that F1 is 0 here; HealthBench leaves the figure out, which would spare the worst judge.

    Each interval has on either side the wider of two limits, since each of the two fails where the other holds:

    - percentiles of 2,000 resamplings of whole answers, of a fixed seed: items of one answer share its oddities, and
      resampling items would count them as independent (Davison and Hinkley, Bootstrap Methods, 1997, sec. 3.8; Field
      and Welsh, JRSS B 69, 2007, p. 369). It collapses to a point for a judge without a visible error, and is too
      narrow with fewer than about twenty answers;
    - Wilson's interval of each share, and for balanced accuracy, kappa and macro-F1 the limits of sensitivity and
      specificity put into the formula and joined by `square_and_add`, the sizes of both classes held as they are in
      the gold set. All three rise with either share, so it applies. It never collapses, and ignores clusters.

    So intervals cover at least about what they say, and more where items are independent. Both at once fail for a
    judge that is perfect on many items of few answers: look at `answers` beside `n`.

    Raises ValueError when an item is there twice.
    """
    if len({(item.answer, item.item) for item in items}) < len(items):
        message = "an item is there twice"
        raise ValueError(message)
    from graders.judge.rates import estimates

    return Measures(
        confusion=_confusion(items),
        answers=len({item.answer for item in items}),
        labelled=len(items) - len(executed(items)),
        **estimates(items),
    )


def _confusion(items: Sequence[Labelled]) -> Confusion:
    firsts = [(item.outcomes[0], item.truth) for item in items]
    return Confusion(
        tp=firsts.count(("met", True)),
        fp=firsts.count(("met", False)),
        fn=firsts.count(("not met", True)),
        tn=firsts.count(("not met", False)),
        abstained=sum(outcome == "abstained" for outcome, _ in firsts),
        invalid=sum(outcome == "invalid" for outcome, _ in firsts),
    )
