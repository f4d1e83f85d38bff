"""What of the tables of people, and of the ground beneath them, is whose."""

from portal.kernel.personal import Erase, Move, declare, nobodys

declare(
    "member",
    owner="id",
    export="member",
    secret=("password", "fs_uniquifier"),
    erase=Erase.BY_HAND,
    move=Move.STAY,
    why="The row stays, so that figures keep standing; everything in it that tells who she was is emptied.",
)
declare("identity", owner="member_id", export="identities", erase=Erase.DELETE, move=Move.MOVE)
declare(
    "api_token",
    owner="member_id",
    export="tokens",
    secret=("digest",),
    again=False,
    move=Move.STAY,
    why="An import brings no keys back.",
)
declare(
    "member_session",
    owner="member_id",
    export="sessions",
    secret=("key",),
    again=False,
    move=Move.STAY,
    why="An import opens no sessions.",
)
declare("consent", owner="member_id", export="consents", erase=Erase.DELETE, move=Move.STAY)
nobodys("segment", "A rule about members; it names nobody.")
nobodys("organisation", "A company; the people who look after it are members and erased there.")

declare(
    "activity",
    owner="actor_id",
    export="activity",
    erase=Erase.BY_HAND,
    move=Move.STAY,
    why="The record says what happened under numbers; words of hers in a payload are emptied.",
)
declare(
    "promise",
    owner=None,
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="Work that waits for seconds; what names her goes with her.",
)
declare(
    "long_run",
    owner="asked_by",
    export="long_runs",
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="What she had the portal work out; an import does not work it out again.",
)
nobodys("projection_cursor", "How far each reader of the record is.")
