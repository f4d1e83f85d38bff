"""The shell around every page: language, theme, errors, headers, health."""

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from portal.app import create_app
from portal.kernel.errors import Invalid, NotSignedIn, PortalError, Refused, TooMany
from portal.members.policy import NOBODY, Viewer, access, anyone
from portal.web import errors
from portal.web.site import Site

RAISED: dict[str, Exception] = {
    "refused": Refused("Voting has closed on this idea."),
    "invalid": Invalid(fields={"title": "Write something here."}),
    "many": TooMany("Slowly.", retry_after=30),
    "away": OperationalError("SELECT 1", {}, Exception("server closed the connection")),
    "mistake": ZeroDivisionError("division by zero"),
    "sign-in": NotSignedIn(),
}


@pytest.fixture
def raising(app: Flask) -> FlaskClient:
    """A browser that meets whatever error it asks for, as if each were raised by a view."""

    @access(anyone)
    def view(name: str) -> str:
        raise RAISED[name]

    if "raise_it" not in app.view_functions:
        app._got_first_request = False
        app.add_url_rule("/raise/<name>", "raise_it", view, methods=["GET", "POST"])
        app.extensions["csrf"].exempt(view)
    return app.test_client()


@pytest.mark.parametrize(
    ("name", "status", "italian"),
    [
        ("refused", 409, "Voting has closed on this idea."),
        ("invalid", 422, "Write something here."),
        ("many", 429, "Slowly."),
        ("away", 503, "fra poco"),
        ("mistake", 500, "sbaglio nostro"),
        ("sign-in", 401, "Entra"),
    ],
)
def test_every_error_is_a_page_in_the_readers_language(
    raising: FlaskClient, name: str, status: int, italian: str
) -> None:
    answer = raising.get(f"/raise/{name}", headers={"Accept-Language": "it"})
    assert answer.status_code == status
    assert '<html lang="it"' in answer.text
    assert italian in answer.text
    assert "Traceback" not in answer.text


def test_what_was_typed_is_given_back_but_no_secret(raising: FlaskClient) -> None:
    typed = {"title": "Skeins", "body": "Long\nwords <b>", "password": "hunter2", "csrf_token": "x"}
    answer = raising.post("/raise/away", data=typed)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert 'value="Skeins"' in answer.text
    assert "Long\nwords &lt;b&gt;</textarea>" in answer.text
    assert "hunter2" not in answer.text
    assert "Send it again" in answer.text


def test_a_script_of_ours_gets_a_note_instead_of_a_page(raising: FlaskClient) -> None:
    answer = raising.post("/raise/refused", headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "<html" not in answer.text
    assert "Voting has closed" in answer.text


def test_a_limit_says_when_to_come_back(raising: FlaskClient) -> None:
    assert raising.get("/raise/many").headers["Retry-After"] == "30"


def test_another_shell_may_take_the_errors_of_its_own_paths(app: Flask, client: FlaskClient) -> None:
    shells = app.extensions["error_shells"]
    before = dict(shells)
    shells["/nowhere/"] = lambda error: app.response_class("mine", errors.status_of(error))
    try:
        answer = client.get("/nowhere/at-all")
    finally:
        shells.clear()
        shells.update(before)
    assert (answer.status_code, answer.text) == (404, "mine")


def test_errors_of_the_framework_keep_their_status(client: FlaskClient) -> None:
    assert client.get("/there-is-nothing").status_code == 404
    answer = client.post("/livez")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_the_error_page_of_a_form_too_large_still_comes(app: Flask, client: FlaskClient) -> None:
    app.config["MAX_CONTENT_LENGTH"], before = 1000, app.config["MAX_CONTENT_LENGTH"]
    try:
        answer = client.post("/sign-in", data={"email": "x" * 5000})
    finally:
        app.config["MAX_CONTENT_LENGTH"] = before
    assert answer.status_code == 413
    assert "Make it smaller" in answer.text


@pytest.mark.parametrize(
    ("header", "cookie", "language"),
    [
        ("", "", "en"),
        ("it-IT,it;q=0.9,en;q=0.5", "", "it"),
        ("de,en;q=0.5", "", "en"),
        ("it", "en", "en"),
        ("", "xx", "en"),
    ],
)
def test_the_language_is_chosen_here_or_else_by_the_browser(
    client: FlaskClient, header: str, cookie: str, language: str
) -> None:
    client.set_cookie("lang", cookie)
    answer = client.get("/there-is-nothing", headers={"Accept-Language": header})
    assert f'<html lang="{language}"' in answer.text


def test_choosing_a_language_is_remembered_and_leads_back(client: FlaskClient) -> None:
    answer = client.get("/preferences/language/it?next=/there-is-nothing?a=1")
    assert answer.headers["Location"] == "/there-is-nothing?a=1"
    assert '<html lang="it"' in client.get("/there-is-nothing").text


@pytest.mark.parametrize("evil", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_going_back_never_leads_elsewhere(client: FlaskClient, evil: str) -> None:
    assert client.get("/preferences/language/it", query_string={"next": evil}).headers["Location"] == "/"


def test_the_theme_is_written_by_the_server_so_that_nothing_flashes(client: FlaskClient) -> None:
    assert "data-theme" not in re.findall("<html[^>]*>", client.get("/there-is-nothing").text)[0]
    client.post("/preferences/theme", data={"next": "/"})
    assert '<html lang="en" data-theme="dark"' in client.get("/there-is-nothing").text
    client.post("/preferences/theme", data={"next": "/"})
    assert '<html lang="en" data-theme="light"' in client.get("/there-is-nothing").text


def test_every_answer_carries_the_headers_that_keep_it_safe(client: FlaskClient) -> None:
    headers = client.get("/there-is-nothing", headers={"X-Request-ID": "abc-123456"}).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-ID"] == "abc-123456"
    assert client.get("/livez", headers={"X-Request-ID": "bad id\t"}).headers["X-Request-ID"] != "bad id\t"


def test_assets_are_kept_for_a_year_and_change_their_address_with_their_content(client: FlaskClient) -> None:
    page = client.get("/there-is-nothing").text
    (address,) = re.findall(r'href="(/static/css/components\.css\?v=[0-9a-f]{10})"', page)
    assert "immutable" in client.get(address).headers["Cache-Control"]
    assert "immutable" not in client.get("/static/css/components.css").headers.get("Cache-Control", "")


def test_it_is_alive_and_says_what_it_waits_for(committed: Flask) -> None:
    client = committed.test_client()
    assert client.get("/livez").json == {"status": "alive"}
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.text
    said = json.loads(answer.text)
    assert (said["status"], said["database"], said["broker"], said["migrations"]) == ("ready",) * 4
    assert all({"facts", "seconds"} <= set(lag) for lag in said["lag"].values())


def test_metrics_are_for_this_machine(committed: Flask) -> None:
    client = committed.test_client()
    client.get("/livez")
    assert 'portal_requests_total{endpoint="health.livez"' in client.get("/metrics").text
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403


def test_navigation_shows_only_what_is_there_and_open(app: Flask) -> None:
    with app.test_request_context():
        assert not Site(NOBODY).has("/there-is-nothing")
        assert Site(NOBODY).has("/livez")
        assert not Site(NOBODY).has("/staff")
        assert Site(Viewer(member_id=1, kind="staff")).has("/staff")


def test_an_error_knows_its_status() -> None:
    assert errors.status_of(PortalError("x")) == 400
    assert errors.status_of(ValueError()) == 500


@pytest.fixture(scope="module")
def without_database(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """A browser before a portal whose database is away."""
    environ = {
        "PORTAL_ENV": "testing",
        "SECRET_KEY": "only for tests",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PORTAL_DATA_DIR": str(tmp_path_factory.mktemp("away")),
        "PORTAL_READER_CACHE": "1",
    }
    return create_app(environ).test_client()


@pytest.mark.parametrize("path", ["/", "/ideas", "/questions", "/members/1"])
def test_without_the_database_pages_say_so_and_when_to_come_back(without_database: FlaskClient, path: str) -> None:
    answer = without_database.get(path, headers={"Accept-Language": "it"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Torniamo fra poco" in answer.text


def test_without_the_database_it_is_alive_but_not_ready(without_database: FlaskClient) -> None:
    assert without_database.get("/livez").status_code == 200
    answer = without_database.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"status": "not ready", "database": "away", "broker": "away"}
    assert "portal_requests_total" in without_database.get("/metrics").text
