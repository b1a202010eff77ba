"""Attacks on accounts and login sessions: double registration, used refresh tokens, logout, sessions without end."""

from __future__ import annotations

import time
from collections.abc import Callable

from graders.execution.attack import Outcome
from graders.execution.jwt.lab import PASSWORD, Account, Lab, Undecided, json_request, pair, records
from graders.execution.jwt.wire import Reply

HOUR = 3600
STEPS = ((144 * HOUR, 70), (20 * HOUR, 480), (50 * 60, 2880))
"""Seconds between two refreshes, and how often: over a year, over a year, a hundred days."""


def used_twice(lab: Lab) -> Outcome:
    """A refresh token is used, used again, and then its successor; in another session one is used twice at the same moment.

    Passes when the second use is refused and ends the session (its successor is refused too), and of two simultaneous uses
    exactly one wins. Fails otherwise. The two run in lockstep: each waits at every call of the store until the other has
    come to one. Unscored when no call of the store could be held.
    """
    account = lab.account()
    first = lab.refresh(account.refresh)
    _, successor = pair(first, "POST /auth/refresh")
    again = lab.refresh(account.refresh)
    family = lab.refresh(successor)
    lab.say(f"POST /auth/refresh: first use → {first.status}, second use → {again.status}")
    lab.say(f"POST /auth/refresh with the successor, after the second use → {family.status}")
    together, held = race(lab, lambda: _refresh_twice(lab))
    lab.say(f"two simultaneous uses of one token → {together}")
    if again.accepted:
        return lab.failed("a used refresh token works again")
    if family.accepted:
        return lab.failed("the second use of a refresh token does not end its session")
    wins = sum(status < 400 for status in together)
    if wins != 1:
        return lab.failed(f"of two simultaneous uses of one refresh token {wins} win")
    if not held:
        return lab.unscored("no call of the store could be held, so two simultaneous uses prove nothing")
    return lab.passed("a refresh token works once")


def _refresh_twice(lab: Lab) -> list[bytes]:
    token = lab.account().refresh
    return [json_request("POST", "/auth/refresh", body={"refreshToken": token})] * 2


def race(lab: Lab, prepare: Callable[[], list[bytes]]) -> tuple[list[int], int]:
    """Send requests from different addresses in lockstep; their statuses in order of size, and how many calls were held."""
    requests = prepare()
    lines = [lab.caller().connect() for _ in requests]
    lab.service.order("race", count=len(requests))
    for line, data in zip(lines, requests, strict=True):
        line.send(data)
    statuses = sorted(line.reply().status for line in lines)
    held = lab.service.order("raced").get("held")
    return statuses, held if isinstance(held, int) else 0


def registered_twice(lab: Lab) -> Outcome:
    """An address is registered twice, in other letter case, and another one twice at the same moment, in lockstep.

    Passes when each makes one account: one in the admin's list where there is one, else one 201. Fails when one makes two,
    or none. Unscored when no call of the store could be held.
    """
    email = lab.email()
    first, second = lab.register(email), lab.register(email.upper().replace("@PEOPLE.EXAMPLE", "@People.Example"))
    lab.say(f"POST /auth/register → {first.status}, in other letter case → {second.status}")
    if first.status != 201:
        raise Undecided(f"POST /auth/register answered {first.status}, not 201")
    twin = lab.email()
    body = {"email": twin, "password": PASSWORD}
    together, held = race(lab, lambda: [json_request("POST", "/auth/register", body=body)] * 2)
    lab.say(f"POST /auth/register twice at the same moment → {together}")
    case_made = _accounts(lab, email, first, second)
    race_made = _accounts(lab, twin, *(Reply(status, {}, b"") for status in together))
    lab.say(f"accounts made: {case_made} and {race_made}")
    if case_made != 1:
        return lab.failed(f"one address in two letter cases makes {case_made} accounts")
    if race_made != 1:
        return lab.failed(f"two simultaneous registrations of one address make {race_made} accounts")
    if not held:
        return lab.unscored("no call of the store could be held, so two simultaneous registrations prove nothing")
    return lab.passed("an address makes one account")


def _accounts(lab: Lab, email: str, *replies: Reply) -> int:
    """How many accounts an address has."""
    if lab.facts.admin:
        listed = records(lab.visitor.ask("GET", "/admin/users", lab.admin(lab.account())).json())
        shown = [str(user.get("email", "")).casefold() for user in listed or ()]
        if email.casefold() in shown:
            return shown.count(email.casefold())
    return sum(reply.status == 201 for reply in replies)


def refresh_after_logout(lab: Lab) -> Outcome:
    """Somebody logs out, and the refresh token of that session is used; one that is a refresh older, too.

    Passes when both are refused; fails when one works.
    """
    account = lab.account()
    _, current = pair(lab.refresh(account.refresh), "POST /auth/refresh")
    out = lab.logout(current)
    after, older = lab.refresh(current), lab.refresh(account.refresh)
    lab.say(f"POST /auth/logout → {out.status}")
    lab.say(f"POST /auth/refresh with its token → {after.status}, with the one before → {older.status}")
    if out.status >= 400:
        raise Undecided(f"POST /auth/logout answered {out.status}")
    if after.accepted or older.accepted:
        return lab.failed("a refresh token works after the logout")
    return lab.passed("after the logout the session cannot be refreshed")


def access_after_logout(lab: Lab) -> Outcome:
    """Somebody refreshes and logs out; then both access tokens of the session are used, those of the login and of the refresh.

    Passes when both are refused at once; fails when one is let in.
    """
    account = lab.account()
    access, refresh = pair(lab.refresh(account.refresh), "POST /auth/refresh")
    lab.must_work(access)
    out = lab.logout(refresh)
    lab.say(f"GET /notes before the logout → 200, POST /auth/logout → {out.status}")
    if out.status >= 400:
        raise Undecided(f"POST /auth/logout answered {out.status}")
    let_in = lab.refusals({"the session's last access token": access, "the one before": account.access})
    if let_in:
        return lab.failed(f"after the logout this is still let in: {let_in[0]}")
    return lab.passed("after the logout the session's access tokens are refused")


def endless_session(lab: Lab) -> Outcome:
    """A session is refreshed again and again while the service's clock is moved on: every 6 days, every 20 hours, every 50 minutes.

    Passes when it ends although a refresh at that distance worked before; fails when it lives for more than a year (at
    the shortest distance: 100 days). A distance at which not even the first refresh works says nothing.
    """
    start = int(time.time()) * 1000
    try:
        for distance, times in STEPS:
            account = _login_at(lab, start)
            lasted = _refreshed(lab, account, start, distance, times)
            span = f"{distance // HOUR} h" if distance >= HOUR else f"{distance // 60} min"
            lab.say(f"refreshed every {span}: {lasted} of {times} worked")
            if lasted == times:
                return lab.failed(
                    f"a session that is refreshed every {span} still lives after {distance * times // HOUR // 24} days"
                )
            if lasted:
                return lab.passed("a session ends, however often it is refreshed")
    finally:
        lab.service.order("clock", at=None)
    raise Undecided("a refresh does not even work 50 minutes after the login")


def _login_at(lab: Lab, start: int) -> Account:
    lab.service.order("clock", at=start)
    return lab.account()


def _refreshed(lab: Lab, account: Account, start: int, distance: int, times: int) -> int:
    """How many refreshes at that distance work."""
    token = account.refresh
    for number in range(1, times + 1):
        lab.service.order("clock", at=start + number * distance * 1000)
        reply = lab.refresh(token)
        if not reply.accepted:
            return number - 1
        _, token = pair(reply, "POST /auth/refresh")
    return times
