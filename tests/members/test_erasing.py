"""Erasing a member: nothing of her is left anywhere, and the figures keep standing."""

import re
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Column, LargeBinary, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import make_url

from portal.analytics.topics.models import Topic
from portal.ideas import ledger
from portal.ideas import services as ideas
from portal.ideas.models import IdeaTally
from portal.kernel import personal
from portal.kernel.clock import now
from portal.kernel.database import Model, db
from portal.kernel.errors import NotFound, Refused
from portal.local.binaries import find_postgres
from portal.members import queries, services
from portal.members.guests.models import GuestAct
from portal.members.models import Member
from portal.members.privacy import erasing, files, jobs, tombstones
from portal.members.privacy.models import ErasureRequest
from portal.members.services import audit, merging
from tests.conftest import Workers
from tests.members import a_whole_life
from tests.members.a_whole_life import ASIDE, TEXTS, TOKENS, live
from tests.members.factories import a_member, a_viewer


def dump(app: Flask) -> str:
    """Return everything the database holds, as pg_dump writes it, with packed columns unpacked."""
    url = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).set(drivername="postgresql")
    program = find_postgres().program("pg_dump")
    done = subprocess.run(
        [program, "--data-only", "--inserts", f"--dbname={url.render_as_string(hide_password=False)}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout + "".join(_unpacked())


def _unpacked() -> Iterator[str]:
    """Yield the vocabularies of topic models, which lie compressed in the database."""
    from portal.analytics.topics.reading.model import TopicModel

    for (data,) in db.session.execute(text("SELECT data FROM topic_model")):
        model = TopicModel.from_bytes(bytes(data))
        yield " ".join((*model.vocabulary.words, *(word for pair in model.vocabulary.phrases for word in pair)))
    for (body,) in db.session.execute(text("SELECT body FROM api_answer")):
        yield bytes(body).decode(errors="replace")


def broker(app: Flask) -> str:
    """Return every key and value of Valkey."""
    redis = app.extensions["redis"]
    said = []
    for key in redis.scan_iter():
        value = redis.dump(key) or b""
        said.append(repr(key) + value.decode("latin-1") + _plain(redis, key))
    return "\n".join(said)


def _plain(redis: Any, key: bytes) -> str:
    kind = redis.type(key).decode()
    if kind == "hash":
        parts = [part for pair in redis.hgetall(key).items() for part in pair]
        return "".join(_inflated(part) for part in parts)
    return repr(redis.get(key)) if kind == "string" else ""


def _inflated(part: bytes) -> str:
    try:
        return zlib.decompress(part).decode("latin-1")
    except zlib.error:
        return part.decode("latin-1")


def on_disk(app: Flask) -> str:
    """Return every file of the data folder, its name and its bytes."""
    folder = Path(app.config["PORTAL_DATA_DIR"])
    return "\n".join(
        f"{path.name}\n{path.read_bytes().decode('latin-1')}" for path in folder.rglob("*") if path.is_file()
    )


def found(words: Iterable[str], *places: str) -> list[str]:
    """Return the words that stand somewhere, whatever their capitals."""
    everything = "\n".join(places).casefold()
    return [word for word in words if word.casefold() in everything]


VALID = {"kind": {"benefit": "offer"}, "level": {"notification_place": "mute"}, "state": {"identity_doubt": "open"}}
"""What a column takes that does not take any word."""


def leave_a_trace(declared: personal.Table, member_id: int) -> None:
    """Put a row of a member into a table, with a word of its own in every column that takes words."""
    table = Model.metadata.tables[declared.name]
    row: dict[str, Any] = {}
    for column in table.columns:
        given = column.primary_key and column.autoincrement is True
        if column.name in declared.people:
            row[column.name] = member_id if column.name == declared.owner else None
        elif column.foreign_keys:
            key = next(iter(column.foreign_keys)).column
            row[column.name] = db.session.scalar(select(key).limit(1))
        elif not given and not (column.primary_key and column.identity):
            row[column.name] = VALID.get(column.name, {}).get(
                declared.name, _a_word(column, f"zqtraccia{declared.name}")
            )
    db.session.execute(table.insert().values({name: value for name, value in row.items() if value is not None}))


def _a_word(column: Column[Any], word: str) -> Any:
    """Return a value that a column takes; the word, wherever it can stand."""
    if isinstance(column.type, ARRAY):
        return [word] if column.type.item_type.python_type is str else []
    if isinstance(column.type, JSONB):
        return {"said": word}
    if isinstance(column.type, LargeBinary):
        return word.encode()
    plain: dict[type, Any] = {str: word, datetime: now(), date: now().date(), bool: False, float: 0.5, int: 1}
    return plain.get(column.type.python_type, 1)


def test_every_table_that_is_anybodys_forgets_her(committed: Flask, workers: Workers) -> None:
    life = live(committed)
    workers.run()
    db.session.add(Topic(board_id=None, label={"": "Wool"}))
    db.session.flush()
    hers = [one for one in personal.tables().values() if one.erase is personal.Erase.DELETE and one.owner]
    for declared in hers:
        if _rows_of(declared, life.id) == 0:
            leave_a_trace(declared, life.id)
    db.session.commit()
    traces = set(re.findall(r"zqtraccia[a-z_]+", dump(committed)))
    assert len(traces) > 10
    assert [one.name for one in hers if _rows_of(one, life.id) == 0] == []

    erasing.erase(life.id, texts=False)
    db.session.commit()
    workers.run()
    assert [one.name for one in hers if _rows_of(one, life.id)] == []
    assert set(re.findall(r"zqtraccia[a-z_]+", dump(committed))) == set()


def _rows_of(declared: personal.Table, member_id: int) -> int:
    table = Model.metadata.tables[declared.name]
    rows = select(func.count()).select_from(table).where(table.c[str(declared.owner)] == member_id)
    return db.session.scalar(rows) or 0


def test_whoever_worked_here_leaves_without_a_name_and_the_chains_hold(committed: Flask, workers: Workers) -> None:
    life, staff = live(committed), a_viewer(kind="staff", name="Zoraide Timbro", roles=["admin", "brand_manager"])
    a_member(kind="staff", roles=["admin"])
    ideas.set_stage(life.idea, staff, stage="review", answer="Not this year, says the mill.")
    audit.note(staff.id, "member.roles", "member", life.id, roles=["moderator"])
    db.session.commit()

    assert erasing.erase(staff.id, texts=True)
    db.session.commit()
    workers.run()
    assert not found(["Zoraide", "Timbro"], dump(committed), broker(committed), on_disk(committed))
    assert "Not this year, says the mill." in dump(committed)
    assert audit.verify().sound
    assert ledger.first_bad_entry() is None


def test_accounts_that_were_one_are_erased_together_and_once(committed: Flask, workers: Workers) -> None:
    life, other = live(committed), a_member(name="Zelmira Doppia", email="zelmira@doppia.example", verified=True)
    admin = a_member(kind="staff", roles=["admin"])
    merging.merge_members(life.id, other, actor_id=admin, evidence=f"The mill says that {a_whole_life.FIRST} is she")
    db.session.commit()
    workers.run()

    assert erasing.erase(life.id, texts=True)
    db.session.commit()
    assert not erasing.erase(life.id, texts=True)
    assert not erasing.erase(other, texts=True)
    workers.run()
    words = [*TOKENS, *ASIDE, *TEXTS, "Zelmira", "doppia.example"]
    assert [found(words, place) for place in (dump(committed), broker(committed), on_disk(committed))] == [[], [], []]


@pytest.mark.parametrize("texts", [True, False])
def test_nothing_of_an_erased_member_is_left(committed: Flask, workers: Workers, texts: bool, capsys: Any) -> None:
    life = live(committed)
    a_whole_life.keep_a_mail(files.data_folder())
    workers.run("quick")
    before = dump(committed)
    committed.extensions["redis"].set(f"LIMITS/sign-in/{a_whole_life.EMAIL}/10", 1)
    db.session.add(_a_guest_act())
    db.session.commit()
    everything = [*TOKENS, *ASIDE, *TEXTS]
    assert found(everything, before, on_disk(committed)) == everything

    with db.session.begin_nested():
        assert erasing.erase(life.id, texts=texts)
    db.session.commit()
    workers.run()

    gone = everything if texts else [word for word in (*TOKENS, *ASIDE) if word != a_whole_life.PHONE]
    places = dump(committed), broker(committed), on_disk(committed)
    hits = [found(gone, place) for place in places]
    with capsys.disabled():
        sizes = ", ".join(f"{len(place):,}" for place in places)
        sys.stdout.write(
            f"\nerasure: {len(gone)} tokens searched in {sizes} characters of dump, Valkey, files: {sum(map(len, hits))} hits\n"
        )
    assert hits == [[], [], []]
    assert bool(found(TEXTS, places[0])) is not texts


def _a_guest_act() -> GuestAct:
    """Return what she began as a guest and never confirmed."""
    email, name = a_whole_life.EMAIL, a_whole_life.FIRST
    return GuestAct(kind="vote", email=email, name=name, lang="it", title="", payload={}, digest="0", expires_at=now())


def test_votes_and_counts_stay_without_the_person(committed: Flask, workers: Workers) -> None:
    life = live(committed)
    workers.run("quick")
    counted = select(IdeaTally.votes).order_by(IdeaTally.idea_id)
    before = db.session.scalars(counted).all()

    erasing.erase(life.id, texts=True)
    db.session.commit()
    workers.run()

    assert db.session.scalars(counted).all() == before == [1, 1]
    assert ledger.first_bad_entry() is None
    assert not erasing.erase(life.id, texts=True)


def test_the_words_of_a_topic_model_that_only_she_used_go(committed: Flask, workers: Workers) -> None:
    from portal.analytics.topics import jobs as training_jobs
    from portal.analytics.topics import services as topics
    from portal.analytics.topics.scopes import shared_scope
    from tests.analytics.topics.community import open_boards, talk
    from tests.members.factories import a_viewer

    open_boards()
    her = a_viewer(name="Zoe Filo", lang="it")
    talk(48)
    from portal.ideas import services as ideas

    for n in range(8):
        ideas.propose_idea(
            her, board="yarns", title=f"Un arcolaione {n} per tintura", body="robbia mordente arcolaione"
        )
    db.session.commit()
    run = topics.ask_for_training(shared_scope(()))
    db.session.commit()
    assert training_jobs.train_as(run)
    assert found(["arcolaion"], dump(committed))

    erasing.erase(her.id, texts=True)
    db.session.commit()
    workers.run()

    left = dump(committed)
    assert [line[:400] for line in left.splitlines() if "arcolaion" in line.casefold()] == []
    assert not found(["arcolaion"], left)
    assert found(["robbia"], left)


def test_the_last_admin_stays(app: Flask) -> None:
    admin = a_member(roles=["admin"])
    with pytest.raises(Refused):
        erasing.erase(admin, texts=False)
    a_member(roles=["admin"])
    assert erasing.erase(admin, texts=False)


def test_an_erased_member_cannot_be_found_or_sign_in(app: Flask) -> None:
    member_id = a_member(email="gone@example.org")
    key = services.open_session(member_id)
    erasing.erase(member_id, texts=False)
    db.session.commit()
    assert queries.member_id_by_email("gone@example.org") is None
    with pytest.raises(NotFound):
        queries.profile(member_id)
    from portal.members.session.viewer import load_by_key

    assert load_by_key(key) is None
    assert a_member(email="gone@example.org") != member_id


def test_a_wish_waits_some_days_and_can_be_called_off(committed: Flask) -> None:
    member_id = a_member()
    erasing.ask(member_id, texts=True)
    db.session.commit()
    jobs.erase_who_is_due()
    assert erasing.wish_of(member_id)

    erasing.call_off(member_id)
    db.session.commit()
    assert erasing.wish_of(member_id) is None

    erasing.ask(member_id, texts=True)
    db.session.get_one(ErasureRequest, member_id).due_at -= erasing.COOLING_OFF
    db.session.commit()
    jobs.erase_who_is_due()
    assert db.session.scalar(select(Member.erased_at).filter_by(id=member_id)) is not None


def test_whoever_comes_back_with_a_backup_is_erased_again(committed: Flask) -> None:
    member_id = a_member(name="Comes Back")
    joined = db.session.scalars(select(Member.joined_at).filter_by(id=member_id)).one()
    other = a_member(name="Stays Here")
    tombstones.write_file(files.data_folder(), {tombstones.digest_of(member_id, joined): True})

    assert jobs.again() == 1
    assert jobs.again() == 0
    names = dict(db.session.execute(select(Member.id, Member.name)).all())
    assert names == {member_id: erasing.NOBODY, other: "Stays Here"}
    assert tombstones.digest_of(member_id, joined) in tombstones.known()
