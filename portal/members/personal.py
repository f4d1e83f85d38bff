"""What of the tables of people, and of the ground beneath them, is whose."""

from portal.kernel.personal import Erase, Erasing, Move, declare, erases, nobodys
from portal.members.services import merging

declare(
    "member",
    owner="id",
    others=("merged_into_id",),
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
declare(
    "member_bell",
    owner="member_id",
    export="bell",
    move=Move.DERIVED,
    again=False,
    why="The number of her unread notices, counted anew with each.",
)
declare(
    "ticket",
    owner="member_id",
    export=None,
    erase=Erase.DELETE,
    move=Move.STAY,
    again=False,
    why="A link or a challenge that lives for minutes or days, kept as a hash.",
)
declare(
    "sign_in_entry",
    owner="member_id",
    export="sign_ins",
    erase=Erase.DELETE,
    move=Move.STAY,
    again=False,
    why="It says who tried this account.",
)
declare("consent", owner="member_id", export="consents", erase=Erase.DELETE, move=Move.STAY)
nobodys("segment", "A rule about members; it names nobody.")
nobodys(
    "organisation",
    "A company; the people who look after it are members and erased there.",
    context=("name", "kind", "key", "country", "region"),
    known_by=("name",),
)

declare(
    "activity",
    owner="actor_id",
    export="activity",
    secret=("xid",),
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

declare(
    "address_proof",
    owner="member_id",
    export="address_proofs",
    secret=("digest",),
    again=False,
    move=Move.STAY,
    why="A link of some days; the address that was proven is among the identities.",
)
declare(
    "identity_doubt",
    owner="member_id",
    others=("other_id", "decided_by"),
    export="identity_doubts",
    again=False,
    move=Move.STAY,
    why="Whom staff asked itself about; the decision is among the identities.",
)
declare(
    "member_merge",
    owner="kept_id",
    others=("gone_id", "by_id", "undone_by"),
    export="merges",
    erase=Erase.BLANK,
    blank={"evidence": ""},
    again=False,
    move=Move.STAY,
    why="Which accounts were joined; an import is one account.",
)
nobodys("member_merge_row", "Keys of the rows that a merge touched; the merge says whose they are.")


@erases
def forget_how_to_part(erasing: Erasing) -> None:
    """Forget how to part accounts that were joined."""
    merging.forget(erasing.member_id)
