"""What every answer carries, whoever asks and whatever comes of it."""

import re
import socket
import threading
from pathlib import Path

import httpcore
import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from portal.app import create_app
from portal.config import SETTINGS, load
from portal.kernel.database import db
from portal.kernel.guard import NotPublic, guarded_client, public_addresses
from portal.members import queries, services
from portal.members.privacy import erasing
from portal.notifications.live import live_app
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


def test_a_token_that_was_revoked_or_whose_owner_left_opens_nothing_not_even_what_all_may_read(
    app: Flask, client: FlaskClient
) -> None:
    ruth, left = a_member(), a_member()
    revoked, orphaned = a_token(ruth), a_token(left)
    services.revoke_token(ruth, queries.tokens_of(ruth)[0].id)
    erasing.erase(left, texts=False)
    db.session.commit()
    taken = []
    for one in operations(app):
        if one.in_api:
            address = re.sub(r"<[^>]+>", "1", one.address)
            for token in (revoked, orphaned, "pt_nonsense"):
                answer = client.open(address, method=one.method, headers=bearer(token), json={"x": 1})
                taken += [f"{one.key}: {answer.status_code}"] * (answer.status_code != 401)
    assert taken == []


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
    assert any("a word made for this one answer" in one for one in told)
    assert any("no other host can set it" in one for one in told)


def test_who_finds_a_hole_is_told_where_to_write(app: Flask, client: FlaskClient) -> None:
    assert client.get("/.well-known/security.txt").status_code == 404
    app.config["PORTAL_SECURITY_CONTACT"] = "safety@example.org"
    try:
        told = client.get("/.well-known/security.txt").text
        assert "Contact: mailto:safety@example.org" in told
        assert "Expires: 20" in told
    finally:
        app.config["PORTAL_SECURITY_CONTACT"] = ""


@pytest.mark.parametrize("host", [
    "127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "0.0.0.0", "localhost", "10.0.0.1", "100.64.0.1",
    "169.254.169.254", "fd00:ec2::254", "::1", "::", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:0:127.0.0.1", "fe80::1%1",
    "fec0::1", "ff02::1", "224.0.0.1", "255.255.255.255", "192.168.1.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "5f00::1",
])  # fmt: skip
def test_no_request_reaches_a_private_address_however_it_is_written(host: str) -> None:
    with pytest.raises(NotPublic):
        public_addresses(host, 443)


def test_public_addresses_are_reached() -> None:
    for host in ("93.184.215.14", "2606:4700::1111", "64:ff9b::5db8:d70e", "::ffff:93.184.215.14"):
        assert public_addresses(host, 443)


def test_the_address_that_was_checked_is_the_one_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[str] = []
    answers = iter(["93.184.215.14", "127.0.0.1"])

    def resolve(host: str, port: int, **_more: object) -> list[tuple[object, ...]]:
        named.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    asked: list[str] = []

    def connect(_self: object, host: str, *_more: object) -> None:
        asked.append(host)
        raise httpcore.ConnectError(host)

    monkeypatch.setattr("portal.kernel.guard.socket.getaddrinfo", resolve)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    with guarded_client() as client, pytest.raises(httpx.ConnectError):
        client.get("http://turns-around.example/")
    assert (named, asked) == (["turns-around.example"], ["93.184.215.14"])


def test_a_websocket_from_a_page_of_others_is_refused(portal: Flask) -> None:
    server = make_server("127.0.0.1", 0, live_app(portal), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        told = {}
        for origin in (f"http://127.0.0.1:{server.server_port}", "https://evil.example", "null"):
            with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as line:
                line.sendall(UPGRADE.format(port=server.server_port, origin=origin).encode())
                told[origin] = line.recv(64).split(b" ")[1]
        assert list(told.values()) == [b"101", b"400", b"400"]
    finally:
        server.shutdown()


UPGRADE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.mark.parametrize("setting", [one.name for one in SETTINGS if one.secret])
def test_every_secret_comes_from_a_file_if_one_is_named(tmp_path: Path, setting: str) -> None:
    kept = tmp_path / "secret"
    kept.write_text("a secret that is long enough to be one\n")
    environ = {"PORTAL_ENV": "production", "SECRET_KEY": "a key that is long enough", "PORTAL_DATA_DIR": str(tmp_path)}
    environ = {name: value for name, value in environ.items() if name != setting} | {f"{setting}_FILE": str(kept)}
    wanted = "a secret that is long enough to be one"
    assert load(environ)[setting] in (wanted, [wanted])


def test_addresses_that_hold_passwords_come_from_files_too(tmp_path: Path) -> None:
    kept = tmp_path / "url"
    kept.write_text("postgresql://portal:hidden@db/portal\n")
    config = load({"DATABASE_URL_FILE": str(kept), "PORTAL_DATA_DIR": str(tmp_path)})
    assert config["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://portal:hidden@db/portal"
