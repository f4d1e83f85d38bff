"""What of reputation is whose: the ledger and all that it adds up to are worked out from the record."""

from portal.kernel.personal import Erase, Move, declare, nobodys

WORKED_OUT = "Worked out from the record, and again where the record is."
declare(
    "reputation_entry", owner="beneficiary_id", others=("actor_id",), export="reputation_lines", erase=Erase.KEEP,
    move=Move.DERIVED, again=False, things=(("object_kind", "object_id"),), why=WORKED_OUT,
)  # fmt: skip
declare("reputation", owner="member_id", export="reputation", erase=Erase.DELETE, move=Move.DERIVED, again=False,
        why=WORKED_OUT)  # fmt: skip
declare("trust_standing", owner="member_id", export="trust_level", erase=Erase.DELETE, move=Move.DERIVED, again=False,
        why=WORKED_OUT)  # fmt: skip
declare("badge", owner="member_id", export="badges", erase=Erase.DELETE, move=Move.DERIVED, again=False, why=WORKED_OUT)
declare("benefit", owner="member_id", others=("given_by",), export="benefits", erase=Erase.DELETE, move=Move.MOVE,
        things=(("object_kind", "object_id"),))  # fmt: skip
declare("benefit_entry", owner="by_id", export="benefit_history", erase=Erase.KEEP, move=Move.STAY, again=False,
        why="A line says that a benefit was given or claimed, and when; it goes with its benefit.")  # fmt: skip
nobodys("trust_spread", "When trust was last spread, and through how many.")
