"""What the API's frame promises for every endpoint. The endpoints here are made for these tests; members are real."""

import threading
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import Field
from sqlalchemy import func, select

from portal.api import Id, Input, Listing, Output, Paged, Reply, endpoint, endpoints, openapi, views
from portal.kernel import addresses
from portal.kernel.database import db
from portal.kernel.errors import Refused
from portal.kernel.paging import Page
from portal.kernel.text import clean_line
from portal.local import pages
from portal.members.models import Organisation
from tests.members.factories import a_member, a_token, bearer, sign_in

PROBLEM = "application/problem+json"


class Sheep(Output):
    id: int
    name: str


class NewSheep(Input):
    name: str
    shorn: bool = False
    mother: Id | None = None


class Wanted(Paged):
    colours: Annotated[list[str], Field(default_factory=list)]
    weight: Annotated[int | None, Field(ge=0)] = None


@pytest.fixture(scope="module", autouse=True)
def _flock(portal: Flask) -> Iterator[None]:
    """Declare some endpoints about sheep; organisations stand in for the flock."""
    before = dict(endpoints._declared)

    @endpoint("POST", "/sheep", body=NewSheep, response=Sheep, summary="A lamb is born", errors=(404,))
    def add(body: NewSheep) -> Reply:
        if body.name == "wolf":
            raise Refused("No wolves.")
        row = Organisation(name=clean_line(body.name, field="name"))
        db.session.add(row)
        db.session.flush()
        return Reply(row, headers={"Location": f"/api/v1/sheep/{row.id}"})

    @endpoint("GET", "/sheep", query=Wanted, response=Listing[Sheep], summary="The flock")
    def flock(query: Wanted) -> Page[dict[str, Any]]:
        return Page([{"id": 1, "name": ",".join(query.colours) or "white"}], None)

    @endpoint("GET", "/sheep/<int:sheep_id>", response=Sheep, summary="A sheep", scope="admin")
    def one(sheep_id: int) -> dict[str, Any]:
        return {"id": sheep_id, "name": "Dolly"}

    added = {key: made for key, made in endpoints._declared.items() if key not in before}
    for made in added.values():
        rule = f"/api/v1{made.path}"
        portal._got_first_request = False
        portal.add_url_rule(rule, f"test.{made.name}", views._serving(made), methods=[made.method])
    portal._got_first_request = True
    portal.extensions.pop("openapi", None)
    yield
    endpoints._declared.clear()
    endpoints._declared.update(before)
    portal.extensions.pop("openapi", None)


@pytest.fixture
def token(app: Flask) -> str:
    return a_token(a_member())


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Organisation)) or 0


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.content_type) == (status, PROBLEM), answer.get_data(as_text=True)
    document: dict[str, Any] = answer.get_json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def post(client: FlaskClient, token: str, **how: Any) -> Any:
    headers = bearer(token, **how.pop("headers", {}))
    return client.post("/api/v1/sheep", headers=headers, **how)


def test_the_whole_description_is_valid_openapi(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"] == "3.1.0"
    post = document["paths"]["/sheep"]["post"]
    assert {"201", "400", "401", "403", "404", "409", "413", "415", "422", "503"} <= post["responses"].keys()
    assert post["parameters"][0]["name"] == "Idempotency-Key"


def test_a_post_answers_201_and_where_the_new_thing_is(client: FlaskClient, token: str) -> None:
    answer = post(client, token, json={"name": "Dolly"})
    assert answer.status_code == 201
    assert answer.get_json()["name"] == "Dolly"
    assert answer.headers["Location"].endswith(str(answer.get_json()["id"]))


def test_without_a_token_one_is_asked_for_it(client: FlaskClient) -> None:
    answer = client.post("/api/v1/sheep", json={"name": "Dolly"})
    is_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="portal"'


@pytest.mark.parametrize("wrong", ["nonsense", "", "pt_" + "x" * 43, "\u00e9" * 10])
def test_a_wrong_token_is_refused_even_where_none_is_needed(client: FlaskClient, wrong: str) -> None:
    answer = client.get("/api/v1/sheep", headers={"Authorization": f"Bearer {wrong}"})
    is_problem(answer, 401)
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_a_token_without_the_scope_is_refused(client: FlaskClient) -> None:
    reader = a_token(a_member(), "read")
    document = is_problem(post(client, reader, json={"name": "Dolly"}), 403)
    assert "write" in document["detail"]
    is_problem(client.get("/api/v1/sheep/1", headers=bearer(reader)), 403)


@pytest.mark.parametrize("body", ["{", "", "nul", '{"name": "a",}', '{"name": "\\ud800"}', "[" * 5000])
def test_bad_json_is_said_to_be_bad(client: FlaskClient, token: str, body: str) -> None:
    is_problem(post(client, token, data=body, content_type="application/json"), 400)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": 5}, "name"),
        ({"name": None}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "a", "shorn": "perhaps"}, "shorn"),
        ({"name": "a", "mother": 0}, "mother"),
        ({"name": "a", "mother": 2**63}, "mother"),
        ({"name": "x" * 201}, "name"),
        ([], "body"),
        ("text", "body"),
    ],
)
def test_what_does_not_fit_is_named_field_by_field(client: FlaskClient, token: str, body: Any, field: str) -> None:
    document = is_problem(post(client, token, json=body), 422)
    assert [error["field"] for error in document["errors"]] == [field]
    assert document["errors"][0]["detail"]


def test_ten_megabytes_are_too_much(client: FlaskClient, token: str) -> None:
    is_problem(post(client, token, json={"name": "x" * 10_000_000}), 413)


def test_an_address_has_one_limit_whatever_serves_the_portal(client: FlaskClient, token: str) -> None:
    assert pages.limit_request_line == addresses.LONGEST
    is_problem(client.get(f"/api/v1/ideas?q={'x' * addresses.LONGEST}", headers=bearer(token)), 414)
    assert client.get(f"/api/v1/ideas?q={'x' * (addresses.LONGEST // 100)}", headers=bearer(token)).status_code == 200
    page = client.get(f"/ideas?q={'x' * addresses.LONGEST}", headers={"Accept-Language": "it"})
    assert page.status_code == 414
    assert "Accorcia" in page.text
    document = client.get("/api/v1/openapi.json").get_json()
    assert "414" in document["paths"]["/ideas"]["get"]["responses"]
    assert "text/html" in document["components"]["responses"]["AddressTooLong"]["content"]


def test_what_is_not_json_is_not_read(client: FlaskClient, token: str) -> None:
    is_problem(post(client, token, data={"name": "Dolly"}), 415)


@pytest.mark.parametrize("path", ["/nowhere", "/sheep/0x10", "/sheep/99999999999999999999", "/members/1e9"])
def test_an_unknown_address_is_a_problem_document(client: FlaskClient, path: str) -> None:
    is_problem(client.get(f"/api/v1{path}", headers=bearer(a_token(a_member(roles=["admin"]), "read", "admin"))), 404)


def test_an_unknown_method_is_told_which_ones_there_are(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/sheep")
    is_problem(answer, 405)
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("limit=0", 422), ("limit=101", 422), ("limit=many", 422), ("weight=-1", 422), ("cursor=" + "x" * 501, 422)],
)
def test_a_wrong_query_is_said_to_be_wrong(client: FlaskClient, query: str, status: int) -> None:
    is_problem(client.get(f"/api/v1/sheep?{query}"), status)


def test_a_nul_in_the_query_is_refused(client: FlaskClient) -> None:
    is_problem(client.get("/api/v1/sheep?colours=a%00b"), 422)


def test_an_empty_query_counts_as_none_and_lists_are_read(client: FlaskClient) -> None:
    assert client.get("/api/v1/sheep?limit=&cursor=&weight=").get_json()["items"][0]["name"] == "white"
    both = client.get("/api/v1/sheep?colours=black&colours=brown").get_json()
    assert both == {"items": [{"id": 1, "name": "black,brown"}], "next": None}


def test_problems_speak_the_readers_language(client: FlaskClient, token: str) -> None:
    answer = post(client, token, json={}, headers={"Accept-Language": "it"})
    assert answer.headers["Content-Language"] in {"it", "en"}


def test_what_has_not_changed_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/api/v1/sheep")
    again = client.get("/api/v1/sheep", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")


def test_a_browser_must_show_that_the_request_comes_from_our_page(client: FlaskClient) -> None:
    sign_in(client, a_member())
    is_problem(client.post("/api/v1/sheep", json={"name": "Dolly"}), 400)
    page = client.get("/account/password").get_data(as_text=True)
    value = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = client.post("/api/v1/sheep", json={"name": "Dolly"}, headers={"X-CSRFToken": value})
    assert answer.status_code == 201


class TestPostsWithAKey:
    def test_the_same_request_twice_is_one(self, client: FlaskClient, token: str) -> None:
        answers = [post(client, token, json={"name": "Dolly"}, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
        assert [a.status_code for a in answers] == [201, 201]
        assert answers[0].get_json() == answers[1].get_json()
        assert answers[0].headers["Location"] == answers[1].headers["Location"]
        assert answers[1].headers["Idempotent-Replayed"] == "true"
        assert count() == 1

    def test_another_body_under_the_same_key_is_refused(self, client: FlaskClient, token: str) -> None:
        post(client, token, json={"name": "Dolly"}, headers={"Idempotency-Key": "k1"})
        document = is_problem(post(client, token, json={"name": "Molly"}, headers={"Idempotency-Key": "k1"}), 422)
        assert document["errors"][0]["field"] == "Idempotency-Key"
        assert count() == 1

    def test_another_members_key_is_another_key(self, client: FlaskClient, token: str) -> None:
        post(client, token, json={"name": "Dolly"}, headers={"Idempotency-Key": "k1"})
        other = post(client, a_token(a_member()), json={"name": "Molly"}, headers={"Idempotency-Key": "k1"})
        assert other.get_json().get("name") == "Molly", other.get_json()
        assert count() == 2

    def test_a_refused_request_may_be_tried_again(self, client: FlaskClient, token: str) -> None:
        is_problem(post(client, token, json={"name": "wolf"}, headers={"Idempotency-Key": "k1"}), 409)
        assert post(client, token, json={"name": "Dolly"}, headers={"Idempotency-Key": "k1"}).status_code == 201

    @pytest.mark.parametrize("key", ["", "x" * 256])
    def test_a_key_must_fit(self, client: FlaskClient, token: str, key: str) -> None:
        is_problem(post(client, token, json={"name": "Dolly"}, headers={"Idempotency-Key": key}), 422)


def test_ten_at_once_with_one_key_make_one_thing(committed: Flask) -> None:
    token = a_token(a_member())
    answers: list[Any] = []

    def go() -> None:
        with committed.test_client() as client:
            answers.append(post(client, token, json={"name": "Dolly"}, headers={"Idempotency-Key": "k1"}))

    threads = [threading.Thread(target=go) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {a.status_code for a in answers} == {201}
    assert len({a.get_json()["id"] for a in answers}) == 1
    assert count() == 1


def test_descriptions_of_lists_name_their_items(portal: Flask) -> None:
    assert b"Listing_Sheep_" in openapi.document(endpoints.declared(), title="t", server="s")


def test_people_can_read_what_there_is(client: FlaskClient) -> None:
    page = client.get("/api/v1/docs").get_data(as_text=True)
    assert "POST /sheep" in page
    assert "/api/v1/openapi.json" in page
