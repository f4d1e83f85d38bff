"""What of the tables of signing in is whose."""

from portal.kernel.personal import Erase, Move, declare, nobodys

declare(
    "second_step",
    owner="member_id",
    export="second_step",
    secret=("secret", "last_counter"),
    erase=Erase.DELETE,
    move=Move.STAY,
    again=False,
    why="A key to this account, not to another.",
)
declare(
    "recovery_code",
    owner="member_id",
    export="recovery_codes",
    secret=("digest",),
    erase=Erase.DELETE,
    move=Move.STAY,
    again=False,
    why="A key to this account, not to another.",
)
declare(
    "passkey",
    owner="member_id",
    export="passkeys",
    secret=("credential", "public_key"),
    erase=Erase.DELETE,
    move=Move.STAY,
    again=False,
    why="A key to this account, not to another.",
)
nobodys("try_count", "Hashes of what was tried, forgotten when the hour is over.")
