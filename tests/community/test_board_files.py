"""A board as a file: what leaves comes in again as the same board, and no spreadsheet runs it."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from portal.community import exporting
from portal.community.models import Board
from portal.ideas import services as ideas
from portal.kernel.database import db
from portal.support import services as support
from tests.ideas.factories import a_board, an_idea
from tests.members.factories import a_member, a_viewer, sign_in
from tests.support.factories import a_board as a_help_board
from tests.support.factories import a_question, an_answer

HOSTILE = '=HYPERLINK("http://example.org";"click")'


@pytest.fixture
def ideas_board(committed: Flask) -> str:
    board, ruth, noor = a_board("yarns"), a_viewer(name="Ruth"), a_viewer(name="Noor")
    first = an_idea(ruth, board, title=HOSTILE, body="**Steel** teeth.\n\n- one\n- two", tags=["combs", "steel"])
    second = an_idea(noor, board, title="Più lana, meno plastica", body="Perché sì.", lang="it")
    gone = an_idea(noor, board, title="Hidden from all")
    ideas.cast_vote(first, noor)
    comment = ideas.comment_on_idea(first, noor, body="+1 from me")
    ideas.comment_on_idea(first, ruth, body="Thank you", parent_id=comment)
    ideas.comment_on_idea(second, ruth, body="'quoted' beginning")
    ideas.set_stage(second, a_viewer(kind="staff", roles=["brand_manager"]), stage="planned", answer="Soon.")
    ideas.hide(gone, actor=noor)
    db.session.commit()
    return board


@pytest.fixture
def help_board(committed: Flask) -> str:
    board, ruth, noor = a_help_board("help"), a_viewer(name="Ruth"), a_viewer(name="Noor")
    question = a_question(ruth, board, title="How do I wash it?", body="It is *felt*.", tags=["felt"])
    answer = an_answer(question, noor, body="Cold **water**.")
    an_answer(question, ruth, body="I did that.")
    support.accept_answer(answer, ruth)
    support.vote_answer(answer, ruth, value=1)
    db.session.commit()
    return board


def run(app: Flask, *words: str) -> Any:
    return app.test_cli_runner().invoke(args=list(words))


def seen(statement: str, board: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.session.execute(text(statement), {"key": board})]


IDEAS = """
    SELECT i.title, i.body, i.html, i.lang, i.category, i.created_at, t.stage, t.votes + t.imported_support,
        ARRAY(SELECT tag.key FROM contribution_tag c JOIN tag ON tag.id = c.tag_id
              WHERE c.target_kind = 'idea' AND c.target_id = i.id ORDER BY 1)
    FROM idea i JOIN idea_tally t ON t.idea_id = i.id JOIN board b ON b.id = i.board_id
    WHERE b.key = :key AND i.hidden_at IS NULL ORDER BY i.created_at, i.title"""
COMMENTS = """
    SELECT c.body, c.html, c.lang, c.created_at, i.title, p.body FROM comment c
    JOIN idea i ON i.id = c.target_id AND c.target_kind = 'idea' LEFT JOIN comment p ON p.id = c.parent_id
    JOIN board b ON b.id = i.board_id WHERE b.key = :key ORDER BY c.created_at"""
QUESTIONS = """
    SELECT q.title, q.body, q.html, q.lang, q.created_at, t.answers, t.by_others, t.accepted_id IS NOT NULL
    FROM question q JOIN question_tally t ON t.question_id = q.id JOIN board b ON b.id = q.board_id
    WHERE b.key = :key ORDER BY q.created_at"""
ANSWERS = """
    SELECT a.body, a.html, a.created_at, a.accepted_at IS NOT NULL, a.by_asker, t.helped + t.imported_helped
    FROM answer a JOIN answer_tally t ON t.answer_id = a.id JOIN board b ON b.id = a.board_id
    WHERE b.key = :key ORDER BY a.created_at"""


@pytest.mark.parametrize("fmt", ["jsonl", "csv"])
def test_ideas_and_comments_come_in_again_as_the_same(
    committed: Flask, ideas_board: str, tmp_path: Path, fmt: str
) -> None:
    for kind in ("ideas", "comments"):
        out = tmp_path / f"{kind}.{fmt}"
        assert run(committed, "export", kind, "--board", ideas_board, "--out", str(out)).exit_code == 0
        said = run(committed, "import", kind, str(out), "--board", "copy", "--json")
        assert json.loads(said.stdout)["failed"] == 0, said.stdout
    assert seen(IDEAS, "copy") == seen(IDEAS, ideas_board) != []
    assert seen(COMMENTS, "copy") == seen(COMMENTS, ideas_board) != []
    assert "Hidden from all" not in (tmp_path / f"ideas.{fmt}").read_text()


@pytest.mark.parametrize("fmt", ["jsonl", "csv"])
def test_questions_and_answers_come_in_again_as_the_same(
    committed: Flask, help_board: str, tmp_path: Path, fmt: str
) -> None:
    out = tmp_path / f"questions.{fmt}"
    assert run(committed, "export", "questions", "--board", help_board, "--out", str(out)).exit_code == 0
    said = run(committed, "import", "questions", str(out), "--board", "copy", "--json")
    assert json.loads(said.stdout)["failed"] == 0, said.stdout
    assert seen(QUESTIONS, "copy") == seen(QUESTIONS, help_board) != []
    assert seen(ANSWERS, "copy") == seen(ANSWERS, help_board) != []


def test_no_cell_is_a_formula_and_people_are_numbers(committed: Flask, ideas_board: str) -> None:
    said = run(committed, "export", "ideas", "--board", ideas_board, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(said)))
    assert "'" + HOSTILE in [row["title"] for row in rows]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(exporting.FORMULA)]
    assert "Ruth" not in said
    assert {row["author"].split("-")[0] for row in rows} == {"member"}


@pytest.mark.parametrize("cell", ["=1+1", "+39", "-1", "@x", "\tx", "'=1", "'", "plain", "a=b", "''x", ""])
def test_a_guarded_cell_comes_back_as_it_was(cell: str) -> None:
    guarded = exporting.guarded(cell)
    assert not guarded.startswith(exporting.FORMULA)
    assert exporting.unguarded(guarded) == cell


def test_who_wrote_is_for_admins_and_boards_for_those_who_may_see_them(
    committed: Flask, ideas_board: str, help_board: str
) -> None:
    a_board("closed", audience="kinds:supplier")
    manager = sign_in(committed.test_client(), a_member(kind="staff", roles=["brand_manager"]))
    admin = sign_in(committed.test_client(), a_member(kind="staff", roles=["admin"]))
    customer = sign_in(committed.test_client(), a_member())

    page = manager.get("/staff/exports").text
    assert f"/staff/exports/{ideas_board}/ideas.csv" in page
    assert "members.jsonl" not in page
    assert "closed" not in page
    lines = manager.get(f"/staff/exports/{ideas_board}/ideas.jsonl").text.splitlines()
    assert len(lines) == 2
    assert manager.get(f"/staff/exports/{ideas_board}/members.jsonl").status_code == 404
    assert manager.get("/staff/exports/closed/ideas.jsonl").status_code == 404
    assert manager.get(f"/staff/exports/{help_board}/ideas.jsonl").status_code == 404
    assert manager.get(f"/staff/exports/{ideas_board}/ideas.exe").status_code == 404
    assert "Ruth" in admin.get(f"/staff/exports/{ideas_board}/members.csv").text
    assert admin.get("/staff/exports/closed/ideas.jsonl").status_code == 200
    assert customer.get("/staff/exports").status_code == 403


def test_the_command_says_what_is_wrong(committed: Flask, ideas_board: str) -> None:
    assert run(committed, "export", "ideas", "--board", "nowhere").exit_code != 0
    assert run(committed, "export", "questions", "--board", ideas_board).exit_code != 0
    assert run(committed, "export", "nonsense", "--board", ideas_board).exit_code == 2
    assert db.session.scalars(select(Board.key)).all() == [ideas_board]


def test_an_import_runs_nothing_that_a_file_brings(committed: Flask, tmp_path: Path) -> None:
    out = tmp_path / "q.jsonl"
    record = {"id": "1", "type": "question", "title": "T", "body": "b", "author": "a", "created_at": "2026-01-01",
              "html": "<p onclick=x>hi</p><script>alert(1)</script>"}  # fmt: skip
    out.write_text(json.dumps(record))
    run(committed, "import", "questions", str(out), "--board", "in", "--json")
    assert db.session.scalars(text("SELECT html FROM question")).all() == ["<p>hi</p>"]
