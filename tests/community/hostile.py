"""Files that mean harm: each with a mark that must not come out again."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

from PIL import Image
from PIL.PngImagePlugin import PngInfo

MARK = b"HOSTILE-MARK-7f3a"
SCRIPT = b"<script>alert('" + MARK + b"')</script>"


def picture(kind: str = "JPEG", size: tuple[int, int] = (64, 48), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (120, 60, 30)).save(out, kind, **options)
    return out.getvalue()


def png_of(width: int, height: int, data: bytes | None = None, *extra: tuple[bytes, bytes]) -> bytes:
    """Write a PNG by hand, with a size that need not be true."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 10) if data is None else data
    parts = [chunk(b"IHDR", head), *(chunk(*one) for one in extra), chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def exif_with_place() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = MARK.decode()
    exif[0x9286] = MARK.decode()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (42.0, 20.0, 31.0)
    return exif.tobytes()


def many_frames(count: int) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), (n % 256, 255 - n % 256, 90)) for n in range(count)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=20, optimize=False)
    return out.getvalue()


def frames_by_hand(count: int) -> bytes:
    """Write a GIF with many frames of one pixel; quicker than drawing them."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x21\xf9\x04\0\x01\0\0\0" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return head + frame * count + b"\x3b"


def text_in_png() -> bytes:
    info = PngInfo()
    info.add_text("Comment", MARK.decode())
    info.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{MARK.decode()}</x:xmpmeta>")
    return picture("PNG", pnginfo=info)


def pdf(*objects: bytes) -> bytes:
    body = b"%PDF-1.7\n" + b"".join(b"%d 0 obj\n%s\nendobj\n" % (n, one) for n, one in enumerate(objects, 1))
    return body + b"trailer << /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"


def pdf_with_packed_script() -> bytes:
    inner = zlib.compress(b"7 0 << /S /JavaScript /JS (" + MARK + b") >>")
    head = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>" % len(inner)
    return pdf(b"<< /Type /Catalog >>", head + b"\nstream\n" + inner + b"\nendstream")


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 20_000_000)
        archive.writestr(MARK.decode(), SCRIPT)
    return out.getvalue()


PAGES = b"<< /Type /Catalog /Pages 2 0 R >>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + SCRIPT + b"</svg>"
MP4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2mp41" + MARK + b"\0" * 64

FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "svg with a script": ("logo.svg", lambda: SVG),
    "svg that says it is a png": ("logo.png", lambda: SVG),
    "svg after white space": ("logo.txt", lambda: b"\n\n  " + SVG),
    "html that says it is a jpeg": ("photo.jpg", lambda: b"<!doctype html>" + SCRIPT),
    "html that says it is a text": ("notes.txt", lambda: b"Notes\n" + SCRIPT),
    "html in a csv": ("table.csv", lambda: b"a,b\n1," + SCRIPT),
    "xml with an entity bomb": ("data.csv", lambda: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "' + MARK + b'">]>'),
    "jpeg with a script behind it": ("photo.jpg", lambda: picture() + SCRIPT),
    "jpeg with a script in its comment": ("photo.jpg", lambda: picture(comment=SCRIPT)),
    "jpeg that is a zip, too": ("photo.jpg", lambda: picture() + zipped()),
    "gif that is a script, too": ("x.gif", lambda: b"GIF89a/*" + MARK + b"*/=1;alert(1)"),
    "png with a page in its pixels": ("x.png", lambda: png_of(8, 8, zlib.compress(SCRIPT * 9))),
    "png with a script behind it": ("x.png", lambda: picture("PNG") + SCRIPT),
    "zip bomb that says it is a png": ("x.png", zipped),
    "zip bomb": ("x.zip", zipped),
    "png bomb of pixels": ("x.png", lambda: png_of(11_000, 11_000, zlib.compress(b"\0" * 30_000_000, 9))),
    "png with a bomb in its words": (
        "x.png",
        lambda: png_of(8, 8, None, (b"zTXt", b"k\0\0" + zlib.compress(b"\0" * 60_000_000, 9))),
    ),
    "huge dimensions": ("x.png", lambda: png_of(2**31 - 1, 2**31 - 1)),
    "one pixel high and endless": ("x.png", lambda: png_of(60_000, 1)),
    "gif of 10,000 frames": ("x.gif", lambda: frames_by_hand(10_000)),
    "gif of 200 frames": ("x.gif", lambda: many_frames(200)),
    "exif with the place it was taken": ("photo.jpg", lambda: picture(exif=exif_with_place())),
    "png with exif": ("x.png", lambda: picture("PNG", exif=exif_with_place())),
    "webp with xmp": ("x.webp", lambda: picture("WEBP", xmp=b"<x:xmpmeta>" + MARK + b"</x:xmpmeta>")),
    "png with words and xmp": ("x.png", text_in_png),
    "jpeg with a false colour profile": ("x.jpg", lambda: picture(icc_profile=MARK * 50)),
    "truncated jpeg": ("x.jpg", lambda: picture(size=(800, 600))[:900]),
    "truncated png": ("x.png", lambda: picture("PNG", (400, 300))[:200]),
    "only the first bytes of a jpeg": ("x.jpg", lambda: b"\xff\xd8\xff" + MARK),
    "film that says it is a png": ("film.png", lambda: MP4),
    "film": ("film.mp4", lambda: MP4),
    "program": ("x.txt", lambda: b"MZ\x90\0" + MARK + b"\0" * 100),
    "name with folders": ("../../../etc/cron.d/x.jpg", lambda: picture() + MARK),
    "name with folders of Windows": ("..\\..\\x.csv", lambda: b"a,b\n=cmd|'/C calc'!A0,1"),
    "name with a NUL": ("x.php\0.jpg", lambda: picture() + MARK),
    "name that turns round": ("photo\u202egpj.exe", lambda: picture() + MARK),
    "pdf with a script": ("x.pdf", lambda: pdf(PAGES, b"<< /OpenAction << /S /JavaScript /JS (" + MARK + b") >> >>")),
    "pdf with a script under another spelling": ("x.pdf", lambda: pdf(PAGES, b"<< /#4aS (" + MARK + b") >>")),
    "pdf with a packed script": ("x.pdf", pdf_with_packed_script),
    "pdf with a file inside": ("x.pdf", lambda: pdf(PAGES, b"<< /Type /EmbeddedFile >> " + MARK)),
    "pdf that is locked": ("x.pdf", lambda: pdf(PAGES, b"<< /Encrypt 3 0 R >> " + MARK)),
    "pdf that is a page, too": ("x.pdf", lambda: pdf(PAGES, b"(" + SCRIPT + b")")),
    "pdf without an end": ("x.pdf", lambda: b"%PDF-1.4\n" + MARK),
    "csv with formulas": ("x.csv", lambda: b'name,sum\n"=HYPERLINK(""http://evil.example"")",+1+1\n@x,-2'),
    "text with control characters": ("x.txt", lambda: b"a\x1b[2J" + MARK),
    "text that is not Unicode": ("x.txt", lambda: b"\xff\xfe" + MARK),
    "nothing": ("x.jpg", lambda: b""),
    "tiff": ("x.jpg", lambda: picture("TIFF")),
    "bmp": ("x.png", lambda: picture("BMP")),
    "icon": ("favicon.ico", lambda: picture("ICO")),
}


def files() -> Iterator[tuple[str, str, bytes]]:
    """Yield what each is, its name and its content."""
    for what, (name, make) in FILES.items():
        yield what, name, make()
