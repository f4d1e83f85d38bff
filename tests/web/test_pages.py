"""The front page and a member's page, as a reader, a member and staff find them."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.community import facade as community
from portal.ideas import services as ideas
from portal.kernel.database import transaction
from portal.members.policy import Viewer
from portal.support import services as support
from tests.conftest import counted_queries
from tests.factories import a_member, a_viewer, signed_in


@pytest.fixture
def town(app: Flask) -> dict[str, int]:
    """Two boards, one closed to all but staff; an idea, a question with an answer, and an idea nobody may see."""
    with transaction():
        community.open_board("yarns", kind="ideas", name={"en": "Yarns", "it": "Filati"})
        community.open_board("secret", kind="ideas", name="Secret", audience="kinds:staff")
        community.open_board("help", kind="support", name={"en": "Help", "it": "Aiuto"})
    renzo, chiara = a_viewer(name="Renzo Cicchetti", kind="supplier"), a_viewer(name="Chiara D’Amico", kind="staff")
    with transaction():
        idea = ideas.propose_idea(renzo, board="yarns", title="Undyed brown", body="Of my own sheep.")
        ideas.propose_idea(chiara, board="secret", title="Close the shop in Rome")
        question = support.ask_question(renzo, board="help", title="Why does it pill?", body="After a week.")
    return {"renzo": renzo.id, "chiara": chiara.id, "idea": idea, "question": _id(question)}


def _id(made: object) -> int:
    return made if isinstance(made, int) else made.id  # type: ignore[attr-defined,no-any-return]


def test_the_front_page_mixes_what_moves_and_what_waits(client: FlaskClient, town: dict[str, int]) -> None:
    page = client.get("/").text
    assert f'href="/ideas/{town["idea"]}"' in page
    assert f'href="/questions/{town["question"]}"' in page
    assert "We make the wool." in page


def test_the_front_page_speaks_italian(client: FlaskClient, town: dict[str, int]) -> None:
    page = client.get("/", headers={"Accept-Language": "it"}).text
    assert "La lana la facciamo noi." in page
    assert "Che cosa si muove" in page
    assert "What is moving" not in page


def test_an_empty_community_invites_instead_of_showing_nothing(client: FlaskClient, app: Flask) -> None:
    page = client.get("/").text
    assert "No ideas yet" in page
    assert "Every question has an answer" in page


def test_nothing_of_a_closed_board_is_on_anybody_elses_page(client: FlaskClient, town: dict[str, int]) -> None:
    for path in ("/", f"/members/{town['chiara']}"):
        page = client.get(path).text
        assert "Close the shop in Rome" not in page
        assert "Secret" not in page
    signed_in(client, town["chiara"])
    assert "Close the shop in Rome" in client.get(f"/members/{town['chiara']}").text


def test_a_members_page_shows_what_she_wrote_and_its_figures_only_to_her_and_staff(
    app: Flask, town: dict[str, int]
) -> None:
    path = f"/members/{town['renzo']}/renzo"
    stranger = app.test_client().get(path).text
    assert "Renzo Cicchetti" in stranger
    assert "Undyed brown" in stranger
    assert "Votes received" not in stranger
    assert "Votes received" in signed_in(app.test_client(), town["renzo"]).get(path).text
    assert "Votes received" in signed_in(app.test_client(), town["chiara"]).get(path).text


def test_there_is_no_page_of_nobody(client: FlaskClient, app: Flask) -> None:
    assert client.get("/members/987654").status_code == 404


def test_the_front_page_costs_the_same_however_much_there_is(client: FlaskClient, town: dict[str, int]) -> None:
    client.get("/")
    with counted_queries() as few:
        client.get("/")
    renzo = Viewer(member_id=town["renzo"], kind="supplier", lang="en")
    with transaction():
        for n in range(12):
            ideas.propose_idea(renzo, board="yarns", title=f"Idea number {n}")
    client.get("/")
    with counted_queries() as many:
        client.get("/")
    assert len(many) <= len(few)


def test_the_staffs_door_opens_the_first_page_one_may_see(app: Flask, town: dict[str, int]) -> None:
    door = signed_in(app.test_client(), a_member(kind="staff", roles=["admin"])).get("/staff")
    assert door.headers["Location"].startswith("/staff/")
    stranger = app.test_client().get("/staff")
    assert stranger.headers["Location"].startswith("/sign-in")


def test_choosing_a_language_is_remembered_with_the_member(app: Flask, town: dict[str, int]) -> None:
    client = signed_in(app.test_client(), town["renzo"])
    client.get("/preferences/language/it")
    assert '<html lang="it"' in signed_in(app.test_client(), town["renzo"]).get("/").text
