"""`portal doctor` says what is wrong, and how to mend it; it never says a secret."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from portal.local import doctor
from portal.local.doctor import Finding


@pytest.fixture
def environ(database_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PORTAL_DATA_DIR": str(tmp_path)}


def found(environ: dict[str, str]) -> dict[str, Finding]:
    return {one.what: one for one in doctor.examine(environ)}


def test_what_is_well_is_said_to_be_well(environ: dict[str, str]) -> None:
    findings = found(environ)
    for what in ("python", "settings", "database", "extensions", "migrations", "broker", "data folder", "CRM"):
        assert findings[what].status == doctor.OK, findings[what]


def test_a_database_that_is_away_is_said_with_its_cure_and_the_rest_goes_on(environ: dict[str, str]) -> None:
    findings = found(environ | {"DATABASE_URL": "postgresql://127.0.0.1:1/none"})
    assert findings["database"].status == doctor.WRONG
    assert "DATABASE_URL" in findings["database"].cure
    assert findings["broker"].status == doctor.OK


def test_a_broker_that_is_away_is_said(environ: dict[str, str]) -> None:
    findings = found(environ | {"REDIS_URL": "redis://127.0.0.1:1/0"})
    assert findings["broker"].status == doctor.WRONG
    assert findings["database"].status == doctor.OK


def test_a_database_behind_its_migrations_is_said(environ: dict[str, str]) -> None:
    empty = environ["DATABASE_URL"].replace(environ["DATABASE_URL"].rpartition("/")[2], "postgres", 1)
    if "host=" in environ["DATABASE_URL"]:
        name = environ["DATABASE_URL"].rpartition("/")[2].partition("?")[0]
        empty = environ["DATABASE_URL"].replace(f"/{name}?", "/postgres?")
    findings = found(environ | {"DATABASE_URL": empty})
    assert findings["migrations"].status == doctor.WRONG
    assert "portal db upgrade" in findings["migrations"].cure


def test_settings_that_production_must_not_have_are_refused(environ: dict[str, str]) -> None:
    unsafe = found(environ | {"PORTAL_ENV": "production", "SECRET_KEY": "changeme"})
    assert unsafe["settings"].status == doctor.WRONG
    assert "SECRET_KEY" in unsafe["settings"].found


def test_a_slip_of_the_pen_in_a_setting_is_noticed(environ: dict[str, str]) -> None:
    assert found(environ | {"PORTAL_PROT": "8000"})["setting PORTAL_PROT"].status == doctor.NOTE


def test_a_taken_port_and_a_port_that_is_none_are_said(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert found(environ | {"PORTAL_PORT": str(port)})["port"].status == doctor.NOTE
    assert found(environ | {"PORTAL_PORT": "http"})["port"].status == doctor.WRONG


def test_a_crm_without_its_address_or_out_of_reach_is_said(environ: dict[str, str]) -> None:
    assert found(environ | {"PORTAL_CRM": "webhook"})["CRM"].status == doctor.WRONG
    away = {"PORTAL_CRM": "tryton", "PORTAL_CRM_URL": "http://127.0.0.1:1"}
    assert found(environ | away)["CRM"].status == doctor.WRONG
    assert found(environ | {"PORTAL_CRM": "a spreadsheet"})["CRM"].status == doctor.WRONG


def test_secrets_are_never_shown(environ: dict[str, str]) -> None:
    secret = "not-for-eyes"
    environ |= {
        "SECRET_KEY": secret,
        "PORTAL_CRM_PASSWORD": secret,
        "REDIS_URL": f"redis://:{secret}@127.0.0.1:1/0",
        "DATABASE_URL": f"postgresql://portal:{secret}@127.0.0.1:1/portal",
    }
    assert secret not in json.dumps(doctor.as_dict(doctor.examine(environ), environ))


@pytest.mark.parametrize(("database_url", "status"), [("postgresql://127.0.0.1:1/none", 1)])
def test_programs_get_one_document_and_a_status(database_url: str, status: int, tmp_path: Path) -> None:
    environ = os.environ | {"DATABASE_URL": database_url, "PORTAL_DATA_DIR": str(tmp_path)}
    words = [sys.executable, "-c", "from portal.cli import main; main()", "doctor", "--json"]
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == status
    document = json.loads(done.stdout)
    assert document["ok"] is False
    assert {"checks", "settings"} <= document.keys()
