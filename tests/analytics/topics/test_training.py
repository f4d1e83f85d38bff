"""Trainings on a real database: what they keep, what they leave alone, and what nobody may learn from them."""

import json

import pytest
from flask import Flask
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select

from portal.analytics.topics import facade, fresh, jobs, queries, rules, services, training
from portal.analytics.topics.models import ContributionTopic, Topic, TopicHistory, TopicModelFile, TopicRun
from portal.analytics.topics.scopes import all_scopes, scope_of
from portal.community import facade as boards
from portal.ideas import services as ideas
from portal.kernel import progress
from portal.kernel.database import db
from portal.kernel.errors import Invalid, NotFound
from portal.kernel.progress import LongRun
from portal.support import services as support
from tests.analytics.topics.community import open_boards, talk
from tests.analytics.topics.talk import threads
from tests.conftest import Workers
from tests.members.factories import a_viewer


@pytest.fixture(autouse=True)
def _nothing_remembered():
    fresh._models.clear()


@pytest.fixture
def community(committed: Flask) -> list[tuple[str, int]]:
    open_boards()
    return talk()


def run(portal: Flask, *words: str):
    return portal.test_cli_runner().invoke(args=["topics", *words])


def work(portal: Flask) -> None:
    """Let a worker empty its queue of trainings."""
    line = Queue("heavy", connection=portal.extensions["redis"], serializer=JSONSerializer)
    SimpleWorker([line], connection=line.connection, serializer=JSONSerializer).work(burst=True, logging_level="ERROR")


def topics_of(opened: list[tuple[str, int]]) -> list[int | None]:
    rows = {(row.kind, row.contribution_id): row.topic_id for row in db.session.scalars(select(ContributionTopic))}
    return [rows.get(key) for key in opened]


def test_one_training_serves_all_small_boards_and_reports_on_itself(committed, community):
    said = run(committed, "train", "--json")
    assert said.exit_code == 0, said.stderr
    (report,) = json.loads(said.stdout)["trainings"]
    assert report["board"] is None
    assert report["documents"] == 96
    assert report["kept"] is None
    assert set(report) >= {"topics", "documents", "npmi", "c_v", "diversity", "kept", "oov", "cpu_seconds"}
    assert len(queries.living_topics([])) == report["topics"]
    again = json.loads(run(committed, "report", "--json").stdout)["trainings"][0]
    assert again["topics"] == report["topics"]


def test_a_board_that_is_asked_for_gets_a_model_of_its_own(committed, community):
    report = json.loads(run(committed, "train", "--board", "help", "--json").stdout)
    assert report["board"] == "help"
    assert report["documents"] == 48
    board = boards.every_board("support")[0].id
    assert [scope.board_id for scope in all_scopes()] == [None, board]
    assert {topic.board_id for topic in queries.living_topics([board])} == {board}


def test_the_export_writes_a_line_for_each_contribution(committed, community):
    run(committed, "train", "--json")
    lines = [json.loads(line) for line in run(committed, "export", "--board", "help", "--json").stdout.splitlines()]
    assert len(lines) == 48
    assert {line["kind"] for line in lines} == {"question", "answer"}
    for line in lines:
        assert line["topic"] == line["mixture"][0][0]
        assert 0 < sum(share for _, share in line["mixture"]) <= 1.001


def test_an_unknown_board_and_too_little_text_are_said_in_a_sentence(committed):
    open_boards()
    assert run(committed, "train", "--board", "nowhere", "--json").exit_code == 1
    said = run(committed, "train", "--json")
    assert said.exit_code == 1
    assert said.stdout == ""
    assert run(committed, "train", "--nonsense").exit_code == 2


def test_a_second_training_keeps_topics_and_their_names(committed, community):
    run(committed, "train", "--json")
    before = topics_of(community)
    manager = a_viewer(kind="staff", roles=["brand_manager"])
    services.name_topic(before[0], "Cura dei capi", manager)
    db.session.commit()
    report = json.loads(run(committed, "train", "--json").stdout)["trainings"][0]
    assert report["kept"] >= 0.9
    assert queries.topics_by_id([before[0]])[before[0]].title == "Cura dei capi"
    moved = [old for old, new in zip(before, topics_of(community), strict=True) if old != new]
    history = db.session.scalars(select(TopicHistory)).all()
    assert len(history) >= len(moved)
    assert len(db.session.scalars(select(TopicModelFile.run_id)).all()) == 2


def test_old_models_are_thrown_away(committed, community):
    for _ in range(3):
        run(committed, "train", "--json")
    assert len(db.session.scalars(select(TopicRun.id)).all()) == 3
    assert len(db.session.scalars(select(TopicModelFile.run_id)).all()) == training.MODELS_KEPT


def test_a_new_post_gets_its_topic_without_a_training(committed, community, workers: Workers):
    run(committed, "train", "--json")
    parcels = {t for t, one in zip(topics_of(community), threads(48), strict=True) if one.theme == "parcels"}
    writer = a_viewer(lang="en")
    question = support.ask_question(
        writer, board="help", title="Where is my parcel?", body="The courier left it at the depot, says tracking."
    )
    answer = support.answer_question(question, a_viewer(), body="Ha!")
    db.session.commit()
    workers.run()
    assert set(topics_of([("question", question), ("answer", answer)])) <= parcels
    labels = facade.labels_of("question", [question])[question]
    assert labels[0].id in parcels
    assert labels[0].label
    assert [one.id for one in boards.topics_of("question", [question])[question]] == [one.id for one in labels]


def test_reading_a_post_twice_changes_nothing(committed, community):
    run(committed, "train", "--json")
    before = topics_of(community)
    assert fresh.read_keys(community) == 48
    assert fresh.read_keys(community) == 48
    db.session.commit()
    same = sum(old == new for old, new in zip(before, topics_of(community), strict=True))
    assert same >= 46


def test_what_is_hidden_is_forgotten_with_its_replies(committed, community):
    run(committed, "train", "--json")
    kind, idea = community[0]
    ideas.hide(idea, actor=a_viewer(kind="staff", roles=["moderator"]))
    fresh.read_keys([(kind, idea)])
    db.session.commit()
    assert topics_of([(kind, idea)]) == [None]
    left = select(ContributionTopic).filter_by(thread_kind="idea", thread_id=idea)
    assert db.session.scalars(left).all() == []


def test_no_word_of_a_closed_board_stands_in_a_topic_of_all(committed, community):
    supplier = a_viewer(kind="supplier")
    for number in range(20):
        ideas.propose_idea(
            supplier,
            board="mills",
            title=f"Secret spindle {number}",
            body="The carding drum and the parcel courier spindle.",
        )
    db.session.commit()
    run(committed, "train", "--json")
    words = {word["text"] for topic in db.session.scalars(select(Topic)) for word in topic.words}
    assert "spindle" not in words
    assert not any(
        kind == "idea" and number > 24 for t in db.session.scalars(select(Topic)) for kind, number in t.representatives
    )
    mills = next(board.id for board in boards.every_board() if board.key == "mills")
    assert queries.counted([mills]) == 20
    everyone = boards.visible_board_ids(a_viewer())
    assert mills not in everyone
    assert sum(queries.posts_by_topic(everyone).values()) == 96


def test_a_training_is_handed_to_a_worker_and_closes_its_run(committed, community):
    run_row = jobs.start(scope_of(None))
    db.session.commit()
    number = run_row.id
    work(committed)
    done = db.session.get_one(LongRun, number)
    assert done.state == "done"
    assert done.report["documents"] == 96


def test_a_cancelled_training_leaves_everything_as_it_was(committed, community):
    number = jobs.start(scope_of(None)).id
    progress.cancel(number)
    db.session.commit()
    work(committed)
    assert db.session.get_one(LongRun, number).state == "cancelled"
    assert queries.latest_run(None) is None
    assert jobs.start(scope_of(None)).id != number


def test_a_training_whose_worker_died_is_handed_over_again(committed, community):
    dead = services.ask_for_training(scope_of(None))
    dead.state, dead.step = "running", "clusters"
    db.session.commit()
    number = dead.id
    with training.alone(scope_of(None), wait=False) as mine:
        assert mine
        jobs.hand_over_waiting_trainings()
        db.session.commit()
        work(committed)
        assert db.session.get_one(LongRun, number).state == "running"
    db.session.rollback()
    jobs.hand_over_waiting_trainings()
    db.session.commit()
    work(committed)
    db.session.expire_all()
    assert db.session.get_one(LongRun, number).state == "done"


def test_growth_calls_for_a_training(committed, community):
    jobs.train_what_has_grown()
    db.session.commit()
    (asked,) = db.session.scalars(select(LongRun).filter_by(kind=services.KIND)).all()
    assert asked.subject == ""
    jobs.run_training(asked.id)
    jobs.train_what_has_grown()
    assert len(db.session.scalars(select(LongRun).filter_by(kind=services.KIND)).all()) == 1
    opened = talk(round(48 * (rules.GROWN - 1)) + 3, seed=9)
    fresh.read_keys(opened)
    comments = [("comment", n) for n in range(1, 200)]
    fresh.read_keys(comments)
    fresh.read_keys([("answer", n) for n in range(1, 200)])
    db.session.commit()
    jobs.train_what_has_grown()
    assert len(db.session.scalars(select(LongRun).filter_by(kind=services.KIND)).all()) == 2


def test_a_name_is_checked_and_only_given_by_who_sees_the_board(committed, community):
    run(committed, "train", "--board", "help", "--json")
    topic = queries.living_topics([board.id for board in boards.every_board()])[0].id
    manager = a_viewer(kind="staff", roles=["brand_manager"])
    with pytest.raises(Invalid):
        services.name_topic(topic, "x" * 81, manager)
    with pytest.raises(Invalid):
        services.name_topic(topic, "a\x00b", manager)
    with pytest.raises(NotFound):
        services.name_topic(999_999, "Wool", manager)
    services.name_topic(topic, "", manager)
    assert queries.topics_by_id([topic])[topic].name is None


def test_everything_is_trained_before_the_doors_open(committed, community):
    assert list(facade.trained_boards()) == []
    assert set(facade.train_everything()) == {"the community"}
    assert len(facade.trained_boards()) == 3
