"""Draws one picture anew, as a program of its own with narrow limits: ``python -I reencode.py SOURCE FOLDER``.

It reads nothing but SOURCE, writes nothing but ``full.webp`` and the smaller sizes into FOLDER, and prints what it has
made as JSON. Of the picture only its pixels survive, upright and in plain colours: the camera's notes, places, profiles
and whatever is hidden behind the picture are not written again. It does not import the portal; a bomb that explodes
takes this process with it.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

MEMORY = 1_000_000_000
"""Bytes of address space."""
SECONDS = 20
"""Of processor time."""
WRITTEN_MOST = 40_000_000
PIXELS_MOST = 40_000_000
SIDE_MOST = 12_000
LONGEST = 2400
"""Pixels of the longer side of what is kept."""
WIDTHS = (640, 1280)
FRAMES_MOST = 120
MOVING_PIXELS_MOST = 40_000_000
"""Of all frames together; what moves more is shown standing still."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
QUALITY = 82
REFUSED = 3


def limit() -> None:
    """Take from this process what a picture does not need."""
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, WRITTEN_MOST),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            sys.stderr.write(f"limit {kind} cannot be set here\n")


def main(source: Path, folder: Path) -> dict[str, Any]:
    """Draw the picture in all sizes; return what was made."""
    from PIL import Image, ImageFile

    ImageFile.LOAD_TRUNCATED_IMAGES = False
    Image.MAX_IMAGE_PIXELS = PIXELS_MOST
    with Image.open(source, formats=FORMATS) as opened:
        width, height = opened.size
        if width * height > PIXELS_MOST or max(width, height) > SIDE_MOST or min(width, height) < 1:
            raise ValueError("too many pixels")
        frames = _frames(opened)
        moving = 1 < len(frames) <= FRAMES_MOST and len(frames) * width * height <= MOVING_PIXELS_MOST
        if moving:
            return _moving(opened, frames, folder)
        opened.seek(0)
        if opened.format == "JPEG":
            opened.draft("RGB", (LONGEST, LONGEST))
        return _standing(opened, folder)


def _frames(opened: Any) -> list[int]:
    """Return how long each frame is shown, looking at no more than one above the limit."""
    shown: list[int] = []
    if not getattr(opened, "is_animated", False):
        return [0]
    for number in range(FRAMES_MOST + 1):
        try:
            opened.seek(number)
        except EOFError:
            break
        shown.append(max(int(opened.info.get("duration", 100) or 100), 20))
    return shown


def _pixels(picture: Any) -> Any:
    """Return the pixels and nothing else, upright."""
    from PIL import Image, ImageOps

    upright = _in_plain_colours(ImageOps.exif_transpose(picture))
    alpha = upright.mode in {"RGBA", "LA", "PA"} or (upright.mode == "P" and "transparency" in upright.info)
    plain = upright.convert("RGBA" if alpha else "RGB")
    bare = Image.new(plain.mode, plain.size)
    bare.paste(plain)
    return bare


def _in_plain_colours(picture: Any) -> Any:
    """Return the picture in the colours that every screen knows: its profile is used, then goes with the rest."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in {"RGB", "RGBA", "CMYK", "L"}:
        return picture
    from io import BytesIO

    from PIL import ImageCms

    mode = "RGBA" if picture.mode == "RGBA" else "RGB"
    try:
        return ImageCms.profileToProfile(
            picture, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture  # a profile that is broken says nothing about the pixels


def _standing(opened: Any, folder: Path) -> dict[str, Any]:
    picture = _pixels(opened)
    picture.thumbnail((LONGEST, LONGEST))
    picture.save(folder / "full.webp", "WEBP", quality=QUALITY, method=3)
    widths = [width for width in WIDTHS if width < picture.width]
    for width in reversed(widths):
        picture.thumbnail((width, LONGEST * 4))
        picture.save(folder / f"{width}.webp", "WEBP", quality=QUALITY, method=3)
    return _made(folder, widths)


def _moving(opened: Any, shown: list[int], folder: Path) -> dict[str, Any]:
    pictures = []
    for number in range(len(shown)):
        opened.seek(number)
        picture = _pixels(opened)
        picture.thumbnail((WIDTHS[0], WIDTHS[0]))
        pictures.append(picture)
    first, *rest = pictures
    first.save(
        folder / "full.webp", "WEBP", save_all=True, append_images=rest, duration=shown, loop=0, quality=70, method=2
    )
    return _made(folder, [])


def _made(folder: Path, widths: list[int]) -> dict[str, Any]:
    from PIL import Image

    with Image.open(folder / "full.webp", formats=("WEBP",)) as made:
        width, height = made.size
    return {"width": width, "height": height, "widths": widths}


if __name__ == "__main__":
    limit()
    try:
        result = main(Path(sys.argv[1]), Path(sys.argv[2]))
    except Exception as error:  # noqa: BLE001 - whatever a hostile picture causes is a refusal
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.exit(REFUSED)
    sys.stdout.write(json.dumps(result))
