"""Catalogues follow their sources, and change only when words do."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "messages.py"


@pytest.fixture
def messages(tmp_path: Path) -> ModuleType:
    """The tool, at work on a project of one feature."""
    spec = importlib.util.spec_from_file_location("messages", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.ROOT, tool.SOURCES, tool.TEMPLATES = tmp_path, tmp_path / "portal", tmp_path / "templates"
    tool.CATALOGUES = tmp_path / "portal" / "translations"
    for folder in ("portal/ideas", "templates/ideas"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "portal/ideas/__init__.py").write_text("")
    (tmp_path / "portal/ideas/rules.py").write_text(
        'from flask_babel import gettext as _\nA = _("Voting has closed.")\n'
    )
    (tmp_path / "templates/ideas/page.html").write_text(
        '{{ _("Propose an idea") }}{% trans n=3 %}{{ n }} vote{% pluralize %}{{ n }} votes{% endtrans %}'
    )
    return tool


def translate(path: Path) -> None:
    text = path.read_text().replace(
        'msgid "Voting has closed."\nmsgstr ""', 'msgid "Voting has closed."\nmsgstr "Chiuso."'
    )
    text = text.replace('msgid "Propose an idea"\nmsgstr ""', 'msgid "Propose an idea"\nmsgstr "Proponi"')
    path.write_text(
        text.replace('msgstr[0] ""', 'msgstr[0] "un voto"').replace('msgstr[1] ""', 'msgstr[1] "%(n)s voti"')
    )


def test_sentences_of_code_and_pages_are_gathered_and_translations_stay(messages: ModuleType) -> None:
    messages.update(["ideas"])
    path = messages.catalogue_path("ideas", "it")
    assert len(messages.left_to_do(path)) == 3
    translate(path)
    before = path.read_text()
    messages.update(["ideas"])
    assert path.read_text() == before
    assert messages.check(["ideas"]) == 0


def test_lines_that_move_change_nothing(messages: ModuleType, tmp_path: Path) -> None:
    messages.update(["ideas"])
    path = messages.catalogue_path("ideas", "it")
    before = path.read_text()
    source = tmp_path / "portal/ideas/rules.py"
    source.write_text("\n\n\n" + source.read_text())
    messages.update(["ideas"])
    assert path.read_text() == before


def test_a_new_sentence_and_a_missing_translation_fail_the_check(messages: ModuleType, tmp_path: Path) -> None:
    messages.update(["ideas"])
    translate(messages.catalogue_path("ideas", "it"))
    source = tmp_path / "portal/ideas/rules.py"
    source.write_text(source.read_text() + 'B = _("This idea has shipped.")\n')
    assert messages.check(["ideas"]) == 1
    messages.update(["ideas"])
    assert messages.left_to_do(messages.catalogue_path("ideas", "it")) == ["This idea has shipped."]
    assert messages.check(["ideas"]) == 1


def test_a_sentence_that_is_gone_is_dropped(messages: ModuleType, tmp_path: Path) -> None:
    messages.update(["ideas"])
    (tmp_path / "portal/ideas/rules.py").write_text("")
    messages.update(["ideas"])
    assert "Voting" not in messages.catalogue_path("ideas", "it").read_text()


def test_what_belongs_to_no_feature_is_gathered_by_the_shell(messages: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "templates/base.html").write_text('{{ _("Skip to the content") }}')
    messages.update(["web"])
    assert "Skip to the content" in messages.catalogue_path("web", "it").read_text()
    assert "Propose" not in messages.catalogue_path("web", "it").read_text()


def test_catalogues_are_compiled_when_they_are_newer(messages: ModuleType) -> None:
    messages.update(["ideas"])
    translate(messages.catalogue_path("ideas", "it"))
    messages.compile_all()
    assert messages.catalogue_path("ideas", "it").with_suffix(".mo").read_bytes()[:4] == b"\xde\x12\x04\x95"
