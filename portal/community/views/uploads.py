"""Pictures and files: taken one at a time by scripts or with a form, and given to whoever may see their text.

Nothing that is given can do anything in a browser: pictures were drawn by us, files are to be saved and not opened,
and the headers forbid the rest. With ``PORTAL_UPLOADS_URL`` the bytes come from a host of their own that knows no
cookies: there, a signature that is good for some minutes opens one file and nothing else.
"""

from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, current_app, jsonify, redirect, request, send_file
from flask.typing import ResponseReturnValue
from itsdangerous import BadSignature, URLSafeTimedSerializer

from portal.community import sending
from portal.community.queries.conversation import UploadCard, upload_by_key
from portal.community.services import uploads as services
from portal.community.uploads import workshop
from portal.kernel.keys import signing_keys
from portal.members.policy import access, anyone, signed_in
from portal.members.session import current_viewer

bp = Blueprint("uploads", __name__)
SAFE = "default-src 'none'; sandbox"
GOOD_FOR = 600
"""Seconds."""
KEPT_FOR = 300


def init_app(app: Flask) -> None:
    """Open the doors; on the host of uploads, no other door."""
    app.register_blueprint(bp)
    app.before_request_funcs.setdefault(None, []).insert(0, _only_uploads)


def _elsewhere() -> str:
    """Return the address of the host of uploads, or nothing."""
    return str(current_app.config.get("PORTAL_UPLOADS_URL", "")).rstrip("/")


def _only_uploads() -> None:
    """Answer nothing but signed uploads on their host, and no signed uploads elsewhere."""
    there = _elsewhere()
    if there and (request.host == urlsplit(there).netloc) != (request.endpoint == "uploads.signed"):
        abort(404)


@bp.post("/uploads")
@access(signed_in)
def send() -> ResponseReturnValue:
    """Take one file from a page's script; it comes back as what a text shows it by."""
    request.max_content_length = sending.MOST
    card = sending.take(current_viewer(), alt=request.form.get("alt", ""))[0]
    answer = {
        "key": card.key,
        "url": card.url,
        "name": card.name,
        "alt": card.alt,
        "image": card.is_image,
        "markdown": card.markdown,
    }
    return jsonify(answer), 201


@bp.get("/uploads/<string(length=32):key>")
@access(anyone)
def upload(key: str) -> ResponseReturnValue:
    """Give a picture or a file to whoever may see its text."""
    return _given(services.upload_for(current_viewer(), key), None)


@bp.get("/uploads/<string(length=32):key>/<int:width>")
@access(anyone)
def smaller(key: str, width: int) -> ResponseReturnValue:
    """Give a picture in one of its smaller sizes."""
    card = services.upload_for(current_viewer(), key)
    return _given(card, width if width in card.widths else None)


def _given(card: UploadCard, width: int | None) -> ResponseReturnValue:
    there = _elsewhere()
    if there:
        response = redirect(f"{there}/u/{_signer().dumps([card.key, width])}")
        response.headers["Cache-Control"] = "private, no-store"
        return response
    return _bytes_of(card, width)


@bp.get("/u/<token>")
@access(anyone)
def signed(token: str) -> ResponseReturnValue:
    """Give what a signature opens; on the host of uploads only."""
    try:
        key, width = _signer().loads(token, max_age=GOOD_FOR)
    except (BadSignature, ValueError):
        abort(404)
    card = upload_by_key(str(key))
    if card is None or not _elsewhere():
        abort(404)
    return _bytes_of(card, width)


def _signer() -> URLSafeTimedSerializer:
    """Return what signs with the present key, and reads what the one before has signed."""
    return URLSafeTimedSerializer(signing_keys(), salt="upload")


def _bytes_of(card: UploadCard, width: int | None) -> Response:
    path = workshop.path_of(card.key, image=card.is_image, width=width)
    if not path.is_file():
        abort(404)
    response = send_file(
        path,
        mimetype=card.content_type,
        as_attachment=not card.is_image,
        download_name=card.name,
        conditional=True,
        etag=f"{card.key}-{width or 0}",
        max_age=KEPT_FOR,
    )
    response.headers["Cache-Control"] = f"private, max-age={KEPT_FOR}"
    response.headers["Content-Security-Policy"] = SAFE
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin" if _elsewhere() else "same-origin"
    return response
