"""Every table says what of it is whose, so that no export forgets it and no erasure leaves it."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, Table, Text

from portal.kernel import personal
from portal.kernel.database import Model

WHOSE = re.compile(
    r"(^|_)(member|author|actor|asker|voter|by|owner|reporter|moderator|recipient|inviter|helper|user|asked|verified|named)(_id|_by)$"
    r"|(^|_)by$|_by_id$"
)


def troubles(metadata: MetaData) -> list[str]:
    """Return what is undeclared, or declared and not there."""
    found = []
    for name, table in sorted(metadata.tables.items()):
        declared = personal.table(name)
        if declared is None:
            if name not in personal.impersonal():
                found.append(f"{name}: nobody has declared it in a room `personal`")
            elif columns := sorted(_columns_of_people(table)):
                found.append(f"{name}: declared to be nobody's, but {', '.join(columns)} holds a member")
            continue
        if missing := sorted(_columns_of_people(table) - set(declared.people) - set(declared.refs)):
            found.append(f"{name}: {', '.join(missing)} holds a member and is not declared")
        named = {
            *declared.people, *declared.secret, *declared.blank, *declared.texts, *declared.refs, *declared.context,
            *(column for pair in declared.things for column in pair),
        }  # fmt: skip
        if unknown := sorted(named - set(table.columns.keys())):
            found.append(f"{name}: has no column {', '.join(unknown)}")
        if (declared.export is None or not declared.again) and not declared.why:
            found.append(f"{name}: is not exported, or not brought back, and does not say why")
    return found


def _columns_of_people(table: Table) -> set[str]:
    return {
        column.name
        for column in table.columns
        if any(key.target_fullname == "member.id" for key in column.foreign_keys)
        or (isinstance(column.type, BigInteger) and WHOSE.search(column.name) and not column.foreign_keys)
    }


def test_every_table_is_declared(portal: Flask) -> None:
    assert troubles(Model.metadata) == []


def test_no_declaration_outlives_its_table(portal: Flask) -> None:
    declared = {*personal.tables(), *personal.impersonal()}
    assert declared - set(Model.metadata.tables) == set()


def test_records_of_an_export_have_names_of_their_own(portal: Flask) -> None:
    names = [one.export for one in personal.tables().values() if one.export]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ([Column("who", BigInteger, ForeignKey("member.id"))], "nobody has declared it"),
        ([Column("note", Text)], "nobody has declared it"),
    ],
)
def test_a_new_table_is_noticed(portal: Flask, columns: list[Column[Any]], why: str) -> None:
    metadata = MetaData()
    Model.metadata.tables["member"].to_metadata(metadata, referred_schema_fn=lambda *_: None)
    Model.metadata.tables["organisation"].to_metadata(metadata)
    Table("thing", metadata, Column("id", BigInteger, primary_key=True), *columns)
    assert [line for line in troubles(metadata) if line.startswith("thing") and why in line]


def test_a_new_column_with_a_member_is_noticed(portal: Flask) -> None:
    metadata = MetaData()
    Table("tag", metadata, Column("id", BigInteger, primary_key=True), Column("author_id", BigInteger))
    assert troubles(metadata) == ["tag: declared to be nobody's, but author_id holds a member"]
