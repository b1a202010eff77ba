"""Attacks by a provider that fails and a process that dies: what the caller is told, and where the money is in the end.

Each reads the notes of `recovery`; nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Iterable

from graders.criterion import Status
from graders.execution.attack import Outcome
from graders.execution.payment.money import faults as money_faults
from graders.execution.payment.recovery import PATIENCE, Recovery, Trial
from graders.execution.payment.verdicts import judged, outcome

CHARGED = ("error_after", "broken", "drop_after", "hang", "late")
"""The provider makes the transfer, and does not say so in time."""
UNCERTAIN = ("error", "drop", *CHARGED, "crash", "crash_after", "unstored")
TOLD = {
    "decline": "the provider declines",
    "error": "the provider answers 500, no transfer made",
    "error_after": "the provider makes the transfer and answers 500",
    "broken": "the provider makes the transfer, its reply cannot be read",
    "drop": "the connection to the provider breaks, no transfer made",
    "drop_after": "the provider makes the transfer, the connection breaks",
    "late": "the connection breaks, the transfer is made minutes later",
    "hang": "the provider makes the transfer and never answers",
    "crash": "the process is killed while the provider has the request, no transfer made",
    "crash_after": "the process is killed after the transfer, before it is stored",
    "unstored": "the provider agrees, the database cannot store it",
    "reject": "the provider answers 400 to every request for it, no transfer made",
    "outage": "the provider answers 503 to everything for more than a day, no transfer made",
}


def pay_tx_6(notes: Recovery) -> Outcome:
    """The process is killed between the provider's transfer and the commit. The caller retries; the job runs.

    Pass: one transfer, one debit, and the payment ends as succeeded. Fail: a second transfer, money gone without a
    payment, or the payment never ends.
    """
    trial = notes.trials["crash_after"]
    final = trial.states[-1]
    faults = money_faults(final)
    if len(final.charges) != 1:
        faults.insert(0, f"{len(final.charges)} transfers were made")
    if [each.status for each in final.payments] != ["succeeded"]:
        faults.append("the payment does not end as succeeded")
    return judged(faults, "one transfer, and it is found again", _story(trial))


def pay_tx_7(notes: Recovery) -> Outcome:
    """Payments whose end is not known (error, broken connection, silence, crash): the job runs after 2 minutes and later.

    Pass: each ends as succeeded or failed within a day, without a person. Fail: one is still pending.
    """
    faults = [f"still pending after a day: {TOLD[name]}" for name in UNCERTAIN if notes.trials[name].states[-1].pending]
    lines = [f"{TOLD[name]}: {_ends(notes.trials[name])}" for name in UNCERTAIN]
    return judged(faults, "every payment comes to its end", lines)


def pay_tx_13(notes: Recovery) -> Outcome:
    """The provider is out of order for more than a day, then well again; the job runs on.

    Pass: the payment ends as succeeded or failed, with the money where it belongs. Fail: it is still pending a day later,
    and nothing in the database but numbers and moments has changed. Unscored: still pending, but something says so.
    """
    return _lasting(notes.trials["outage"], "it ends once the provider is well again")


def pay_tx_14(notes: Recovery) -> Outcome:
    """The provider answers 400 to this payment, each time that it is sent, and knows no transfer.

    Pass: the payment ends as failed (or succeeded), with the money where it belongs. Fail: it is still pending after two
    days, and nothing in the database but numbers and moments has changed. Unscored: still pending, but something says so.
    """
    return _lasting(notes.trials["reject"], "it ends though the provider will not have it")


def _lasting(trial: Trial, fine: str) -> Outcome:
    final = trial.states[-1]
    lines = [f"{TOLD[trial.name]}: POST -> {trial.reply}", f"at once: {trial.states[0]}", f"in the end: {final}"]
    faults = money_faults(final)
    if final.pending and trial.marks[-1] != trial.marks[0] and not faults:
        reason = "still pending, but something in the database says so; whether that is a state to be seen is not for a program to tell"
        return outcome(Status.UNSCORED, reason, lines)
    if final.pending:
        faults.append("still pending after two days, and nothing in the database says so")
    return judged(faults, fine, lines)


def pay_tx_11(notes: Recovery) -> Outcome:
    """Money is not given back on a guess: the provider made the transfer, but answered 500, nonsense, nothing, or late.

    In the first run of the job one look-up fails, and one transfer (two minutes old) is not yet known to the provider.
    Pass: at no time is such a payment failed or its amount back on the balance. Fail: it is.
    """
    faults: list[str] = []
    lines: list[str] = []
    for name in CHARGED:
        trial = notes.trials[name]
        for when, state in zip(("at once", "after two minutes", "in the end"), trial.states, strict=True):
            if any(each.status == "failed" for each in state.payments) or money_faults(state):
                faults.append(f"{TOLD[name]}: {when} the payment counts as failed, or its amount is back")
        lines.append(f"{TOLD[name]}: {trial.states[-1]}")
    return judged(faults, "only a definite answer leads to a refund", lines)


def pay_tx_12(notes: Recovery) -> Outcome:
    """The provider agrees, but the database cannot store that (a trigger raises); then it can again, and the job runs.

    Pass: the payment stays pending with its money taken, and ends as succeeded with one transfer. Fail: anything else.
    """
    trial = notes.trials["unstored"]
    faults = [fault for state in trial.states for fault in money_faults(state)]
    final = trial.states[-1]
    if len(final.charges) != 1 or [each.status for each in final.payments] != ["succeeded"]:
        faults.append("the payment does not end as succeeded with one transfer")
    return judged(faults, "what could not be stored is made up for", _story(trial))


def pay_err_2(notes: Recovery) -> Outcome:
    """What the caller is told when the provider declines, answers 500 or nonsense, or breaks the connection.

    Pass: declined: a 4xx or `failed`, and the money is back, once the job has run two minutes later; otherwise `pending`,
    or a 502, 503 or 504.
    Fail: `succeeded` for no transfer, `failed` or 402 for one that may have been made, an unmapped 500, or no answer.
    """
    decline = notes.trials["decline"]
    faults = list(_declined(decline))
    for name in ("error", "error_after", "broken", "drop", "drop_after"):
        faults += _answered(notes.trials[name])
    lines = [f"{TOLD[name]}: POST -> {notes.trials[name].reply}" for name in TOLD if name in _MAPPED]
    return judged(faults, "every failure of the provider is mapped", [*lines, f"declined: {decline.states[1]}"])


_MAPPED = ("decline", "error", "error_after", "broken", "drop", "drop_after")


def _declined(trial: Trial) -> Iterable[str]:
    final, reply = trial.states[1], trial.reply
    if reply.state == "succeeded" or reply.status >= 500 or not reply.status:
        yield f"{TOLD['decline']}: answered {reply}"
    if money_faults(final) or final.balance != final.start:
        yield f"{TOLD['decline']}: the money is not back"
    if any(each.status != "failed" for each in final.payments):
        yield f"{TOLD['decline']}: the payment does not end as failed"


def _answered(trial: Trial) -> Iterable[str]:
    reply, told = trial.reply, TOLD[trial.name]
    if reply.status in (0, 500):
        yield f"{told}: answered {reply}"
    if reply.state == "succeeded" and not trial.called_by_job:
        yield f"{told}: answered {reply}"
    if reply.state == "failed" or reply.status == 402:
        yield f"{told}: answered {reply}, as if it had been declined"


def pay_err_3(notes: Recovery) -> Outcome:
    """The provider never answers.

    Pass: within 60 seconds of the service's own time the caller has an answer (or, where the job calls the provider, the
    job ends). Fail: it waits longer.
    """
    trial = notes.trials["hang"]
    lines = [f"{TOLD['hang']}: POST -> {trial.reply}"]
    faults = []
    if not trial.reply.status or notes.waited > PATIENCE:
        faults.append("the caller has no answer after 60 seconds of a silent provider")
    if notes.stuck:
        faults.append("jobs.py does not end while the provider is silent")
    return judged(faults, "waiting for the provider has a limit", lines)


def _ends(trial: Trial) -> str:
    return ", ".join(sorted(each.status for each in trial.states[-1].payments)) or "no payment"


def _story(trial: Trial) -> list[str]:
    lines = [f"{TOLD[trial.name]}: POST -> {trial.reply}"]
    if trial.retry is not None:
        lines.append(f"same key again at another process -> {'answered' if trial.retry.status else trial.retry}")
    return [*lines, f"at once: {trial.states[0]}", f"in the end: {trial.states[-1]}"]
