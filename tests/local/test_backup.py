"""A community goes into one file and comes back from it."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import select

from portal.kernel.database import db
from portal.local import backup
from portal.local.addresses import conninfo
from portal.local.errors import LocalError
from portal.local.places import Places, places
from portal.members.models import Member
from portal.members.privacy import erasing
from portal.members.privacy.jobs import again as erase_again
from tests import factories


@pytest.fixture
def empty_database(database_url: str) -> Iterator[str]:
    """Address of an empty database on the same server."""
    name = f"restored_{os.getpid()}"
    ours = database_url.rpartition("/")[2].partition("?")[0]
    if "?" in database_url:
        ours = database_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(conninfo(database_url), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield database_url.replace(f"/{ours}", f"/{name}", 1)
    with psycopg.connect(conninfo(database_url), autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def place(tmp_path: Path) -> Places:
    found = places(tmp_path / "data")
    for name in ("uploads", "postgres"):
        (found.data / name).mkdir(parents=True)
        (found.data / name / "file").write_text(name)
    return found


def members_in(url: str) -> list[str]:
    with psycopg.connect(conninfo(url)) as link:
        return [name for (name,) in link.execute("SELECT name FROM member ORDER BY name")]


@pytest.fixture
def saved(committed: Flask, place: Places, database_url: str, tmp_path: Path) -> Path:
    factories.a_member(name="Ornella")
    db.session.commit()
    target = tmp_path / "saved.tar.gz"
    backup.back_up(database_url, place, target)
    return target


def test_what_was_backed_up_comes_back(saved: Path, empty_database: str, tmp_path: Path) -> None:
    elsewhere = places(tmp_path / "elsewhere")
    backup.restore(empty_database, elsewhere, saved)
    assert "Ornella" in members_in(empty_database)
    assert (elsewhere.data / "uploads" / "file").read_text() == "uploads"
    assert not (elsewhere.data / "postgres").exists()


def test_a_community_is_only_replaced_when_asked(saved: Path, empty_database: str, place: Places) -> None:
    backup.restore(empty_database, place, saved)
    with psycopg.connect(conninfo(empty_database), autocommit=True) as link:
        link.execute("UPDATE member SET name = 'Somebody else'")
    with pytest.raises(LocalError, match="--replace"):
        backup.restore(empty_database, place, saved)
    assert "Somebody else" in members_in(empty_database)
    backup.restore(empty_database, place, saved, replace=True)
    assert "Ornella" in members_in(empty_database)


def test_nobody_else_can_read_it(saved: Path) -> None:
    assert saved.stat().st_mode & 0o077 == 0


def test_what_is_no_backup_is_refused_and_nothing_changes(empty_database: str, place: Places, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.tar.gz"
    garbage.write_bytes(b"wool")
    with pytest.raises(LocalError, match="not a backup"):
        backup.restore(empty_database, place, garbage)
    outside = tmp_path / "outside.tar.gz"
    with tarfile.open(outside, "w:gz") as box:
        box.add(garbage, "../../escaped")
    with pytest.raises(LocalError, match="not a backup"):
        backup.restore(empty_database, place, outside)
    assert not (tmp_path.parent / "escaped").exists()


def test_whoever_was_erased_since_does_not_come_back(
    saved: Path, committed: Flask, place: Places, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(committed.config, "PORTAL_DATA_DIR", str(place.data))
    stays = factories.a_member(name="Rosa")
    ornella = db.session.scalars(select(Member.id).filter_by(name="Ornella")).one()
    backup.back_up(database_url, place, saved)
    erasing.erase(ornella, texts=True)
    db.session.commit()
    db.session.remove()
    db.engine.dispose()

    backup.restore(database_url, place, saved, replace=True)
    assert members_in(database_url) == ["Ornella", "Rosa"]
    assert erase_again() == 1
    assert members_in(database_url) == [erasing.NOBODY, "Rosa"]
    assert db.session.get_one(Member, stays).erased_at is None
    db.session.rollback()
