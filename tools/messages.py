"""Gather the sentences that people read, one catalogue a feature, and compile them.

``messages.py extract [FEATURE …]`` reads ``portal/<feature>/`` and ``templates/<feature>/`` and brings
``portal/translations/<feature>/it/LC_MESSAGES/messages.po`` up to date: new sentences are added empty,
those that are gone are dropped, what was translated stays. ``web`` also takes what belongs to no
feature: the modules directly under ``portal/`` and the templates shared by all.

``messages.py check`` says which catalogues are behind their sources or not complete, and changes
nothing. ``messages.py compile`` writes the ``.mo`` files that are older than their ``.po``.

Files hold neither dates nor line numbers, so that a catalogue changes only when its words do.
"""

import argparse
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "portal"
TEMPLATES = ROOT / "templates"
CATALOGUES = SOURCES / "translations"
LOCALES = ("it",)
REST = "web"
KEYWORDS = {
    "_": None,
    "_l": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
JINJA_OPTIONS = {"extensions": "jinja2.ext.i18n,jinja2.ext.do,jinja2.ext.loopcontrols"}
TEMPLATE_NAMES = {".html", ".txt", ".xml", ".svg"}
CHURNING = re.compile(
    r'^"(POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By'
    r'|Project-Id-Version|Report-Msgid-Bugs-To):.*"\n',
    re.MULTILINE,
)


def features() -> list[str]:
    """Return the features that have a folder, the shells included."""
    rooms = {p.parent.name for p in SOURCES.glob("*/__init__.py")}
    return sorted(rooms | {REST})


def files_of(feature: str) -> Iterator[Path]:
    """Yield the modules and templates whose sentences belong to the feature."""
    yield from sorted((SOURCES / feature).rglob("*.py"))
    if feature == REST:
        yield from sorted(SOURCES.glob("*.py"))
        known = set(features()) - {REST}
        pages = [p for p in TEMPLATES.rglob("*") if p.relative_to(TEMPLATES).parts[0] not in known]
    else:
        pages = list((TEMPLATES / feature).rglob("*"))
    yield from sorted(p for p in pages if p.suffix in TEMPLATE_NAMES)


def gather(feature: str) -> Catalog:
    """Read the feature's sources into a fresh catalogue without translations."""
    catalog = Catalog(charset="utf-8", header_comment="")
    for path in files_of(feature):
        is_page = path.suffix in TEMPLATE_NAMES
        method = "jinja2.ext:babel_extract" if is_page else "python"
        options = JINJA_OPTIONS if is_page else {}
        source = io.BytesIO(path.read_bytes())
        found = extract(method, source, KEYWORDS, ("Translators:",), options, strip_comment_tags=True)
        place = path.relative_to(ROOT).as_posix()
        for _line, message, comments, context in found:
            catalog.add(message, None, [(place, 0)], auto_comments=comments, context=context)
    return catalog


def catalogue_path(feature: str, locale: str) -> Path:
    """Return where the feature's catalogue of this language lives."""
    return CATALOGUES / feature / locale / "LC_MESSAGES" / "messages.po"


def renewed(feature: str, locale: str) -> str | None:
    """Return the catalogue's text as it should be now, or None when there is nothing to say."""
    path = catalogue_path(feature, locale)
    template = gather(feature)
    if not len(template):
        return None
    if path.exists():
        with path.open("rb") as stream:
            catalog = read_po(stream, locale=locale, ignore_obsolete=True)
        catalog.update(template, no_fuzzy_matching=True)
    else:
        catalog = template
        catalog.locale = locale
    catalog.obsolete.clear()
    catalog.header_comment = f"# {feature}: what people read, in {catalog.locale.english_name}."
    catalog.fuzzy = False
    out = io.BytesIO()
    write_po(out, catalog, width=0, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    return CHURNING.sub("", out.getvalue().decode())


def left_to_do(path: Path) -> list[str]:
    """Return the sentences that have no translation, or a doubtful one."""
    with path.open("rb") as stream:
        catalog = read_po(stream)
    return [str(m.id) for m in catalog if m.id and (m.fuzzy or not all_of(m.string))]


def all_of(string: str | list[str] | tuple[str, ...] | None) -> bool:
    """Tell whether every form of the translation is there."""
    return bool(string) and (isinstance(string, str) or all(string or ()))


def update(names: list[str]) -> int:
    """Bring the catalogues up to date and say what is left to translate."""
    for feature in names:
        for locale in LOCALES:
            path = catalogue_path(feature, locale)
            text = renewed(feature, locale)
            if text is None:
                sys.stdout.write(f"{feature}: nothing to translate\n")
                continue
            if not path.exists() or path.read_text("utf-8") != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            left = left_to_do(path)
            sys.stdout.write(f"{path.relative_to(ROOT)}: {len(left)} left to translate\n")
    return 0


def check(names: list[str]) -> int:
    """Say which catalogues are behind or unfinished; 1 when any is."""
    wrong = []
    for feature in names:
        for locale in LOCALES:
            path = catalogue_path(feature, locale)
            text = renewed(feature, locale)
            shown = path.relative_to(ROOT)
            if text is None:
                continue
            if not path.exists() or path.read_text("utf-8") != text:
                wrong.append(f"{shown}: behind its sources; run: make messages FEATURE={feature}")
            if path.exists():
                wrong.extend(f"{shown}: no translation of {text!r}" for text in left_to_do(path))
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


def compile_all() -> int:
    """Compile every catalogue that is newer than what was made of it."""
    for path in sorted(CATALOGUES.glob("*/*/LC_MESSAGES/messages.po")):
        target = path.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= path.stat().st_mtime:
            continue
        with path.open("rb") as stream:
            catalog = read_po(stream, locale=path.parts[-3])
        partial = target.with_suffix(".mo.part")
        with partial.open("wb") as stream:
            write_mo(stream, catalog)
        partial.replace(target)
    return 0


def main() -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("extract", "check", "compile"))
    parser.add_argument("feature", nargs="*", help="all of them when none is named")
    asked = parser.parse_args()
    names = asked.feature or features()
    if unknown := set(names) - set(features()):
        parser.error(f"no such feature: {', '.join(sorted(unknown))}")
    if asked.what == "check":
        return check(names)
    if asked.what == "extract":
        update(names)
    return compile_all()


if __name__ == "__main__":
    sys.exit(main())
