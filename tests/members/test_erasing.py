"""Erasing a member: nothing of her is left anywhere, and the figures keep standing."""

import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from portal.ideas import ledger
from portal.ideas.models import IdeaTally
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.errors import NotFound, Refused
from portal.local.binaries import find_postgres
from portal.members import queries, services
from portal.members.guests.models import GuestAct
from portal.members.models import Member
from portal.members.privacy import erasing, files, jobs, tombstones
from portal.members.privacy.models import ErasureRequest
from tests.conftest import Workers
from tests.members import a_whole_life
from tests.members.a_whole_life import ASIDE, TEXTS, TOKENS, live
from tests.members.factories import a_member


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
