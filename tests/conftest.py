"""Fixtures every test may use: a real PostgreSQL, a real Valkey, and each test undone when it ends.

The services are those of ``DATABASE_URL`` and ``REDIS_URL`` when these are set, else embedded ones that are started
once for all test processes. One database is migrated as a template; each test process works on a clone.
"""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from flask_migrate import upgrade
from playwright.sync_api import Browser, expect, sync_playwright
from psycopg import sql
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from portal.app import create_app
from portal.community import impressions
from portal.kernel import projections
from portal.kernel.database import db
from portal.kernel.jobs import QUEUES
from portal.local.browser import find_browser

FILLED = """
    SELECT string_agg(quote_ident(relname), ', ') FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
      AND relname <> 'alembic_version'"""
ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 20_000
"""Milliseconds that a browser may take on a busy machine."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run"]  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Start the services once, in the process that the others belong to."""
    if not hasattr(config, "workerinput") and not {"DATABASE_URL", "REDIS_URL"} <= set(os.environ):
        from tests import services

        config.stash[SERVICES] = services.start()
        os.environ["DATABASE_URL"] = config.stash[SERVICES].database_url
        os.environ["REDIS_URL"] = config.stash[SERVICES].redis_url


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started."""
    if SERVICES in config.stash:
        config.stash[SERVICES].stop()


SERVICES: pytest.StashKey[Any] = pytest.StashKey()


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """Address of a migrated, empty database that is this process's own."""
    template = _template()
    name = f"{template}_{os.getpid()}"
    with _server() as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
    yield _address(name)
    with _server() as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Address of a numbered database of the broker that is this process's own."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    address = os.environ["REDIS_URL"]
    if address.startswith("unix:"):
        return f"{address.partition('?')[0]}?db={number}"
    base, _, own = address.rpartition("/")
    return f"{base}/{int(own) + number}" if own.isdigit() else f"{address}/{number}"


@contextmanager
def _server() -> Iterator["psycopg.Connection[Any]"]:
    address = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql", database="postgres")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


def _address(name: str) -> str:
    address = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg", database=name)
    return address.render_as_string(hide_password=False)


def _template() -> str:
    """Migrate the template once for these migrations; others wait for the one who does."""
    steps = sorted((ROOT / "migrations" / "versions").glob("*.py"))
    name = "test_" + hashlib.sha256(b"".join(step.read_bytes() for step in steps)).hexdigest()[:12]
    with (Path(tempfile.gettempdir()) / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _server() as server:
            if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return name
            making = f"{name}_making"
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(making)))
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(making)))
            app = create_app(_environ(_address(making), os.environ["REDIS_URL"]))
            with app.app_context():
                upgrade(directory=str(ROOT / "migrations"))
                db.engine.dispose()
            server.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(making), sql.Identifier(name))
            )
    return name


def _environ(database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "PORTAL_ENV": "testing",
        "SECRET_KEY": "only for tests",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PORTAL_DATA_DIR": tempfile.mkdtemp(prefix="portal-test-"),
    }


@pytest.fixture(scope="session")
def portal(database_url: str, redis_url: str) -> Iterator[Flask]:
    """The portal on a real database; built once a process."""
    app = create_app(_environ(database_url, redis_url), TESTING=True, SERVER_NAME="localhost")
    app.teardown_request(_forget_the_request)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def _forget_the_request(_error: BaseException | None) -> None:
    """Empty `g`, which tests keep open from one request to the next: whoever asked then is not asking now."""
    for name in list(g):
        g.pop(name)


@pytest.fixture
def app(portal: Flask) -> Iterator[Flask]:
    """The portal inside one transaction that is undone when the test ends; hooks after the commit still run."""
    with portal.app_context():
        engine = db.engine
        db.session.session_factory.configure(join_transaction_mode="create_savepoint")
        with engine.connect() as connection:
            undo = connection.begin()
            db.engines[None] = connection  # type: ignore[assignment]
            try:
                yield portal
            finally:
                db.session.remove()
                db.engines[None] = engine
                undo.rollback()
    portal.extensions["redis"].flushdb()


@pytest.fixture
def committed(portal: Flask) -> Iterator[Flask]:
    """The portal on a database that keeps what is committed, emptied afterwards: for threads and processes."""
    db.session.session_factory.configure(join_transaction_mode="conditional_savepoint")
    with portal.app_context():
        try:
            yield portal
        finally:
            db.session.remove()
            _empty()
    _forget()
    portal.extensions["redis"].flushdb()


def _forget() -> None:
    """Let this process forget whom it has written down as a viewer: the numbers begin anew with the empty tables."""
    impressions._seen.clear()
    impressions._salts.clear()


def _empty(tries: int = 5) -> None:
    """Empty all tables; a request that a browser has left behind may still hold some of them."""
    try:
        with db.engine.begin() as connection:
            tables = connection.exec_driver_sql(FILLED).scalar_one()
            connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    except OperationalError:
        if tries == 0:
            raise
        time.sleep(0.5)
        _empty(tries - 1)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without scripts."""
    return app.test_client()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, driven by Playwright; started once a process, which can hold only one."""
    path = find_browser()
    if path is None:
        pytest.skip("no Chromium on this machine: install the package chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def redis(portal: Flask) -> "Redis":
    """The broker."""
    client: Redis = portal.extensions["redis"]
    return client


class Workers:
    """The workers, run by hand: nothing happens behind a test's back."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def run(self, *queues: str) -> None:
        """Work until the queues are empty and every projection has read what there is."""
        redis = self.app.extensions["redis"]
        lines = [Queue(q, connection=redis, serializer=JSONSerializer) for q in queues or QUEUES]
        read_all_facts()
        SimpleWorker(lines, connection=redis, serializer=JSONSerializer).work(burst=True, logging_level="ERROR")
        read_all_facts()


@pytest.fixture
def workers(committed: Flask) -> Workers:
    """Real RQ workers on the real broker; use it with `committed`."""
    return Workers(committed)


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Collect the statements that are sent to the database inside."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK TO")):
            seen.append(statement)

    target = db.engine if not hasattr(db.engine, "engine") else db.engine.engine
    event.listen(target, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(target, "before_cursor_execute", note)


def read_all_facts(patience: float = 60.0) -> None:
    """Bring all projections up to date. Inside `app` nothing is visible to them: use `committed`.

    Facts are held back while any older transaction of the server is open, also one of another test process.
    """
    until = time.monotonic() + patience
    while True:
        projections.advance_all()
        behind = [name for name, lag in projections.lags().items() if lag.facts and not lag.error and not lag.paused]
        db.session.rollback()
        if not behind or time.monotonic() > until:
            return
        time.sleep(0.02)
