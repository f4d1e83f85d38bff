"""What every answer carries, whoever asks and whatever comes of it."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from portal.app import create_app
from portal.config import load
from portal.web.headers import NONCE, policy
from tests.factories import a_member, a_token, bearer, sign_in
from tests.security.test_matrix import UNSAFE, operations

ROOT = Path(__file__).resolve().parents[2]
ALWAYS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy",
          "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "X-Frame-Options")  # fmt: skip
ANSWERS = ("/", "/ideas", "/nowhere", "/static/css/components.css", "/static/nothing.css", "/api/v1/ideas",
           "/api/v1/nowhere", "/api/v1/me", "/staff/topics", "/sign-in", "/safety", "/livez", "/ideas/99999999")  # fmt: skip
OUTGOING = re.compile(
    r"\b(?:httpx\.(?:Client|AsyncClient|get|post|put|request|stream)\(|urllib\.request|urlopen\(|http\.client"
    r"|requests\.(?:get|post|put)\("
    r"|socket\.create_connection|aiohttp)"
)
GUARD = {"portal/kernel/guard.py"}
OWN_MACHINE = {
    "portal/crm/gateways/tryton.py": "the CRM's address is the operator's own setting, never somebody's input",
    "portal/local": "asks this machine's own processes",
}
"""Who may ask without the guard, and why."""
ELSEWHERE = ("//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)",
             "/%0a/evil.example\n", "\\\\evil.example", "http:evil.example", "///evil.example", "/\n//evil.example")  # fmt: skip


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_is_dressed(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert [name for name in ALWAYS if name not in answer.headers] == []
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_refused_forms_and_programs_are_dressed(client: FlaskClient) -> None:
    for answer in (client.post("/sign-in"), client.post("/api/v1/ideas", data="x"), client.delete("/ideas")):
        assert answer.status_code >= 400
        assert [name for name in ALWAYS if name not in answer.headers] == []


def test_the_policy_lets_nothing_run_that_stands_in_a_page() -> None:
    plain, sealed = policy(), policy(" https://files.example.org", https=True)
    assert "unsafe" not in plain
    rules = dict(rule.split(" ", 1) for rule in plain.split("; "))
    assert rules["default-src"] == rules["style-src"] == rules["form-action"] == "'self'"
    assert rules["script-src"] == f"'nonce-{NONCE}'"
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert "upgrade-insecure-requests" not in plain
    assert sealed.endswith("upgrade-insecure-requests")
    assert "img-src 'self' data: https://files.example.org" in sealed


SCRIPT = re.compile(r"<script\b[^>]*>")


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere", "/ideas", "/safety"])
def test_the_scripts_of_a_page_carry_its_one_time_word(client: FlaskClient, path: str) -> None:
    words = []
    for _look in range(2):
        answer = client.get(path)
        word = re.search(r"script-src 'nonce-([\w-]{22})'", answer.headers["Content-Security-Policy"])
        assert word
        scripts = SCRIPT.findall(answer.text)
        assert scripts
        assert [one for one in scripts if f'nonce="{word[1]}"' not in one] == []
        words.append(word[1])
    assert words[0] != words[1]


@pytest.fixture
def sealed(portal: Flask) -> Flask:
    environ = {
        "PORTAL_ENV": "production",
        "SECRET_KEY": "a key that is long enough for production",
        "SECRET_KEY_FALLBACKS": "only for tests",
        "DATABASE_URL": str(portal.config["SQLALCHEMY_DATABASE_URI"]),
        "REDIS_URL": str(portal.config["REDIS_URL"]),
        "PORTAL_DATA_DIR": str(portal.config["PORTAL_DATA_DIR"]),
        "PORTAL_URL": "https://community.example.org",
        "PORTAL_HOSTS": "old.example.org",
    }
    return create_app(environ, commands=False)


def test_by_https_browsers_stay_there(sealed: Flask) -> None:
    browser = sealed.test_client()
    for host, path in (("community.example.org", "/livez"), ("community.example.org", "/static/css/components.css")):
        answer = browser.get(path, headers={"Host": host})
        assert answer.status_code == 200
        assert re.fullmatch(r"max-age=\d{8,}; includeSubDomains", answer.headers["Strict-Transport-Security"])
        assert answer.headers["Content-Security-Policy"].endswith("upgrade-insecure-requests")
    assert sealed.config["SESSION_COOKIE_SECURE"]
    page = browser.get("/sign-in", headers={"Host": "community.example.org"}, base_url="https://community.example.org")
    cookie = next(one for one in page.headers.getlist("Set-Cookie") if "session" in one)
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert sealed.config["REMEMBER_COOKIE_NAME"] == "__Host-remember_token"


def test_other_names_are_refused(sealed: Flask) -> None:
    browser = sealed.test_client()
    assert browser.get("/livez", headers={"Host": "old.example.org"}).status_code == 200
    assert browser.get("/livez", headers={"Host": "evil.example"}).status_code == 400
    assert browser.get("/livez", headers={"Host": "community.example.org.evil.example"}).status_code == 400


def test_what_an_older_key_signed_still_holds(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_member())
    assert client.get("/account").status_code == 200
    before = app.config["SECRET_KEY"]
    try:
        app.config.update(SECRET_KEY="a new key", SECRET_KEY_FALLBACKS=[before])
        assert client.get("/account").status_code == 200
        app.config.update(SECRET_KEY_FALLBACKS=[])
        assert client.get("/account").status_code == 302
    finally:
        app.config.update(SECRET_KEY=before, SECRET_KEY_FALLBACKS=[])


def test_settings_come_from_files_too(tmp_path: Path) -> None:
    kept = tmp_path / "key"
    kept.write_text("from a file, and long enough\n")
    environ = {"PORTAL_ENV": "production", "SECRET_KEY_FILE": str(kept), "SECRET_KEY_FALLBACKS": "one, two ,"}
    config = load({**environ, "PORTAL_DATA_DIR": str(tmp_path)})
    assert config["SECRET_KEY"] == "from a file, and long enough"
    assert config["SECRET_KEY_FALLBACKS"] == ["one", "two"]


def test_every_form_wants_the_word_of_a_page_of_ours(app: Flask, client: FlaskClient) -> None:
    sign_in(client, a_member(kind="staff", roles=["admin"]), second_factor=True)
    taken = []
    for one in operations(app):
        if one.method in UNSAFE and not one.in_api:
            address = re.sub(r"<int:[^>]+>", "1", one.address)
            address = re.sub(r"<[^>]+>", "x" * 32, address)
            answer = client.open(address, method=one.method, data={"x": "1"})
            if answer.status_code != 400:
                taken.append(f"{one.key}: {answer.status_code}")
    assert sorted(taken) == sorted(OPEN_FORMS), "These take what no page of ours has sent"


OPEN_FORMS = ("POST notification_stop.stop: 404", "POST web.switch_theme: 303")
"""One click of a mail program (RFC 8058), and a page's colours."""


def test_a_token_opens_no_page(client: FlaskClient) -> None:
    headers = bearer(a_token(a_member()))
    assert client.get("/account", headers=headers).status_code == 302
    assert client.post("/account/tokens", headers=headers, data={"name": "x", "scopes": "write"}).status_code == 401


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nobody_is_sent_elsewhere(client: FlaskClient, target: str) -> None:
    there = client.get("/preferences/language/it", query_string={"next": target})
    assert there.headers["Location"] == "/"


def test_requests_to_elsewhere_go_through_the_guard() -> None:
    strays = [
        f"{name}:{number}"
        for path in sorted((ROOT / "portal").rglob("*.py"))
        if (name := str(path.relative_to(ROOT))) not in GUARD and not name.startswith(tuple(OWN_MACHINE))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if OUTGOING.search(line)
    ]
    assert strays == []


def test_the_safety_page_says_what_is_so(app: Flask, client: FlaskClient, sealed: Flask) -> None:
    page = client.get("/safety", headers={"Accept-Language": "en"}).text
    assert "Pages come without encryption" in page
    assert "Requests under any name are answered." in page
    assert "not in place" in page
    app.config["STAFF_SECOND_FACTOR"] = True
    try:
        assert "open nothing without a second proof" in client.get("/safety", headers={"Accept-Language": "en"}).text
    finally:
        app.config["STAFF_SECOND_FACTOR"] = False
    with sealed.test_request_context("/safety", headers={"Host": "community.example.org"}):
        from portal.web.safety import parts

        told = [one.stands for part in parts() for one in part.measures]
    assert "Pages come by https." in told
    assert "Requests under other names are refused." in told
    assert any("older key" in one for one in told)


def test_who_finds_a_hole_is_told_where_to_write(app: Flask, client: FlaskClient) -> None:
    assert client.get("/.well-known/security.txt").status_code == 404
    app.config["PORTAL_SECURITY_CONTACT"] = "safety@example.org"
    try:
        told = client.get("/.well-known/security.txt").text
        assert "Contact: mailto:safety@example.org" in told
        assert "Expires: 20" in told
    finally:
        app.config["PORTAL_SECURITY_CONTACT"] = ""
