"""What a file is, by its content and never by its name; what is hostile is refused. Pure."""

import csv
import io
import re
import unicodedata
import zlib
from collections.abc import Iterator
from enum import StrEnum

IMAGE_MOST = 12_000_000
"""Bytes of a picture as it comes."""
FILE_MOST = 10_000_000
UNPACKED_MOST = 40_000_000
NAME_MOST = 80
_TEXT_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MARKUP = re.compile(
    r"<\s*(?:!doctype|!--|\?|/?(?:html|head|body|script|svg|iframe|object|embed|style|link|meta|img|form|a|base)\b)",
    re.IGNORECASE,
)
_PDF_NAME = re.compile(rb"/((?:[^\x00-\x20()<>\[\]{}/%#]|#[0-9A-Fa-f]{2})+)")
_PDF_STREAM = re.compile(rb"stream\r?\n")
_PDF_ACTIVE = {
    b"JS", b"JavaScript", b"OpenAction", b"AA", b"Launch", b"SubmitForm", b"ImportData", b"GoToR", b"GoToE",
    b"EmbeddedFile", b"EmbeddedFiles", b"RichMedia", b"XFA", b"Encrypt", b"Movie", b"Sound", b"Rendition",
}  # fmt: skip
_PDF_PACKED = {b"LZWDecode", b"ASCII85Decode", b"ASCIIHexDecode", b"RunLengthDecode", b"Crypt"}


class Kind(StrEnum):
    """What is taken: pictures to be drawn anew, and three kinds of files."""

    IMAGE = "image"
    PDF = "application/pdf"
    TEXT = "text/plain"
    CSV = "text/csv"


class Hostile(ValueError):
    """The file is not what is taken here, or could do something."""


def kind_of(content: bytes, *, name: str = "") -> Kind:
    """Return what a file is. Its name only tells a table of values from other text.

    :raise Hostile: when it is none of the kinds that are taken.
    """
    if content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")):
        return Kind.IMAGE
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return Kind.IMAGE
    if content.startswith(b"%PDF-"):
        return Kind.PDF
    text = _text(content)
    if _MARKUP.search(text):
        raise Hostile("markup")
    return Kind.CSV if name.lower().endswith(".csv") else Kind.TEXT


def _text(content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Hostile("not a text") from error
    if not text.strip() or _TEXT_CONTROL.search(text):
        raise Hostile("not a text")
    return text


def clean_name(name: str, kind: Kind) -> str:
    """Return a file's name without folders, control characters and tricks, with the ending that fits its kind."""
    line = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = "".join(c for c in line if c.isprintable() and unicodedata.category(c) != "Cf" and c not in '<>:"|?*[]()`')
    stem = plain.rpartition(".")[0] or plain
    ending = {Kind.IMAGE: "webp", Kind.PDF: "pdf", Kind.CSV: "csv", Kind.TEXT: "txt"}[kind]
    return f"{stem.strip(' .').replace('.', ' ')[:NAME_MOST] or 'file'}.{ending}"


def text_anew(content: bytes) -> bytes:
    """Return a text written anew: composed, with plain line ends."""
    text = unicodedata.normalize("NFC", _text(content))
    return ("\n".join(text.splitlines()) + "\n").encode()


def table_anew(content: bytes) -> bytes:
    """Return a table of values written anew. What a spreadsheet would take for a formula becomes words.

    :raise Hostile: when it cannot be read as a table.
    """
    text = _text(content)
    out = io.StringIO()
    try:
        dialect = csv.Sniffer().sniff(text[:10_000], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    try:
        rows = csv.reader(io.StringIO(text, newline=""), dialect, strict=True)
        writer = csv.writer(out, delimiter=dialect.delimiter, lineterminator="\n")
        writer.writerows([_harmless(cell) for cell in row] for row in rows)
    except csv.Error as error:
        raise Hostile("not a table") from error
    return out.getvalue().encode()


def _harmless(cell: str) -> str:
    if cell.lstrip()[:1] not in {"=", "+", "-", "@", "\t"}:
        return cell
    return cell if re.fullmatch(r"[+-]?[\d.,]+%?", cell.strip()) else f"'{cell}"


def check_pdf(content: bytes) -> None:
    """Let a PDF pass that only shows pages.

    :raise Hostile: for one that runs scripts, opens or sends anything, holds other files, or cannot be looked into.
    """
    if b"%%EOF" not in content[-2048:]:
        raise Hostile("truncated")
    if _PDF_MARKUP.search(content):
        raise Hostile("markup")
    for part in _parts_of_pdf(content):
        names = {_plain_name(found[1]) for found in _PDF_NAME.finditer(part)}
        if names & _PDF_ACTIVE:
            raise Hostile("active")


_PDF_MARKUP = re.compile(rb"<\s*(?:script|html|svg|iframe|!doctype)\b", re.IGNORECASE)


def _plain_name(name: bytes) -> bytes:
    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), name)


def _parts_of_pdf(content: bytes) -> Iterator[bytes]:
    """Yield what can be read of a PDF: all that is not packed, and the objects that are packed into streams."""
    yield content
    unpacked = 0
    for found in _PDF_STREAM.finditer(content):
        head = content[max(content.rfind(b"obj", 0, found.start()), found.start() - 2000, 0) : found.start()]
        names = {_plain_name(one[1]) for one in _PDF_NAME.finditer(head)}
        if not names & {b"ObjStm", b"XRef"}:
            continue
        if names & _PDF_PACKED:
            raise Hostile("packed in a way that hides")
        if b"FlateDecode" not in names:
            continue
        try:
            part = zlib.decompressobj().decompress(content[found.end() :], UNPACKED_MOST - unpacked)
        except zlib.error as error:
            raise Hostile("broken") from error
        unpacked += len(part)
        if unpacked >= UNPACKED_MOST:
            raise Hostile("bomb")
        yield part
