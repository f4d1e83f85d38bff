"""The brand manager's pages of topics, and the topics of the API, as those who read them meet them."""

import re

import pytest
from flask.testing import FlaskClient

from portal.analytics.topics import fresh, queries, scopes, services, training
from portal.community import facade as boards
from portal.ideas import services as ideas
from portal.kernel.database import db
from portal.kernel.progress import LongRun, Progress
from tests.analytics.topics.community import open_boards, talk
from tests.analytics.topics.talk import threads
from tests.conftest import counted_queries
from tests.members.factories import a_member, a_token, a_viewer, bearer, sign_in


@pytest.fixture
def manager(client: FlaskClient) -> FlaskClient:
    fresh._models.clear()
    open_boards()
    return sign_in(client, a_member(kind="staff", roles=["brand_manager"], lang="en"))


@pytest.fixture
def topic(manager: FlaskClient) -> int:
    """The topic of the first thread of a community that has been read."""
    opened = talk()
    training.train(scopes.scope_of(None), Progress())
    kind, number = opened[0]
    return queries.mixtures_of(kind, [number])[number][0][0]


def csrf(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


def test_before_the_first_reading_the_page_says_what_one_can_do(manager):
    page = manager.get("/staff/topics").text
    assert "No topics yet" in page
    assert "Find topics" in page


def test_the_list_names_topics_with_their_figures_and_opens_the_posts(manager, topic):
    page = manager.get("/staff/topics").text
    card = queries.topics_by_id([topic])[topic]
    assert card.title in page
    assert f'href="/staff/topics/{topic}"' in page
    assert "96 contributions in 12 weeks" in page
    assert "Posts that kept their topic" in page
    posts = manager.get(f"/staff/topics/{topic}/posts").text
    assert posts.count('class="notice"') == 20
    again = re.search(r'href="([^"]+cursor=[^"]+)"', posts)
    assert again
    assert manager.get(again[1].replace("&amp;", "&")).status_code == 200


def test_a_list_costs_a_fixed_number_of_queries(manager, topic):
    manager.get("/staff/topics")
    with counted_queries() as seen:
        manager.get("/staff/topics")
    assert len(seen) <= 20


def test_a_board_and_a_period_can_be_chosen_and_stay_chosen(manager, topic):
    page = manager.get("/staff/topics?board=help&weeks=26").text
    assert "48 contributions in 26 weeks" in page
    assert f"/staff/topics/{topic}?weeks=26&amp;board=help" in page
    assert manager.get("/staff/topics?board=nowhere").status_code == 404
    assert manager.get("/staff/topics?weeks=nonsense").status_code == 200


def test_a_topic_shows_its_volume_and_typical_posts(manager, topic):
    page = manager.get(f"/staff/topics/{topic}").text
    assert "The posts behind the figures" in page
    assert "Contributions a week" in page
    assert page.count('class="notice"') >= 5
    week = re.search(r'href="(/staff/topics/\d+/posts\?week=[^"]+)"', page)
    assert week
    assert 'class="notice"' in manager.get(week[1].replace("&amp;", "&")).text
    assert manager.get(f"/staff/topics/{topic}/posts?week=nonsense").status_code == 404
    assert manager.get("/staff/topics/999999").status_code == 404


def test_unanswered_questions_and_waiting_ideas_open(manager, topic):
    asker = a_viewer()
    from portal.support import services as support

    number = support.ask_question(
        asker, board="help", title="Lavaggio e feltro", body="Sapone, lavatrice, acqua?", lang="it"
    )
    fresh.read_keys([("question", number)])
    about = queries.mixtures_of("question", [number])[number][0][0]
    db.session.commit()
    page = manager.get(f"/staff/topics/{about}/posts?show=unmet").text
    assert page.count('class="notice"') == 1
    assert "Lavaggio e feltro" in page
    assert 'class="notice"' in manager.get(f"/staff/topics/{about}/posts?show=waiting").text


def test_a_name_goes_before_the_words(manager, topic):
    page = manager.get(f"/staff/topics/{topic}").text
    answer = manager.post(f"/staff/topics/{topic}/name", data={"csrf_token": csrf(page), "name": "Care of wool"})
    assert answer.status_code == 302
    assert "Care of wool" in manager.get("/staff/topics").text
    refused = manager.post(f"/staff/topics/{topic}/name", data={"csrf_token": csrf(page), "name": "x" * 81})
    assert refused.status_code == 422


def test_a_reading_is_asked_for_shown_and_cancelled(manager, topic):
    page = manager.get("/staff/topics").text
    asked = {"csrf_token": csrf(page)}
    assert manager.post("/staff/topics/training", data=asked).status_code == 302
    assert manager.post("/staff/topics/training", data=asked).status_code == 302
    (run,) = db.session.query(LongRun).filter_by(kind=services.KIND, state="waiting").all()
    page = manager.get("/staff/topics").text
    assert "A new reading is under way" in page
    run.state, run.step = "running", "clusters"
    db.session.commit()
    assert "step 3 of 7" in manager.get("/staff/topics/training").text
    manager.post(f"/staff/topics/training/{run.id}/cancel", data=asked)
    db.session.refresh(run)
    assert run.cancel


def test_the_table_can_be_taken_away(manager, topic):
    answer = manager.get("/staff/topics/table.csv")
    assert answer.mimetype == "text/csv"
    lines = answer.text.splitlines()
    assert lines[0].startswith("topic,label,posts")
    assert len(lines) == 1 + len(queries.living_topics([]))


def test_the_pages_speak_italian(manager, topic):
    page = manager.get("/staff/topics", headers={"Accept-Language": "it"}).text
    sign_in(manager, a_member(kind="staff", roles=["brand_manager"], lang="it"))
    page = manager.get("/staff/topics").text
    assert "Di che cosa si parla" in page
    assert "What people talk about" not in page


def test_only_brand_managers_come_in(client, manager, topic):
    addresses = ["/staff/topics", f"/staff/topics/{topic}", f"/staff/topics/{topic}/posts", "/staff/topics/table.csv"]
    sign_in(client, a_member(kind="customer"))
    assert [client.get(address).status_code for address in addresses] == [403] * 4
    assert client.get("/staff/topics/training").status_code == 403


def test_programs_get_the_topics_of_what_they_may_see(client, topic):
    supplier = a_viewer(kind="supplier")
    for number in range(3):
        idea = ideas.propose_idea(
            supplier, board="mills", title=f"Lavaggio {number}", body="feltro sapone acqua", lang="it"
        )
        fresh.read_keys([("idea", idea)])
    db.session.commit()
    outsider = bearer(a_token(a_member(kind="customer")))
    insider = bearer(a_token(supplier.id))
    fresh_client = client.application.test_client()
    seen = fresh_client.get("/api/v1/topics?limit=2", headers=outsider).get_json()
    assert set(seen["items"][0]) >= {"id", "label", "labels", "words", "posts", "url"}
    assert seen["next"]
    rest = fresh_client.get(f"/api/v1/topics?limit=50&cursor={seen['next']}", headers=outsider).get_json()
    everything = seen["items"] + rest["items"]
    assert len({item["id"] for item in everything}) == len(everything)
    assert sum(item["posts"] for item in everything) == 96
    inside = fresh_client.get("/api/v1/topics", headers=insider).get_json()
    assert sum(item["posts"] for item in inside["items"]) == 99
    one = fresh_client.get(f"/api/v1/topics/{topic}", headers=outsider).get_json()
    assert one["id"] == topic
    assert fresh_client.get(one["url"].removeprefix("http://localhost"), headers=outsider).status_code == 200
    assert fresh_client.get("/api/v1/topics/999999", headers=outsider).status_code == 404


def test_a_topic_of_a_closed_board_is_not_there_for_others(client, topic):
    supplier = a_viewer(kind="supplier")
    talked = [
        ideas.propose_idea(supplier, board="mills", title=one.title, body=one.body, lang=one.lang)
        for one in threads(30, seed=4)
    ]
    mills = next(board.id for board in boards.every_board() if board.key == "mills")
    training.train(scopes.scope_of(mills), Progress())
    own = queries.mixtures_of("idea", talked)[talked[0]][0][0]
    db.session.commit()
    outsider = bearer(a_token(a_member(kind="customer")))
    fresh_client = client.application.test_client()
    assert fresh_client.get(f"/api/v1/topics/{own}", headers=outsider).status_code == 404
    assert own not in {item["id"] for item in fresh_client.get("/api/v1/topics", headers=outsider).get_json()["items"]}
