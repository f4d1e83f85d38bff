"""Imports: everything comes once, with its times and counts; what cannot come is named by its line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.community import facade as community
from portal.community.models import Comment
from portal.ideas.models import Idea, IdeaTally
from portal.kernel.database import db
from portal.kernel.outbox import Fact
from portal.members.models import Member
from portal.members.policy import NOBODY
from tests.conftest import read_all_facts

IDEAS: list[dict[str, Any]] = [
    {"id": 3, "title": "Walnut brown", "body": "From the *husks*.", "lang": "en", "author": "u_1", "created_at": "2016-01-22",
     "category": "colours", "votes": 17, "comments": 0, "status": "accepted", "district": "Gràcia"},
    {"id": 4, "title": "Small cones", "body": None, "lang": "en", "author": "u_1", "created_at": "2016-01-23T10:00:00Z",
     "category": "sizes", "votes": 3, "status": "rejected"},
    {"id": 5, "title": "Fewer bags", "body": "Paper.", "lang": None, "author": None, "created_at": "2016-02-01",
     "category": None, "votes": 0, "status": None},
]  # fmt: skip
COMMENTS = [
    {"id": 1, "idea": 3, "parent": None, "author": "u_2", "created_at": "2016-02-01T11:27:33Z", "lang": "en", "alignment": 1,
     "likes": 12, "dislikes": 1, "body": "Yes."},
    {"id": 2, "idea": 3, "parent": 1, "author": "u_1", "created_at": "2016-02-01T12:00:00Z", "lang": "en", "body": "Thanks."},
    {"id": 3, "idea": 4, "parent": 99, "author": "u_2", "created_at": "2016-02-02T12:00:00Z", "lang": "en", "body": "Gone."},
]  # fmt: skip


def written(folder: Path, name: str, rows: list[Any]) -> Path:
    path = folder / name
    lines = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(lines.encode()))
    else:
        path.write_text(lines, encoding="utf-8")
    return path


def run(app: Flask, *words: object) -> dict[str, Any]:
    done = app.test_cli_runner().invoke(args=["import", *map(str, words), "--board", "city", "--json"])
    report: dict[str, Any] = json.loads(done.stdout)
    return {**report, "status": done.exit_code}


def count(model: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize("name", ["ideas.jsonl", "ideas.jsonl.gz"])
def test_a_second_import_of_the_same_file_adds_nothing(committed: Flask, tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name, IDEAS)
    first, second = run(committed, "ideas", path), run(committed, "ideas", path)
    assert (first["read"], first["added"], first["skipped"], first["errors"]) == (3, 3, 0, [])
    assert (second["added"], second["skipped"]) == (0, 3)
    assert (count(Idea), count(IdeaTally)) == (3, 3)


def test_times_authors_counts_and_stages_are_kept(committed: Flask, tmp_path: Path) -> None:
    run(committed, "ideas", written(tmp_path, "ideas.jsonl", IDEAS))
    idea, tally = db.session.execute(select(Idea, IdeaTally).join(IdeaTally).where(Idea.external_id == "3")).one()
    author = db.session.get_one(Member, idea.author_id)
    assert idea.created_at.isoformat() == "2016-01-22T00:00:00+00:00"
    assert (author.placeholder, author.external_origin, author.external_id) == (True, "city", "u_1")
    assert (tally.votes, tally.imported_support, tally.stage) == (0, 17, "planned")
    assert idea.extra == {"district": "Gràcia", "status": "accepted"}
    board = community.board_by_key(NOBODY, "city")
    assert set(board.categories) == {"colours", "sizes"}


def test_imported_support_is_shown_and_never_summed_with_votes(
    committed: Flask, tmp_path: Path, client: FlaskClient
) -> None:
    run(committed, "ideas", written(tmp_path, "ideas.jsonl", IDEAS))
    items = client.get("/api/v1/ideas?board=city&sort=wanted").get_json()["items"]
    assert [(one["external_id"], one["votes"], one["imported_support"]) for one in items] == [
        ("3", 0, 17),
        ("4", 0, 3),
        ("5", 0, 0),
    ]
    read_all_facts()
    again = client.get("/api/v1/ideas?board=city&sort=wanted").get_json()["items"]
    assert [one["id"] for one in again] == [one["id"] for one in items]


def test_comments_come_after_their_ideas_with_stance_and_thread(committed: Flask, tmp_path: Path) -> None:
    run(committed, "ideas", written(tmp_path, "ideas.jsonl", IDEAS))
    path = written(tmp_path, "comments.jsonl", COMMENTS)
    assert [run(committed, "comments", path)["added"] for _ in range(2)] == [3, 0]
    comments = {one.external_id: one for one in db.session.scalars(select(Comment))}
    assert comments["1"].extra == {"alignment": 1, "likes": 12, "dislikes": 1}
    assert comments["2"].parent_id == comments["1"].id
    assert (comments["3"].parent_id, comments["3"].extra) == (None, {"parent": "99"})
    tally = db.session.scalar(select(IdeaTally.comments).join(Idea).where(Idea.external_id == "3"))
    assert tally == 2


def test_facts_are_recorded_quietly(committed: Flask, tmp_path: Path) -> None:
    run(committed, "ideas", written(tmp_path, "ideas.jsonl", IDEAS))
    facts = db.session.scalars(select(Fact).filter_by(name="IdeaPosted").order_by(Fact.id)).all()
    assert [fact.happened_at.year for fact in facts] == [2016, 2016, 2016]
    assert [fact.payload["imported_support"] for fact in facts] == [17, 3, 0]


BROKEN = [
    IDEAS[0],
    "{not json",
    {"id": 9, "title": ""},
    {**IDEAS[1], "created_at": "soon"},
    {**IDEAS[1], "votes": -1},
    IDEAS[2],
]


def test_bad_lines_are_named_and_the_rest_comes(committed: Flask, tmp_path: Path) -> None:
    report = run(committed, "ideas", written(tmp_path, "ideas.jsonl", BROKEN))
    assert (report["added"], report["failed"], report["status"]) == (2, 4, 0)
    assert [error["line"] for error in report["errors"]] == [2, 3, 4, 5]
    assert "not JSON" in report["errors"][0]["reason"]
    assert "created_at is not a time: soon" in report["errors"][2]["reason"]


def test_an_import_can_stop_at_the_first_bad_line(committed: Flask, tmp_path: Path) -> None:
    report = run(committed, "ideas", written(tmp_path, "ideas.jsonl", BROKEN), "--on-error", "stop")
    assert (report["added"], report["stopped"], report["status"]) == (1, True, 1)
    assert count(Idea) == 1


def test_a_dry_run_keeps_nothing(committed: Flask, tmp_path: Path) -> None:
    report = run(committed, "ideas", written(tmp_path, "ideas.jsonl", IDEAS), "--dry-run")
    assert (report["added"], report["dry_run"]) == (3, True)
    assert (count(Idea), count(Fact), count(Member)) == (0, 0, 0)
    with pytest.raises(Exception, match="no such board"):
        community.board_by_key(NOBODY, "city")


def test_a_table_comes_in_by_its_columns(committed: Flask, tmp_path: Path) -> None:
    path = tmp_path / "ideas.csv"
    path.write_text(
        'Nr,Titolo,Testo,Data,Voti\n1,"Gomitoli, piccoli",Da provare,2025-03-01,4\n2,Coni,,2025-03-02,x\n',
        encoding="utf-8",
    )
    maps = [
        word
        for pair in ("id=Nr", "title=Titolo", "body=Testo", "created_at=Data", "votes=Voti")
        for word in ("--map", pair)
    ]
    report = run(committed, "ideas", path, *maps)
    assert (report["added"], [error["line"] for error in report["errors"]]) == (1, [3])
    assert db.session.scalars(select(Idea.title)).one() == "Gomitoli, piccoli"


@pytest.mark.parametrize("words", [["ideas", "nowhere.jsonl"], ["ideas", __file__, "--map", "title"]])
def test_arguments_that_make_no_sense_are_refused(committed: Flask, words: list[str]) -> None:
    done = committed.test_cli_runner().invoke(args=["import", *words, "--board", "city", "--json"])
    assert done.exit_code != 0
    assert done.stdout == ""


def test_the_ledger_can_be_checked_from_the_command_line(committed: Flask) -> None:
    done = committed.test_cli_runner().invoke(args=["votes", "verify", "--json"])
    assert (done.exit_code, json.loads(done.stdout)["sound"]) == (0, True)
