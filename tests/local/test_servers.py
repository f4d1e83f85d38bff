"""Embedded PostgreSQL and Valkey: started, shared, mended, adopted, and never left behind."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis, RedisError

from portal.local import children
from portal.local.errors import LocalError
from portal.local.places import Places, places
from portal.local.postgres import PostgresServer
from portal.local.services import Services

USER = """
import sys
from portal.local.places import places
from portal.local.services import Services
services = Services(places(sys.argv[1]), fast=True)
services.take()
print("taken", flush=True)
sys.stdin.read()
services.release()
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Places]:
    found = places(tmp_path / "a folder")
    yield found
    assert eventually(lambda: not processes_of(found)), f"left running: {processes_of(found)}"


@pytest.fixture
def services(place: Places) -> Iterator[Services]:
    taken = Services(place, fast=True)
    taken.take()
    yield taken
    taken.release()


def eventually(holds: Callable[[], object], seconds: float = 15.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(psycopg.OperationalError, RedisError, OSError):
            if holds():
                return True
        time.sleep(0.05)
    return False


def processes_of(place: Places) -> list[str]:
    """Command lines of the processes that name the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes()
            if str(place.data).encode() in words and int(entry.parent.name) != os.getpid():
                found.append(words.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


def ask(place: Places, question: str) -> object:
    address = place.database_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address, autocommit=True) as link:
        answer = link.execute(question)
        row = answer.fetchone() if answer.description else None
        return row[0] if row else None


def another_user(place: Places) -> "subprocess.Popen[str]":
    user = subprocess.Popen(
        [sys.executable, "-c", USER, str(place.data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert user.stdout is not None
    assert user.stdout.readline() == "taken\n"
    return user


def postgres_pid(place: Places) -> int:
    return int((place.postgres / "postmaster.pid").read_text().splitlines()[0])


def test_they_answer_and_keep_what_they_were_told(place: Places) -> None:
    for number in range(2):
        services = Services(place)
        services.take()
        if number == 0:
            ask(place, "CREATE TABLE kept AS SELECT 7 AS n")
        assert ask(place, "SELECT n FROM kept") == 7
        assert ask(place, "SHOW fsync") == "on"
        broker = Redis.from_url(place.redis_url, decode_responses=True)
        if number == 0:
            broker.set("kept", "wool")
        assert broker.get("kept") == "wool"
        assert services.release() is True
        assert processes_of(place) == []


def test_they_carry_the_extensions_that_search_needs(services: Services) -> None:
    wanted = "('pg_trgm', 'unaccent', 'btree_gin', 'citext')"
    found = ask(services.place, f"SELECT count(*) FROM pg_available_extensions WHERE name IN {wanted}")
    assert found == 4


def test_a_locale_that_is_not_installed_does_no_harm(place: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "it_IT.UTF-8")
    monkeypatch.setenv("LC_ALL", "it_IT.UTF-8")
    services = Services(place, fast=True)
    services.take()
    assert ask(place, "SELECT upper('città')") == "CITTÀ"
    services.release()


def test_two_users_share_them_and_the_last_one_ends_them(services: Services) -> None:
    first = postgres_pid(services.place)
    with another_user(services.place) as user:
        assert postgres_pid(services.place) == first
        assert services.release() is False
        assert ask(services.place, "SELECT 1") == 1
        user.communicate()
    assert processes_of(services.place) == []


def test_two_folders_run_side_by_side(services: Services, tmp_path: Path) -> None:
    other = Services(places(tmp_path / "another"), fast=True)
    other.take()
    assert postgres_pid(other.place) != postgres_pid(services.place)
    ask(other.place, "CREATE TABLE only_here ()")
    assert ask(services.place, "SELECT to_regclass('only_here')") is None
    other.release()


def test_a_user_that_is_killed_leaves_nothing_running(place: Places) -> None:
    with another_user(place) as user:
        user.kill()
    assert eventually(lambda: not processes_of(place))


def test_a_killed_postgres_is_started_again_and_lost_nothing(services: Services) -> None:
    ask(services.place, "CREATE TABLE kept AS SELECT 7 AS n")
    first = postgres_pid(services.place)
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: ask(services.place, "SELECT n FROM kept") == 7 and postgres_pid(services.place) != first)
    assert any("PostgreSQL died" in line for line in services.news())


def test_a_killed_valkey_is_started_again(place: Places) -> None:
    services = Services(place)
    services.take()
    broker = Redis.from_url(place.redis_url, decode_responses=True)
    broker.set("kept", "wool")
    time.sleep(1.1)  # its file is written each second
    os.kill(int(broker.info("server")["process_id"]), signal.SIGKILL)
    broker.close()
    assert eventually(lambda: Redis.from_url(place.redis_url).get("kept") == b"wool")
    services.release()


def test_a_killed_keeper_takes_its_servers_with_it_and_the_next_one_starts_them(services: Services) -> None:
    ask(services.place, "CREATE TABLE kept AS SELECT 7 AS n")
    server, keeper = postgres_pid(services.place), services.keeper_pid()
    assert keeper
    os.kill(keeper, signal.SIGKILL)
    assert eventually(lambda: not children.is_alive(server))
    with another_user(services.place) as user:
        assert ask(services.place, "SELECT n FROM kept") == 7
        user.communicate()


def test_a_server_that_a_crash_left_running_is_adopted_and_ended(place: Places) -> None:
    place.make()
    left = PostgresServer(place, fast=True)
    left.prepare()
    process = children.start(left.command(), log=left.log, unprivileged=left.unprivileged)
    assert eventually(left.is_ready)
    said: list[str] = []
    services = Services(place, fast=True)
    services.take(lambda text, _seconds: said.append(text))
    assert "adopted" in said[0]
    assert postgres_pid(place) == process.pid
    services.release()
    assert process.wait(5) == 0


def test_the_mark_of_a_server_that_is_gone_does_no_harm(place: Places) -> None:
    services = Services(place, fast=True)
    services.take()
    services.release()
    (place.postgres / "postmaster.pid").write_text(f"{os.getpid()}\n{place.postgres}\n")
    services.take()
    assert ask(place, "SELECT 1") == 1
    services.release()


@pytest.mark.parametrize("name", ["long" * 25, "with a space"])
def test_a_path_that_sockets_cannot_have_has_them_elsewhere(tmp_path: Path, name: str) -> None:
    place = places(tmp_path / name)
    services = Services(place, fast=True)
    services.take()
    assert len(str(place.run)) < 60
    assert place.run.stat().st_mode & 0o777 == 0o700
    assert ask(place, "SELECT 1") == 1
    with Redis.from_url(place.redis_url) as broker:
        assert len(broker.client_list()) == 1
    services.release()
    shutil.rmtree(place.run)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up being root")
def test_where_namespaces_are_refused_an_account_without_rights_runs_it(tmp_path: Path) -> None:
    place = places(tmp_path / "data")
    machine = [sys.executable, str(Path(__file__).with_name("no_namespaces.py"))]
    user = subprocess.run(
        [*machine, sys.executable, "-c", USER, str(place.data)], input="", capture_output=True, text=True, check=False
    )
    if user.returncode == 77:
        pytest.skip("this kernel lends no namespace to try it in")
    assert user.stdout == "taken\n", user.stderr
    base = (place.run / ".s.PGSQL.5432").readlink().parents[1]
    assert (base / "postgres").stat().st_uid != 0
    assert processes_of(place) == []
    shutil.rmtree(base)


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalError, match="PORTAL_DATA_DIR"):
        Services(places(tmp_path / "file" / "data")).take()


def test_a_folder_of_another_version_is_refused(place: Places) -> None:
    services = Services(place, fast=True)
    services.take()
    services.release()
    (place.postgres / "PG_VERSION").write_text("12\n")
    with pytest.raises(LocalError, match="PostgreSQL 12"):
        services.take()
