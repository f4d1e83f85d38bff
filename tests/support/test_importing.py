"""Questions and answers that come from elsewhere."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.community import facade as community
from portal.community.importing import run_import
from portal.kernel.database import db
from portal.kernel.jobs import waiting
from portal.kernel.outbox import Fact
from portal.members.policy import NOBODY
from portal.support import facade, queries
from portal.support.dumps import is_dump, read_dump
from portal.support.importing import QuestionImport
from portal.support.models import Answer, Question
from tests.support.factories import a_board

pytestmark = pytest.mark.usefixtures("app")
QUESTION = {"id": "q1", "type": "question", "parent": None, "author": "u_1", "created_at": "2024-03-01T10:00:00Z",
            "lang": "en-US", "score": None, "accepted": "a2", "accepted_known": True, "status": None,
            "category": "other", "tags": ["other", "fix-problems"], "title": "Mail is  gone", "body": "All\n\n- of\n- it"}  # fmt: skip
ANSWER = {"id": "a1", "type": "answer", "parent": "q1", "author": "u_2", "created_at": "2024-03-01T11:00:00Z",
          "lang": "en-US", "score": 2, "body": "Look in <b>Trash</b>.", "accepted": None, "helpful": 3, "unhelpful": 1,
          "by_asker": False}  # fmt: skip
SECOND = {**ANSWER, "id": "a2", "helpful": 0, "unhelpful": 0, "created_at": "2024-03-02T11:00:00Z"}
FOLLOW_UP = {**SECOND, "id": "a3", "author": "u_1", "by_asker": True, "created_at": "2024-03-03T11:00:00Z"}


def file_of(folder: Path, *records: Any, packed: bool = False) -> Path:
    lines = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in records)
    path = folder / ("f.jsonl.gz" if packed else "f.jsonl")
    path.write_bytes(gzip.compress(lines.encode()) if packed else lines.encode())
    return path


def board_id(key: str) -> int:
    return community.board_by_key(NOBODY, key).id


def bring(path: Path, board: int, **wishes: Any) -> Any:
    source = read_dump(path) if is_dump(path) else None
    work = QuestionImport(board_id=board, origin="test")
    return run_import(path, work.kind(), quiet=True, source=source, **wishes)


@pytest.mark.parametrize("packed", [False, True])
def test_questions_and_answers_keep_their_times_ids_and_counts(tmp_path, packed):
    board = board_id(a_board())
    report = bring(file_of(tmp_path, QUESTION, ANSWER, SECOND, FOLLOW_UP, packed=packed), board)
    assert (report.read, report.added, report.skipped, report.failed) == (4, 4, 0, 0)
    row = queries.list_questions([board], "newest").items[0]
    assert (row.external_id, row.title, row.lang, row.answers, row.by_others) == ("q1", "Mail is gone", "en", 3, 2)
    assert row.created_at == datetime(2024, 3, 1, 10, tzinfo=UTC)
    assert row.active_at == datetime(2024, 3, 3, 11, tzinfo=UTC)
    answers = {one.external_id: one for one in queries.answers_to(row.id, NOBODY)}
    assert (answers["a1"].imported_helped, answers["a1"].imported_unhelped, answers["a1"].helped) == (3, 1, 0)
    assert answers["a2"].accepted
    assert row.accepted_id == answers["a2"].id
    assert answers["a3"].by_asker
    assert answers["a1"].html == "<p>Look in &lt;b&gt;Trash&lt;/b&gt;.</p>"
    assert "<li>of</li>" in queries.question_page(NOBODY, row.id).html
    assert [tag.key for tag in community.tags_of("question", [row.id])[row.id]] == ["fix-problems", "other"]


def test_a_second_import_of_the_same_file_adds_nothing(tmp_path):
    board = board_id(a_board())
    path = file_of(tmp_path, QUESTION, ANSWER, SECOND)
    bring(path, board)
    facts = db.session.scalar(select(func.count()).select_from(Fact))
    again = bring(path, board)
    assert (again.added, again.skipped, again.failed) == (0, 3, 0)
    assert db.session.scalar(select(func.count()).select_from(Fact)) == facts
    assert queries.list_questions([board], "newest").items[0].answers == 2


def test_answers_may_come_before_their_question(tmp_path):
    board = board_id(a_board())
    report = bring(file_of(tmp_path, SECOND, QUESTION), board)
    assert (report.added, report.failed) == (2, 0)
    row = queries.list_questions([board], "newest").items[0]
    assert (row.answers, row.solved) == (1, True)


def test_broken_lines_are_named_and_the_others_go_on(tmp_path):
    board = board_id(a_board())
    report = bring(
        file_of(
            tmp_path,
            QUESTION,
            "{broken",
            {**QUESTION, "id": "q2", "title": " "},
            {**QUESTION, "id": "q3", "created_at": "yesterday"},
            {**QUESTION, "id": "q4", "body": "a\x00b"},
            {**ANSWER, "parent": "nothing"},
            {**QUESTION, "id": None},
            {**ANSWER, "helpful": "many"},
            ANSWER,
        ),
        board,
    )
    assert report.added == 2
    assert [error["line"] for error in report.errors] == [2, 3, 4, 5, 7, 8, 6]
    assert "not JSON" in report.errors[0]["reason"]
    assert "there is no question nothing" in report.errors[-1]["reason"]


def test_an_import_stops_at_the_first_broken_line_when_asked(tmp_path):
    board = board_id(a_board())
    report = bring(file_of(tmp_path, QUESTION, "{broken", {**QUESTION, "id": "q2"}), board, stop_on_error=True)
    assert (report.added, report.stopped) == (1, True)


def test_a_dry_run_says_the_same_and_keeps_nothing(tmp_path):
    board = board_id(a_board())
    db.session.commit()
    report = bring(file_of(tmp_path, SECOND, QUESTION, ANSWER, "{"), board, dry_run=True)
    assert (report.added, report.failed, report.dry_run) == (3, 1, True)
    assert db.session.scalar(select(func.count()).select_from(Question)) == 0
    assert db.session.scalar(select(func.count()).select_from(Answer)) == 0


def test_an_import_is_on_the_record_and_wakes_nobody(tmp_path):
    board = board_id(a_board())
    before = waiting()["waiting"]
    bring(file_of(tmp_path, QUESTION, ANSWER, SECOND), board)
    rows = db.session.execute(select(Fact.name, Fact.happened_at).where(Fact.subject_kind.in_(["question", "answer"])))
    assert sorted((row.name, row.happened_at.day) for row in rows) == [
        ("AnswerAccepted", 2), ("AnswerGiven", 1), ("AnswerGiven", 2), ("QuestionAsked", 1),
    ]  # fmt: skip
    assert waiting()["waiting"] == before


def test_stack_exchange_records_have_scores_and_no_language(tmp_path):
    board = board_id(a_board())
    question = {"id": "beer:1", "site": "beer", "type": "question", "parent": None, "author": "u_1", "score": 17,
                "created_at": "2014-01-21T20:26:05Z", "views": 252, "accepted": None, "comments": 0, "status": "open",
                "tags": ["hops"], "title": "What is a citra hop?", "body": "How does it differ from other hops?"}  # fmt: skip
    answer = {"id": "beer:2", "site": "beer", "type": "answer", "parent": "beer:1", "author": "u_2", "score": -2,
              "created_at": "2014-01-21T21:26:05Z", "accepted": False, "comments": 0, "body": "It is a hop."}  # fmt: skip
    assert bring(file_of(tmp_path, question, answer), board).added == 2
    row = queries.list_questions([board], "newest").items[0]
    assert (row.lang, queries.question_page(NOBODY, row.id).imported_score) == ("en", 17)
    assert queries.answers_to(row.id, NOBODY)[0].imported_unhelped == 2


def test_the_folder_of_a_dump_is_read_row_by_row(tmp_path):
    (tmp_path / "Users.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<users>\n<row Id="7" DisplayName="Ada" />\n</users>'
    )
    (tmp_path / "Posts.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'
        '<row Id="1" PostTypeId="1" AcceptedAnswerId="2" CreationDate="2013-11-05T20:22:07.123" Score="3" '
        'Body="&lt;p&gt;Which &lt;b&gt;article&lt;/b&gt;?&lt;script&gt;x&lt;/script&gt;&lt;/p&gt;" OwnerUserId="7" '
        'Title="La Inter" Tags="&lt;articles&gt;&lt;word-choice&gt;" />\n'
        '<row Id="2" PostTypeId="2" ParentId="1" CreationDate="2013-11-06T20:22:07.123" Score="5" '
        'Body="&lt;p&gt;The feminine.&lt;/p&gt;" OwnerUserId="8" />\n'
        '<row Id="3" PostTypeId="5" CreationDate="2013-11-06T20:22:07.123" Score="0" Body="wiki" />\n</posts>'
    )
    board = board_id(a_board())
    report = bring(tmp_path, board)
    assert (report.added, report.failed) == (2, 0)
    row = queries.list_questions([board], "newest").items[0]
    page = queries.question_page(NOBODY, row.id)
    assert (row.author_name, row.solved) == ("Ada", True)
    assert page.html == "<p>Which <b>article</b>?</p>"
    assert {tag.key for tag in community.tags_of("question", [row.id])[row.id]} == {"articles", "word-choice"}


def test_entities_in_a_dump_are_refused(tmp_path):
    from portal.kernel.errors import Invalid

    (tmp_path / "Posts.xml").write_text('<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "b">]>\n<posts/>')
    with pytest.raises(Invalid):
        bring(tmp_path, board_id(a_board()))


def test_streams_give_everything_in_order_of_time(tmp_path):
    board = board_id(a_board())
    bring(file_of(tmp_path, SECOND, QUESTION, ANSWER, FOLLOW_UP), board)
    assert [one.external_id for one in facade.stream_questions(board)] == ["q1"]
    assert [one.external_id for one in facade.stream_answers(board)] == ["a1", "a2", "a3"]
    assert next(iter(facade.stream_questions(board))).tags == ("fix-problems", "other")
    assert [one.title for one in facade.texts(board)] == ["Mail is gone"]
