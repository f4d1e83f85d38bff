"""Who is asked, and who is told why."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.analytics import facade, jobs, queries
from portal.analytics.models import Expertise, Invitation, RoutingBoard, RoutingHelper
from portal.analytics.routing.memory import Answered
from portal.analytics.services import measuring, routing
from portal.analytics.topics.events import TopicsTrained
from portal.analytics.topics.models import ContributionTopic, Topic, TopicRun
from portal.community import facade as community
from portal.kernel import progress
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.outbox import Fact, publish
from portal.kernel.progress import Progress
from portal.members import services as people
from portal.members.privacy import erasing
from portal.members.rules import Purpose
from portal.support import services as support
from tests.conftest import read_all_facts
from tests.members.factories import a_token, bearer, sign_in
from tests.support.factories import a_board, a_question, a_viewer, an_answer

pytestmark = pytest.mark.usefixtures("committed")
LONG_AGO = timedelta(days=20)


@pytest.fixture
def client(committed):
    return committed.test_client()


def a_board_with_helpers(questions=12, **wishes):
    """A board where one member answers about felting and another about parcels."""
    kind = "staff" if wishes else "customer"
    board, felter, packer = a_board(**wishes), a_viewer(name="Felter", kind=kind), a_viewer(name="Packer", kind=kind)
    for n in range(questions):
        at = now() - LONG_AGO + timedelta(hours=6 * n)
        felting = n % 2 == 0
        asker = a_viewer(kind=kind)
        title = "How do I felt a scarf in hot water?" if felting else "Where is my parcel with the yarn?"
        question = a_question(asker, board, title=title, tags=["felt" if felting else "parcels"], at=at)
        answer = an_answer(question, felter if felting else packer, at=at + timedelta(hours=1))
        support.accept_answer(answer, asker, at=at + timedelta(hours=2))
    db.session.commit()
    return board, felter, packer


def learn(board):
    board_id = next(one.id for one in community.every_board() if one.key == board)
    routing.learn_board(board_id)
    db.session.commit()
    return board_id


def test_the_likeliest_is_suggested_first_with_reasons():
    board, felter, packer = a_board_with_helpers()
    board_id = learn(board)
    found = routing.suggest_for(board_id, title="Felt scarf, which water?", tags=["felt"])
    assert [one.member_id for one in found[:2]] == [felter.id, packer.id]
    assert found[0].score > found[1].score
    assert sum(one.score for one in found) == pytest.approx(1.0)
    assert found[0].reasons[0].kind == "tag"
    assert routing.suggest_for(board_id, title="Where is my parcel?", tags=["parcels"])[0].member_id == packer.id


def test_who_does_not_want_it_is_suggested_to_nobody():
    board, felter, packer = a_board_with_helpers()
    board_id = learn(board)
    people.say_consent(felter.id, Purpose.PROFILING, given=False)
    found = routing.suggest_for(board_id, title="Felt scarf, which water?", tags=["felt"])
    assert felter.id not in [one.member_id for one in found]
    assert found[0].member_id == packer.id
    people.say_consent(felter.id, Purpose.PROFILING, given=True)
    assert routing.suggest_for(board_id, title="Felt scarf, which water?", tags=["felt"])[0].member_id == felter.id


def test_small_steps_and_the_long_walk_learn_the_same():
    """The projection, question by question in tables, ends where a walk through all in memory ends."""
    board, felter, _ = a_board_with_helpers(questions=6)
    read_all_facts()
    board_id = learn(board)
    at = now()
    question = a_question(None, board, title="Felt scarf again?", tags=["felt"], at=at)
    an_answer(question, felter, at=at + timedelta(seconds=5))
    db.session.commit()
    read_all_facts()
    by_steps = _state(board_id)
    learn(board)
    walked = _state(board_id)
    assert by_steps["helpers"] == walked["helpers"]
    assert by_steps["counts"] == walked["counts"]


def _state(board_id):
    db.session.expire_all()
    board = db.session.get_one(RoutingBoard, board_id)
    helpers = db.session.scalars(select(RoutingHelper).filter_by(board_id=board_id).order_by(RoutingHelper.member_id))
    return {"helpers": [one.state for one in helpers], "counts": (board.questions, board.answers, board.tag_answers)}


def test_nothing_is_learned_of_whoever_was_erased(workers):
    board, felter, packer = a_board_with_helpers()
    learn(board)
    assert erasing.erase(packer.id, texts=False)
    workers.run()
    learn(board)
    late = Answered(a_question(felter, board, title="And my parcel?"), packer.id, now().timestamp())
    assert routing.follow(next(one.id for one in community.every_board() if one.key == board), [late])
    db.session.commit()
    assert set(db.session.scalars(select(RoutingHelper.member_id))) == {felter.id}


def test_a_new_question_invites_those_who_can_see_it(workers):
    board, felter, packer = a_board_with_helpers()
    learn(board)
    question = a_question(felter, board, title="Where is my parcel?", tags=["parcels"])
    workers.run()
    assert queries.invited_to(question) == [packer.id]
    assert [one.question_id for one in facade.invited(a_viewer(packer.id))] == [question]
    assert db.session.scalar(select(Fact).filter_by(name="ExpertsInvited", subject_id=question)) is not None
    assert routing.invite(question) == []


def test_nobody_is_asked_too_often_in_a_day():
    board, felter, packer = a_board_with_helpers()
    learn(board)
    for _ in range(routing.OPEN_MOST + 2):
        routing.invite(a_question(felter, board, title="Where is my parcel?", tags=["parcels"]))
        db.session.commit()
    asked = db.session.scalars(select(Invitation).filter_by(member_id=packer.id)).all()
    assert len(asked) == routing.OPEN_MOST


def test_an_import_is_learned_in_one_walk(workers):
    board, _, _ = a_board_with_helpers()
    workers.run()
    board_id = next(one.id for one in community.every_board() if one.key == board)
    assert db.session.get(RoutingBoard, board_id) is not None
    jobs.learn_what_is_missing()


def test_the_api_ranks_with_reasons(client):
    board, felter, _ = a_board_with_helpers()
    learn(board)
    headers = bearer(a_token(a_viewer().id))
    answer = client.get(f"/api/v1/experts?board={board}&title=Felt a scarf in water&tags=felt", headers=headers)
    assert answer.status_code == 200
    first = answer.json["items"][0]
    assert first["member"]["id"] == felter.id
    assert first["reasons"][0] == "answered 6 questions about felt in 30 days"
    assert client.get("/api/v1/experts?board=nowhere&title=x", headers=headers).status_code == 404
    assert client.get("/api/v1/experts?title=x", headers=headers).status_code == 422


def test_a_closed_board_suggests_nobody_to_those_outside(client):
    board, _, _ = a_board_with_helpers(questions=2, audience="kinds:staff")
    learn(board)
    headers = bearer(a_token(a_viewer(kind="customer").id))
    assert client.get(f"/api/v1/experts?board={board}&title=felt", headers=headers).status_code == 404


def test_figures_of_a_member_are_for_herself_and_the_company(client):
    member, other = a_viewer(), a_viewer()
    a_question(member, a_board())
    read_all_facts()
    url = f"/api/v1/members/{member.id}/metrics"
    mine = client.get(url, headers=bearer(a_token(member.id)))
    figures = {one["name"]: one for one in mine.json["metrics"]}
    assert figures["questions"]["value"] == 1
    assert figures["accepted_share"]["formula"]
    assert client.get(url, headers=bearer(a_token(other.id))).status_code == 403
    assert client.get(url).status_code == 401
    assert client.get("/api/v1/members/999999/metrics", headers=bearer(a_token(member.id))).status_code == 404


def with_topic(board_id, label="Felting"):
    """File every question of a board under one topic, as a training would."""
    run = TopicRun(board_id=board_id, report={}, began_at=now(), ended_at=now())
    topic = Topic(board_id=board_id, label={"en": label, "it": "Infeltrire"}, words=[], representatives=[])
    db.session.add_all([run, topic])
    db.session.flush()
    for record in support_questions(board_id):
        db.session.add(
            ContributionTopic(
                kind="question", contribution_id=record.id, board_id=board_id, thread_kind="question",
                thread_id=record.id, author_id=record.author_id, written_at=record.created_at, topic_id=topic.id,
                mixture=[[topic.id, 1.0]], run_id=run.id,
            )
        )  # fmt: skip
    db.session.commit()
    return topic.id


def support_questions(board_id):
    from portal.support.facade import stream_questions

    return list(stream_questions(board_id))


def a_ranked_board():
    board, helper = a_board(), a_viewer(name="Marta")
    for n in range(9):
        at = now() - timedelta(days=n + 1)
        asker = a_viewer(kind="staff")
        answer = an_answer(a_question(asker, board, at=at), helper, at=at)
        support.accept_answer(answer, asker, at=at)
    db.session.commit()
    read_all_facts()
    board_id = learn(board)
    return board_id, with_topic(board_id), helper


def test_new_topics_have_everything_worked_out_anew(workers):
    _, topic_id, helper = a_ranked_board()
    publish(TopicsTrained(run_id=1, board_id=None, topics=1))
    db.session.commit()
    workers.run()
    run = progress.latest(measuring.KIND)
    assert run is not None
    assert (run.state, run.report["places"]) == ("done", 1)
    assert facade.expertise_of(helper.id)[0].topic_id == topic_id
    assert queries.report_of(0, 12) is not None


def test_nine_people_helped_on_nine_days_give_a_place():
    board_id, topic_id, helper = a_ranked_board()
    report = measuring.measure(Progress())
    assert report["places"] == 1
    (line,) = facade.expertise_of(helper.id)
    assert (line.topic_id, line.place, line.of, line.answers, line.people) == (topic_id, 1, 1, 9, 9)
    assert line.low < line.mid < line.high
    assert facade.experts_on(topic_id)[0].member_id == helper.id
    assert queries.experts_by_topic(board_id)[topic_id][0].member_id == helper.id


def test_who_does_not_want_it_stands_in_no_ranking():
    _board_id, topic_id, helper = a_ranked_board()
    measuring.measure(Progress())
    people.say_consent(helper.id, Purpose.PROFILING, given=False)
    assert facade.expertise_of(helper.id) == []
    assert facade.expertise_of(helper.id, helper)
    assert helper.id not in [line.member_id for line in facade.experts_on(topic_id)]
    measuring.measure(Progress())
    assert helper.id not in db.session.scalars(select(Expertise.member_id)).all()


def test_throw_away_accounts_buy_no_place_in_the_portal():
    board_id, topic_id, _ = a_ranked_board()
    board = next(one.key for one in community.every_board() if one.id == board_id)
    cheat, puppets = a_viewer(), [a_viewer() for _ in range(10)]
    for n in range(30):
        puppet, at = puppets[n % 10], now() - timedelta(days=n % 9)
        support.accept_answer(an_answer(a_question(puppet, board, at=at), cheat, at=at), puppet, at=at)
    db.session.commit()
    read_all_facts()
    db.session.query(ContributionTopic).delete()
    topic_id = with_topic(board_id)
    measuring.measure(Progress())
    row = db.session.scalars(select(Expertise).filter_by(topic_id=topic_id, member_id=cheat.id)).one()
    assert row.answer_count_place == 1
    assert row.place is None
    assert row.people == 0


def test_the_pages_are_for_brand_managers_and_open_to_the_posts(client):
    _, topic_id, helper = a_ranked_board()
    measuring.measure(Progress())
    sign_in(client, a_viewer(kind="staff", roles=["brand_manager"], lang="en").id)
    page = client.get("/staff/experts").text
    assert "Marta" in page
    assert "9 people helped" in page
    assert "Marta" in client.get(f"/staff/experts/{topic_id}").text
    assert "felted scarf" in client.get(f"/staff/experts/{topic_id}/{helper.id}").text
    taking_part = client.get("/staff/participation")
    assert taking_part.status_code == 200
    assert "Who takes part" in taking_part.text
    for what in ("engaged", "casual", "active", "new", "ideas", "open", "review", "shipped", "declined", "unanswered"):
        assert client.get(f"/staff/participation/behind?what={what}").status_code == 200
    assert "felted scarf" in client.get("/staff/participation/behind?what=answered").text
    assert client.get("/staff/participation/behind?what=nonsense").status_code == 404
    assert client.get("/staff/participation?board=nowhere").status_code == 404
    assert client.get("/questions/for-me").status_code == 200
    assert "Foresight" in client.get("/account/figures").text
    assert client.post("/staff/experts/measuring").status_code in {302, 303, 400}


def test_the_pages_are_closed_to_customers(client):
    sign_in(client, a_viewer(kind="customer").id)
    for path in ("/staff/experts", "/staff/participation", "/staff/participation/behind?what=engaged"):
        assert client.get(path).status_code == 403


def test_empty_pages_say_what_to_do(client):
    sign_in(client, a_viewer(kind="staff", roles=["admin"], lang="en").id)
    assert "no board of questions" in client.get("/staff/experts").text
    assert "Not worked out yet" in client.get("/staff/participation").text
    assert "Nothing waits for you" in client.get("/questions/for-me").text


def test_the_command_replays_a_board(committed):
    board, _, _ = a_board_with_helpers(questions=10)
    since, until = (now() - LONG_AGO).date(), now().date()
    result = committed.test_cli_runner().invoke(
        args=["experts", "replay", "--board", board, "--from", str(since), "--to", str(until), "--json"]
    )
    assert result.exit_code == 0, result.output
    assert '"ours": {"hit@1"' in result.stdout
    assert (
        committed.test_cli_runner()
        .invoke(args=["experts", "replay", "--board", "nowhere", "--from", str(since), "--to", str(until)])
        .exit_code
        == 2
    )
