"""Rules of the house that imports cannot show."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Environment, StrictUndefined

from portal.kernel.database import Model, db
from portal.members.policy import access_of

ROOT = Path(__file__).resolve().parents[2]
FLOORS = [
    "kernel",
    "members",
    "api",
    "community",
    "ideas support",
    "analytics moderation search",
    "crm notifications",
    "web",
    "demo",
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names.split()}


def sources() -> list[Path]:
    return sorted((ROOT / "portal").rglob("*.py"))


def test_foreign_keys_point_down_or_stay_at_home(portal: Flask) -> None:
    home = {m.local_table.name: m.class_.__module__.split(".")[1] for m in Model.registry.mappers}
    wrong = [
        f"{table.name} -> {key.column.table.name}"
        for table in Model.metadata.tables.values()
        for key in table.foreign_keys
        if home[table.name] != home[key.column.table.name]
        and FLOOR[home[table.name]] <= FLOOR[home[key.column.table.name]]
    ]
    assert wrong == []


def test_only_the_kernel_and_the_roof_commit() -> None:
    allowed = {"kernel", "local", "demo"}
    commits = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        if path.relative_to(ROOT).parts[1] not in allowed
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "commit"
    ]
    assert commits == []


def test_every_route_says_who_may_use_it(portal: Flask) -> None:
    undeclared = [
        rule.endpoint
        for rule in portal.url_map.iter_rules()
        if access_of(portal.view_functions[rule.endpoint]) is None and rule.endpoint != "static"
    ]
    assert sorted(set(undeclared)) == []


def test_every_template_compiles(portal: Flask) -> None:
    strict: Environment = portal.jinja_env.overlay(undefined=StrictUndefined)
    names = strict.list_templates(extensions=["html", "xml", "txt", "svg"])
    assert names
    for name in names:
        strict.get_template(name)


def test_no_room_is_too_long_to_read() -> None:
    long = {str(p.relative_to(ROOT)): n for p in sources() if (n := len(p.read_text().splitlines())) > 450}
    assert long == {}


def test_nothing_unfinished_and_no_path_of_a_machine() -> None:
    words = "|".join(("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", "/ro" + "ot/", "lorem " + "ipsum"))
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    found = [
        name
        for name in tracked
        if name.endswith((".py", ".md", ".html", ".toml", ".js", ".css"))
        and "vendor" not in name
        and (ROOT / name).exists()
        and re.search(words, (ROOT / name).read_text(errors="replace"))
    ]
    assert found == []


def test_templates_hold_no_inline_style_or_script() -> None:
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/(?:ld\+)?json\")|\sstyle=|\son[a-z]+=\"", re.IGNORECASE
    )
    pages = [
        path for path in (ROOT / "templates").rglob("*.html") if path.parent.name != "mail"
    ]  # mails have no sheets
    found = [str(path.relative_to(ROOT)) for path in pages if inline.search(path.read_text())]
    assert found == []


@pytest.mark.usefixtures("app")
def test_models_and_migrations_agree(app: Flask) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def ours(_thing: object, name: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
        return not (kind == "table" and name is not None and name.startswith("activity_"))

    opts = {"compare_type": True, "include_object": ours}
    context = MigrationContext.configure(db.session.connection(), opts=opts)
    with pytest.warns(match="xid8"):
        differences = compare_metadata(context, db.metadata)
    assert differences == []
