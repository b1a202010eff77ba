"""Attacks on who may do what: tokens in the wrong place, roles, and other people's notes."""

from __future__ import annotations

from graders.execution.attack import Outcome
from graders.execution.jwt.lab import Account, Lab, Undecided, pair


def wrong_place(lab: Lab) -> Outcome:
    """A good access token is sent in the query string, under the usual names, without the header; and a refresh token in the header.

    Passes when all are refused, and a cookie that the login sets, if any, is HttpOnly, Secure and SameSite. Fails otherwise.
    """
    email = lab.email()
    lab.register(email)
    logged_in = lab.login(email)
    access, refresh = pair(logged_in, "POST /auth/login")
    lab.must_work(access)
    lab.say("GET /notes with the token in its header → 200")
    let_in = []
    for name in ("token", "access_token", "accessToken", "jwt", "auth"):
        reply = lab.visitor.ask("GET", f"/notes?{name}={access}")
        lab.say(f"GET /notes?{name}=TOKEN → {reply.status}")
        if reply.accepted:
            let_in.append(f"in the query string as {name}")
    if lab.refusals({"the refresh token": refresh}):
        let_in.append("a refresh token in the header")
    bare = [cookie for cookie in logged_in.headers.get("set-cookie", "").split("\n") if cookie and not guarded(cookie)]
    lab.say(f"cookies of the login without HttpOnly, Secure or SameSite: {len(bare)}")
    if let_in:
        return lab.failed(f"a token is taken from the wrong place: {let_in[0]}")
    if bare:
        return lab.failed("the login sets a cookie without HttpOnly, Secure and SameSite")
    return lab.passed("access tokens are taken from their header only")


def guarded(cookie: str) -> bool:
    marks = {part.strip().split("=")[0].lower() for part in cookie.split(";")[1:]}
    return {"httponly", "secure", "samesite"} <= marks


def admins_only(lab: Lab) -> Outcome:
    """A user, a user who asked to be registered as an admin, and tokens with odd roles call `GET /admin/users`.

    Passes when all are refused while a true admin is let in; fails when one is let in.
    """
    account = lab.account()
    admin = lab.admin(account)
    reply = lab.visitor.ask("GET", "/admin/users", admin)
    lab.say(f"GET /admin/users with an admin's token → {reply.status}")
    if not reply.accepted:
        raise Undecided(f"an admin got {reply.status} on GET /admin/users")
    tried = {"a user": account.access, "a user of the other issuer": lab.token(account)}
    tried |= {
        f"role {role}": lab.token(account, role=role) for role in ("Admin", "administrator", "superuser", "", "none")
    }
    tried["no role"] = lab.token(account, role=...)
    tried |= _asked_to_be_admin(lab)
    let_in = lab.refusals(tried, path="/admin/users")
    if let_in:
        return lab.failed(f"GET /admin/users lets in: {let_in[0]}")
    return lab.passed("only admins see the users")


def _asked_to_be_admin(lab: Lab) -> dict[str, str]:
    """The token of somebody who registered with `role: admin`, where that was accepted."""
    made = lab.register(email := lab.email(), role="admin", isAdmin=True)
    lab.say(f"POST /auth/register with role admin → {made.status}")
    if made.status != 201:
        return {}
    access, _ = pair(lab.login(email), "POST /auth/login")
    return {"a user who registered as an admin": access}


def others_notes(lab: Lab) -> Outcome:
    """One account tries to list, read, delete and create another's notes, by id and by naming the owner.

    Passes when the other's note is neither shown nor gone, and what is created belongs to the caller. Fails otherwise.
    An admin of the other issuer is held to the same, for the routes deal with the caller's own notes.
    """
    owner, other = lab.account(), lab.account()
    mine = lab.note(owner, "only mine")
    faults = []
    callers = {"another user": other.access, "another user of the other issuer": lab.token(other)}
    if lab.facts.admin:
        callers["an admin"] = lab.token(other, role="admin")
    for who, token in callers.items():
        faults += _reach_for(lab, who, token, owner, mine)
    faults += _named_owner(lab, owner, other)
    kept = [note.get("text") for note in lab.notes(owner)]
    lab.say(f"the owner's notes before: 1, after: {len(kept)}")
    if kept != ["only mine"]:
        faults.append("the owner's notes were changed by somebody else")
    reply = lab.visitor.ask("GET", f"/notes/{mine}", owner.access)
    if reply.field("text") != "only mine" and not faults:
        raise Undecided(f"the owner got {reply.status} for the own note")
    return lab.failed(faults[0]) if faults else lab.passed("everybody sees and changes the own notes only")


def _reach_for(lab: Lab, who: str, token: str, owner: Account, note: str) -> list[str]:
    caller = lab.visitor
    replies = {
        "GET /notes": caller.ask("GET", "/notes", token),
        "GET /notes?ownerId=": caller.ask("GET", f"/notes?ownerId={owner.id}", token),
        "GET /notes/:id": caller.ask("GET", f"/notes/{note}", token),
        "DELETE /notes/:id": caller.ask("DELETE", f"/notes/{note}", token),
    }
    lab.say(f"{who}: " + ", ".join(f"{what} → {reply.status}" for what, reply in replies.items()))
    faults = [f"{what} shows another's note to {who}" for what, reply in replies.items() if "only mine" in reply.text]
    if lab.visitor.ask("GET", f"/notes/{note}", owner.access).status == 404:
        faults.append(f"DELETE /notes/:id by {who} deletes another's note")
    return faults


def _named_owner(lab: Lab, owner: Account, other: Account) -> list[str]:
    """A note created with somebody else named as its owner; refusing it is right too."""
    named = dict.fromkeys(("ownerId", "owner", "userId", "sub"), owner.id)
    made = lab.visitor.ask("POST", "/notes", other.access, {"text": "from the other", **named})
    planted = any(note.get("text") == "from the other" for note in lab.notes(owner))
    lab.say(f"POST /notes with another as ownerId → {made.status}, in the other's list: {'yes' if planted else 'no'}")
    if planted:
        return ["POST /notes takes the owner from the body"]
    if made.accepted and all(note.get("text") != "from the other" for note in lab.notes(other)):
        return ["POST /notes with another as ownerId makes a note that its author does not own"]
    return []
