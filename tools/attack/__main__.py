"""``make attack``: wapiti, sqlmap and schemathesis against a running demo on loopback, signed out, in, and as an admin.

Each tool must first find a hole that is planted for this run alone (`holes`); then none in the portal. The tools live
in environments of their own, ``.venv-attack``, with versions and hashes locked in ``requirements/attack``.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flask import Flask
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bench.common import fresh_portal  # noqa: E402 - the project's folder comes first on the path
from portal.demo import loader  # noqa: E402
from portal.demo.story import tell  # noqa: E402
from portal.ideas.models import Idea  # noqa: E402
from portal.kernel import projections  # noqa: E402
from portal.kernel.clock import now  # noqa: E402
from portal.kernel.database import db  # noqa: E402
from portal.members import queries, services  # noqa: E402
from portal.support.models import Question  # noqa: E402
from tools.attack.holes import holes  # noqa: E402

VENV = ROOT / ".venv-attack"
LOCKS = ROOT / "requirements" / "attack"
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
          "response_headers_conformance", "unsupported_method")  # fmt: skip
# wapiti's module for LDAP calls any page that differs a finding; nothing here speaks LDAP, and no address reads XML.
MODULES = "sql,xss,permanentxss,exec,file,redirect,crlf,ssrf,upload"
PLANTED = ("Cross Site Scripting", "SQL Injection", "Server Side Request Forgery")
"""What wapiti must find among the holes."""
AWAY = ("/sign-out", "/holes/", "/static/", "/account/security", "/account/privacy")
ADDRESSES = (
    "/ideas?q=wool&board=yarns&stage=review&sort=newest&tag=wool&category=x&topic=1&cursor=x",
    "/search?q=wool&kind=idea&board=yarns&page=1",
    "/similar?kind=idea&title=wool&body=wool&board=yarns",
    "/questions?tag=wool&sort=newest&board=help&q=wool&cursor=x",
    "/members?kind=customer&cursor=x",
    "/api/v1/ideas?board=yarns&stage=review&sort=rising&q=wool&cursor=x&tag=wool&author=1&topic=1&limit=5",
    "/api/v1/questions?board=help&tag=wool&sort=newest&cursor=x&limit=5",
    "/api/v1/search?q=wool&kind=idea&board=yarns&cursor=x",
    "/api/v1/similar?kind=question&title=wool&body=wool&board=help",
    "/api/v1/experts?title=wool&body=wool&tags=wool&board=help",
)
"""Every address that puts what was typed into a query of ours."""
PATIENCE = 1800


@dataclass(frozen=True, slots=True)
class Party:
    """In whose name a tool attacks: headers that it sends, and what to call that."""

    name: str
    cookie: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What one run of one tool found."""

    tool: str
    party: str
    findings: list[str]
    asked: str


class Quiet(WSGIRequestHandler):
    """Writes no log of requests."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""


@contextmanager
def target() -> Iterator[tuple[str, list[Party]]]:
    """Serve a demo with holes on a free port of loopback; yield its address and the parties."""
    with fresh_portal("attack") as app:
        app.register_blueprint(holes)
        with app.test_request_context():
            loader.load()
        projections.advance_all()
        parties = [Party("signed out"), _party(app, "signed in", "marta"), _party(app, "as an admin", "sara")]
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", parties
        finally:
            server.shutdown()


def _party(app: Flask, name: str, key: str) -> Party:
    """Sign somebody of the demo in: a browser's cookie and a program's token."""
    email = next(row["email"] for row in tell(now())["members"] if row["key"] == key)
    member_id = queries.member_id_by_email(email)
    if member_id is None:
        raise LookupError(email)
    session = services.open_session(member_id, second_factor=True)
    scopes = ("read", "write", "admin") if key == "sara" else ("read", "write")
    token = services.create_token(member_id, name="attack", scopes=scopes)
    db.session.commit()
    browser = app.test_client()
    with browser.session_transaction() as kept:
        kept.update(_user_id=session, _fresh=True)
    cookie = app.config["SESSION_COOKIE_NAME"]
    found = browser.get_cookie(cookie)
    return Party(name, f"{cookie}={found.value if found else ''}", token)


# The tools


def wapiti(url: str, party: Party, *, seconds: int, within: str = "/") -> Result:
    """Let wapiti crawl and attack forms and parameters."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        leave = [word for part in AWAY if part != within for word in ("-x", f"{url}{part}*")]
        headers = ["-H", f"Cookie: {party.cookie}"] if party.cookie else []
        _run(
            [str(VENV / "scan/bin/wapiti"), "-u", f"{url}{within}", "--scope", "folder", "-m", MODULES,
             "--flush-session",
             "-f", "json", "-o", str(report), "--max-scan-time", str(seconds),
             "--max-attack-time", str(seconds // 3),
             "--tasks", "2", "-d", "3", "--max-links-per-page", "25", "--no-bugreport", "-S", "normal",
             "--endpoint", f"{url}/holes/outside/", "--dns-endpoint", "localhost",
             "--store-session", folder, *leave, *headers],
            {"HOME": folder},
        )  # fmt: skip
        told = json.loads(report.read_text())
    found = [
        f"{kind}: {one['method']} {one['path']} {one['parameter']}"
        for kind, ones in told["vulnerabilities"].items()
        for one in ones
    ]
    found += [f"{kind}: {one['path']}" for kind, ones in told["anomalies"].items() for one in ones]
    return Result("wapiti", party.name, found, f"{told['infos'].get('crawled_pages_nbr', '?')} pages")


def sqlmap(url: str, party: Party, addresses: tuple[str, ...]) -> Result:
    """Let sqlmap try every parameter of the addresses that ask the database for what was typed."""
    with tempfile.TemporaryDirectory() as folder:
        targets = Path(folder) / "targets"
        targets.write_text("".join(f"{url}{one}\n" for one in addresses))
        headers = ["--cookie", party.cookie] if party.cookie else []
        headers += ["--headers", f"Authorization: Bearer {party.token}"] if party.token else []
        said = _run(
            [str(VENV / "scan/bin/sqlmap"), "-m", str(targets), "--batch", "--level", "1", "--risk", "1",
             "--technique", "BEU",
             "--dbms", "PostgreSQL", "--threads", "2", "--flush-session", "--output-dir", folder, "--disable-coloring",
             "--skip-waf", "--ignore-code", "*", *headers],
            {"HOME": folder},
        )  # fmt: skip
    found = re.findall(r"^Parameter: .*$", said, re.MULTILINE)
    tested = len(set(re.findall(r"testing if (?:\w+ )?parameter '([^']+)' is dynamic", said)))
    return Result("sqlmap", party.name, found, f"{len(addresses)} addresses, {tested} names of parameters")


def schemathesis(url: str, party: Party, *, examples: int, schema: str = "/api/v1/openapi.json") -> Result:
    """Let schemathesis ask every operation of the API's own description."""
    headers = ["--header", f"Authorization: Bearer {party.token}"] if party.token else []
    base = url if schema.startswith("/holes/") else f"{url}/api/v1"
    said = _run(
        [str(VENV / "fuzz/bin/schemathesis"), "run", f"{url}{schema}", "--url", base,
         "--checks", ",".join(CHECKS), "--max-examples", str(examples), "--seed", "1", "--workers", "1",
         "--phases", "examples,coverage,fuzzing", "--no-color", "--continue-on-failure", *headers],
        {},
    )  # fmt: skip
    found = [f"{where[0].strip()}: {what}" for where, what in _failures(said)]
    cases = re.findall(r"(\d+) generated", said) or re.findall(r"(\d+) test cases?", said)
    if not cases and not found:
        found = [f"no cases were sent: {said[-300:]}"]
    return Result("schemathesis", party.name, found, f"{cases[-1] if cases else '?'} cases")


def _failures(said: str) -> list[tuple[list[str], str]]:
    parts = re.split(r"^_+ (.+?) _+$", said, flags=re.MULTILINE)
    pairs = zip(parts[1::2], parts[2::2], strict=False)
    return [([where], what) for where, text in pairs for what in re.findall(r"^- (.+)$", text, re.MULTILINE)]


def _run(command: list[str], environ: dict[str, str]) -> str:
    done = subprocess.run(
        command, cwd=tempfile.gettempdir(), env={**os.environ, **environ, "NO_COLOR": "1"}, capture_output=True,
        text=True, check=False, timeout=PATIENCE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    (VENV / f"{Path(command[0]).name}.log").write_text(done.stdout + done.stderr)
    return done.stdout + done.stderr


def install() -> None:
    """Put the tools into environments of their own, once for each lock."""
    for lock in sorted(LOCKS.glob("*.txt")):
        place = VENV / lock.stem
        stamp = place / "installed"
        if stamp.exists() and stamp.read_text() == lock.read_text():
            continue
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
        subprocess.run(pip, check=True)
        stamp.write_text(lock.read_text())


def proofs(url: str, only: str | None) -> list[str]:
    """Let each tool find the hole that is there for it; return what went unnoticed."""
    nobody = Party("the holes")
    tries: dict[str, Callable[[], Result]] = {
        "wapiti": partial(wapiti, url, nobody, seconds=60, within="/holes/"),
        "sqlmap": partial(sqlmap, url, nobody, ("/holes/find?id=1",)),
        "schemathesis": partial(schemathesis, url, nobody, examples=30, schema="/holes/openapi.json"),
    }
    blind = []
    for tool, attempt in tries.items():
        if only not in {None, tool}:
            continue
        result = attempt()
        _tell(result)
        if not result.findings:
            blind.append(f"{tool} did not find the hole that was planted for it")
        if tool == "wapiti":
            blind += [f"wapiti did not find: {one}" for one in PLANTED if one not in " ".join(result.findings)]
    return blind


def _tell(result: Result) -> None:
    sys.stdout.write(f"{result.tool:13}{result.party:12}{len(result.findings):4} findings   ({result.asked})\n")
    sys.stdout.writelines(f"    {one}\n" for one in result.findings[:20])
    sys.stdout.flush()


def main() -> int:
    """Attack; 1 when something was found, or a tool is blind."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=240, help="time for each crawl of wapiti")
    parser.add_argument("--examples", type=int, default=20, help="examples of each operation for schemathesis")
    parser.add_argument("--only", choices=("wapiti", "sqlmap", "schemathesis"), help="one tool")
    chosen = parser.parse_args()
    install()
    with target() as (url, parties):
        wrong = proofs(url, chosen.only)
        idea, question = db.session.scalar(select(Idea.id).limit(1)), db.session.scalar(select(Question.id).limit(1))
        db.session.rollback()
        addresses = (*ADDRESSES, f"/ideas/{idea}*", f"/questions/{question}*")
        for party in parties:
            runs: dict[str, Callable[[], Result]] = {
                "schemathesis": partial(schemathesis, url, party, examples=chosen.examples),
                "sqlmap": partial(sqlmap, url, party, addresses),
                "wapiti": partial(wapiti, url, party, seconds=chosen.seconds),
            }
            for tool, run in runs.items():
                if chosen.only in {None, tool}:
                    result = run()
                    _tell(result)
                    wrong += result.findings
    sys.stdout.write(f"\n{len(wrong)} findings\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
