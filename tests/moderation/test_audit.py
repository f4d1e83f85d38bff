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


@pytest.mark.parametrize(
    ("statement", "which", "problem"),
    [
        ('UPDATE audit_entry SET details = \'{"stage": "declined"}\' WHERE id = :id', 1, "changed"),
        ("UPDATE audit_entry SET actor_id = 8 WHERE id = :id", 1, "changed"),
        ("UPDATE audit_entry SET at = at + interval '1 second' WHERE id = :id", 1, "changed"),
        ("DELETE FROM audit_entry WHERE id = :id", 2, "missing"),
    ],
)
def test_the_first_bad_entry_is_named(app: Flask, statement: str, which: int, problem: str) -> None:
    ids = write()
    tamper(statement.replace(":id", str(ids[1])))
    verdict = audit.verify()
    assert (verdict.bad_id, verdict.sound) == (ids[which], False)
    assert problem in verdict.problem


def test_a_chain_that_was_cut_at_its_end_does_not_hold_the_hash_that_was_kept(app: Flask) -> None:
    ids = write()
    head = audit.verify().head
    tamper(f"DELETE FROM audit_entry WHERE id = {ids[2]}")
    assert audit.verify().sound
    assert not audit.verify(head).sound


def test_the_database_itself_refuses_to_change_what_is_sealed(app: Flask) -> None:
    ids = write()
    for statement in (
        f"UPDATE audit_entry SET act = 'x' WHERE id = {ids[0]}",
        f"DELETE FROM audit_entry WHERE id = {ids[0]}",
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
