"""A member's data as a file: complete, readable, and the same again when it is brought elsewhere."""

import json
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal.ideas import ledger
from portal.kernel import personal
from portal.kernel.database import Model, db
from portal.kernel.errors import Invalid
from portal.members.models import Identity, Member
from portal.members.privacy import bringing, exporting, files
from tests.conftest import FILLED, Workers
from tests.members import a_whole_life
from tests.members.a_whole_life import live
from tests.members.factories import a_member

WORDS = ("key", "title", "body", "name", "value", "purpose", "target_kind", "kind", "action", "at", "since")


def canonical(said: dict[str, Any]) -> dict[str, list[str]]:
    """Return the records of an export with each number put in words, so that two portals can be compared."""
    named: dict[tuple[str, int], str] = {("member", said["member_id"]): "she"}
    tables = {one.export: one.name for one in personal.tables().values() if one.export}
    for table, rows in [*said["context"].items(), *((tables[n], rows) for n, rows in said["records"].items())]:
        for row in rows:
            if "id" in row and table != "member":
                named[table, row["id"]] = f"{table}: " + "/".join(str(row[name]) for name in WORDS if row.get(name))
    compared = {one.export: one for one in personal.tables().values() if one.export and one.again}
    compared["vote_ledger"] = personal.tables()["vote_entry"]
    compared["votes"] = personal.tables()["vote"]
    return {
        name: sorted(json.dumps(in_words(row, one.name, named), sort_keys=True) for row in said["records"][name])
        for name, one in compared.items()
    }


def in_words(row: dict[str, Any], table: str, named: dict[tuple[str, int], str]) -> dict[str, Any]:
    """Return a row without its own number, and with words for those of others."""
    ways = exporting.ways_of(table)
    declared = personal.table(table)
    people = {*exporting.PEOPLE, *(declared.people if declared else ())}
    said = {}
    for name, value in row.items():
        if name in {"id", "seq", "recorded_at", "hash", "fresh", "organisation_id"}:
            continue
        kind = kind_of(name, row)
        if name in people:
            said[name] = named.get(("member", value)) or (value and "somebody")
        elif name == "payload":
            said[name] = in_words(value, table, named)
        elif value is not None and (
            name in ways or kind or (name.endswith("_id") and name[:-3] in Model.metadata.tables)
        ):
            said[name] = named.get((ways.get(name) or kind or name[:-3], value), "nothing")
        else:
            said[name] = value
    return said


def kind_of(name: str, row: dict[str, Any]) -> str | None:
    """Return of what a column holds the number, where another column says so."""
    if name == "target_id":
        return row.get("target_kind")
    if name != "subject_id":
        return None
    return row["payload"].get("target_kind") if row.get("subject_kind") == "target" else row.get("subject_kind")


def empty() -> None:
    with db.engine.begin() as connection:
        tables = connection.exec_driver_sql(FILLED).scalar_one()
        connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    db.session.remove()
    shutil.rmtree(files.data_folder())


def test_an_export_brought_into_an_empty_portal_gives_the_same_member(
    committed: Flask, workers: Workers, tmp_path: Path, capsys: Any
) -> None:
    a_member(name="Somebody Before")
    life = live(committed)
    workers.run()
    exporting.write(life.id, tmp_path / "first.zip")
    first = bringing.read(tmp_path / "first.zip")
    db.session.rollback()
    empty()

    report = bringing.bring(tmp_path / "first.zip", trusted=True)
    db.session.commit()
    workers.run()
    exporting.write(report["id"], tmp_path / "second.zip")
    second = bringing.read(tmp_path / "second.zip")

    before, after = canonical(first), canonical(second)
    rows = sum(map(len, before.values()))
    missing = [row for name in before for row in before[name] if row not in after[name]]
    new = [row for name in after for row in after[name] if row not in before[name]]
    with capsys.disabled():
        sys.stdout.write(
            f"\nexport: {rows} records of {sum(map(bool, before.values()))} kinds; {len(missing)} missing\n"
        )
    assert report["missing"] == []
    assert second["files"] == first["files"] != []
    assert missing == []
    assert new == []
    assert rows > 40
    assert ledger.first_bad_entry() is None


def test_an_export_is_complete_and_holds_no_keys(committed: Flask, workers: Workers, tmp_path: Path) -> None:
    life = live(committed)
    workers.run()
    exporting.write(life.id, tmp_path / "she.zip")
    with zipfile.ZipFile(tmp_path / "she.zip") as box:
        text = box.read(exporting.DOCUMENT).decode()
    said = json.loads(text)
    for token in (*a_whole_life.TOKENS, *a_whole_life.TEXTS, *a_whole_life.ASIDE):
        assert token in text, token
    declared = {one.export for one in personal.tables().values() if one.export}
    assert set(said["records"]) == declared
    assert all(why for why in said["left_out"].values())
    secrets = list(db.session.scalars(select(Member.fs_uniquifier).filter_by(id=life.id)))
    secrets += [row[0] for row in db.session.execute(db.text("SELECT key FROM member_session"))]
    secrets += [row[0] for row in db.session.execute(db.text("SELECT digest FROM api_token"))]
    assert len(secrets) > 2
    assert not [secret for secret in secrets if secret in text]
    assert "Otto" not in text
    assert oct((tmp_path / "she.zip").stat().st_mode)[-3:] == "600"


def test_a_file_of_unknown_hands_gives_no_rights(committed: Flask, tmp_path: Path) -> None:
    admin = a_member(roles=["admin"], kind="staff", email="admin@example.org", verified=True)
    exporting.write(admin, tmp_path / "admin.zip")
    db.session.rollback()
    empty()
    made = bringing.bring(tmp_path / "admin.zip")["id"]
    db.session.commit()
    who = db.session.get_one(Member, made)
    assert (who.roles, who.kind, who.email_verified_at) == ([], "customer", None)
    assert not db.session.scalars(select(Identity.verified).filter_by(member_id=made, verified=True)).all()


def test_an_import_refuses_what_is_no_export_and_who_is_here(committed: Flask, tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_bytes(b"no zip")
    with pytest.raises(Invalid):
        bringing.bring(tmp_path / "no.zip")
    exporting.write(a_member(email="here@example.org"), tmp_path / "here.zip")
    with pytest.raises(Invalid):
        bringing.bring(tmp_path / "here.zip")


def test_the_commands_export_bring_and_erase(committed: Flask, workers: Workers, tmp_path: Path) -> None:
    run = committed.test_cli_runner().invoke
    a_member(email="ada@example.org", name="Ada Lana")
    out = tmp_path / "ada.zip"
    said = run(args=["member", "export", "--email", "ada@example.org", "--out", str(out), "--json"])
    assert json.loads(said.stdout)["records"]["member"] == 1
    assert run(args=["member", "erase", "--email", "ada@example.org", "--yes", "--json"]).exit_code == 0
    assert run(args=["member", "erase", "--email", "ada@example.org", "--yes"]).exit_code != 0
    said = run(args=["member", "import", str(out), "--json"])
    assert json.loads(said.stdout)["missing"] == []
    assert run(args=["member", "export", "--email", "no@example.org", "--out", str(out)]).exit_code != 0
