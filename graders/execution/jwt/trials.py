"""The table of attacks, in the order in which they are made.

Here: ids, titles, what each needs. Not here: the attacks themselves.
"""

from __future__ import annotations

from graders.execution.attack import Attack
from graders.execution.jwt.attacks_access import admins_only, others_notes, wrong_place
from graders.execution.jwt.attacks_bodies import bodies
from graders.execution.jwt.attacks_errors import loose_tongue, odd_requests, right_statuses, store_fails
from graders.execution.jwt.attacks_limits import limited, locked_out
from graders.execution.jwt.attacks_secrets import no_secret, secrets_shown
from graders.execution.jwt.attacks_sessions import (
    access_after_logout,
    endless_session,
    refresh_after_logout,
    registered_twice,
    used_twice,
)
from graders.execution.jwt.attacks_tokens import (
    clock_skew,
    endless,
    forged,
    no_token,
    other_algorithms,
    other_issuers,
    out_of_time,
    own_key_named,
    unsigned,
)
from graders.execution.jwt.lab import Trial

TRIALS = (
    Trial(attack=Attack(id="JWT-SEC-1", title="no token, or none that is one"), run=no_token),
    Trial(attack=Attack(id="JWT-SEC-2", title="unsigned tokens, alg none"), run=unsigned),
    Trial(attack=Attack(id="JWT-SEC-3", title="forged and changed tokens"), run=forged),
    Trial(attack=Attack(id="JWT-SEC-4", title="expired tokens, tokens not yet valid"), run=out_of_time),
    Trial(attack=Attack(id="JWT-SEC-5", title="tokens without an expiry"), run=endless),
    Trial(attack=Attack(id="JWT-SEC-6", title="other algorithms with the same secret"), run=other_algorithms),
    Trial(attack=Attack(id="JWT-SEC-7", title="other issuers and audiences"), run=other_issuers),
    Trial(attack=Attack(id="JWT-SEC-8", title="tokens that name their own key: kid, jwk, jku, x5u"), run=own_key_named),
    Trial(attack=Attack(id="JWT-SEC-10", title="passwords, hashes, tokens in replies, claims and logs"), run=secrets_shown),
    Trial(attack=Attack(id="JWT-SEC-11", title="tokens in the query string, bare cookies"), run=wrong_place),
    Trial(attack=Attack(id="JWT-SEC-12", title="users on the admin's route"), run=admins_only),
    Trial(attack=Attack(id="JWT-SEC-16", title="other people's notes"), run=others_notes),
    Trial(attack=Attack(id="JWT-TX-1", title="a refresh token used twice, in turn and at once"), run=used_twice),
    Trial(attack=Attack(id="JWT-TX-2", title="refresh tokens after the logout"), run=refresh_after_logout),
    Trial(attack=Attack(id="JWT-TX-3", title="access tokens after the logout"), run=access_after_logout),
    Trial(attack=Attack(id="JWT-TX-4", title="one address registered twice, in turn and at once"), run=registered_twice),
    Trial(attack=Attack(id="JWT-ERR-1", title="401, 403 and 404 where they belong"), run=right_statuses),
    Trial(attack=Attack(id="JWT-ERR-3", title="internals in replies to bad requests"), run=loose_tongue),
    Trial(attack=Attack(id="JWT-ERR-5", title="missing, odd, empty and endless bodies"), run=bodies, ends=True),
    Trial(attack=Attack(id="JWT-ERR-6", title="the other issuer's clock is off"), run=clock_skew),
    Trial(attack=Attack(id="JWT-TX-5", title="a session that is refreshed for ever"), run=endless_session, fresh=True),
    Trial(attack=Attack(id="JWT-SEC-14", title="many logins, registrations, refreshes"), run=limited, fresh=True, divisor=20),
    Trial(attack=Attack(id="JWT-SEC-15", title="an owner kept out by wrong passwords"), run=locked_out, fresh=True, divisor=4),
    Trial(attack=Attack(id="JWT-ERR-4", title="a store that fails"), run=store_fails, fresh=True, ends=True),
    Trial(attack=Attack(id="JWT-ERR-2", title="malformed headers, paths, tokens, bodies"), run=odd_requests, ends=True),
    Trial(attack=Attack(id="JWT-SEC-9", title="started without its secret"), run=no_secret),
)  # fmt: skip
