"""The audit record: one chain, whoever writes at once; what was changed afterwards is found and named."""

import threading

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.kernel.database import db, transaction
from portal.members.services import audit

TAMPER = "SET LOCAL session_replication_role = replica"


def write(count: int = 3) -> list[int]:
    ids = [audit.note(7, "idea.stage", "idea", n, stage="planned") for n in range(count)]
    db.session.commit()
    return ids


def tamper(statement: str) -> None:
    """Change the record past its trigger, as somebody with the keys of the database could."""
    db.session.execute(text(TAMPER))
    db.session.execute(text(statement))
    db.session.commit()


def test_a_sound_chain_holds_and_says_its_length(app: Flask) -> None:
    write()
    verdict = audit.verify()
    assert (verdict.sound, verdict.entries) == (True, 3)
    assert audit.verify(verdict.head).sound


CHANGES = {
    "what": ("UPDATE audit_entry SET act = 'idea.hide' WHERE id = :second", 1, "changed"),
    "who": ("UPDATE audit_entry SET actor_id = 8 WHERE id = :second", 1, "changed"),
    "nobody": ("UPDATE audit_entry SET actor_id = NULL WHERE id = :second", 1, "changed"),
    "when": ("UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE id = :second", 1, "changed"),
    "to what": ("UPDATE audit_entry SET subject_kind = 'member' WHERE id = :second", 1, "changed"),
    "to which": ("UPDATE audit_entry SET subject_id = subject_id + 1 WHERE id = :second", 1, "changed"),
    "details": ('UPDATE audit_entry SET details = \'{"stage": "declined"}\' WHERE id = :second', 1, "changed"),
    "its hash": ("UPDATE audit_entry SET hash = sha256('x') WHERE id = :second", 1, "changed"),
    "its place": ("UPDATE audit_entry SET seq = 9 WHERE id = :second", 2, "missing"),
    "unsealed": ("UPDATE audit_entry SET seq = NULL, hash = NULL WHERE id = :last", 2, "not sealed"),
    "gone at the beginning": ("DELETE FROM audit_entry WHERE id = :first", 1, "missing"),
    "gone in the middle": ("DELETE FROM audit_entry WHERE id = :second", 2, "missing"),
    "two change places": (
        """UPDATE audit_entry SET seq = CASE seq WHEN 2 THEN -1 ELSE 2 END WHERE id IN (:second, :last);
        UPDATE audit_entry SET seq = 3 WHERE seq = -1""",
        2,
        "changed",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_first_bad_entry_is_named_whatever_was_changed(app: Flask, change: str) -> None:
    ids = write()
    statement, which, problem = CHANGES[change]
    for one in statement.split(";"):
        tamper(one.replace(":first", str(ids[0])).replace(":second", str(ids[1])).replace(":last", str(ids[2])))
    verdict = audit.verify()
    assert (verdict.bad_id, verdict.sound) == (ids[which], False)
    assert problem in verdict.problem


def test_an_entry_put_in_afterwards_is_named(app: Flask) -> None:
    write()
    tamper(
        "INSERT INTO audit_entry (actor_id, act, subject_kind, details, seq, hash)"
        " VALUES (7, 'member.role', 'member', '{}', 4, sha256('forged'))"
    )
    verdict = audit.verify()
    assert verdict.bad_id == db.session.scalar(text("SELECT max(id) FROM audit_entry"))
    assert not verdict.sound


def test_a_chain_that_was_cut_at_its_end_is_noticed_without_any_hash_kept(app: Flask) -> None:
    ids = write()
    tamper(f"DELETE FROM audit_entry WHERE id IN ({ids[1]}, {ids[2]})")
    verdict = audit.verify()
    assert (verdict.sound, verdict.entries) == (False, 1)
    assert verdict.problem == "entries 2 to 3 are missing at its end"
    write(1)
    assert not audit.verify().sound


def test_a_chain_whose_head_was_set_back_too_does_not_hold_the_hash_that_was_kept_elsewhere(app: Flask) -> None:
    ids = write()
    head = audit.verify().head
    tamper(f"DELETE FROM audit_entry WHERE id = {ids[2]}")
    tamper("UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM audit_entry ORDER BY seq DESC LIMIT 1)")
    assert audit.verify().sound
    assert not audit.verify(head).sound
    assert not audit.verify(f" {head.upper()}\n").sound
    assert audit.verify(audit.verify().head.upper()).sound


def test_the_database_itself_refuses_to_change_what_is_sealed(app: Flask) -> None:
    ids = write()
    for statement in (
        f"UPDATE audit_entry SET act = 'x' WHERE id = {ids[0]}",
        f"DELETE FROM audit_entry WHERE id = {ids[0]}",
        "UPDATE audit_head SET seq = seq - 1",
        "DELETE FROM audit_head",
    ):
        with pytest.raises(DBAPIError), db.session.begin_nested():
            db.session.execute(text(statement))


def test_writers_at_once_do_not_fork_the_chain(committed: Flask) -> None:
    start = threading.Barrier(8)

    def writer(number: int) -> None:
        with committed.app_context():
            start.wait()
            for n in range(6):
                with transaction():
                    # Some write several in one transaction, in both orders of what else they lock.
                    audit.note(number, "member.role", "member", n)
                    if n % 2:
                        audit.note(number, "board.open", "board", n)
            db.session.remove()

    threads = [threading.Thread(target=writer, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = audit.verify()
    assert (verdict.sound, verdict.entries) == (True, 72)


def test_what_is_rolled_back_leaves_no_gap(committed: Flask) -> None:
    write(1)
    audit.note(7, "idea.stage", "idea", 1)
    db.session.rollback()
    write(1)
    verdict = audit.verify()
    assert (verdict.sound, verdict.entries) == (True, 2)


@pytest.mark.parametrize("detail", ["ada@lanaviva.example.org", "x" * 201, object()])
def test_it_keeps_no_personal_text(app: Flask, detail: object) -> None:
    with pytest.raises(ValueError, match="audit record"):
        audit.note(7, "member.role", "member", 1, email=detail)
