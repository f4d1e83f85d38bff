"""Files that come with a request: one by a script or a program, several with a form."""

from flask import request

from portal.community.queries.conversation import UploadCard
from portal.community.services import uploads
from portal.community.uploads.kinds import IMAGE_MOST
from portal.kernel.errors import Invalid, PortalError
from portal.members.policy import Viewer

MOST = IMAGE_MOST + 100_000
"""Bytes of a request with one file."""


def take(viewer: Viewer, *, alt: str = "") -> list[UploadCard]:
    """Take the files that came with this request.

    :raise Invalid: when there is none, or one is not of the kinds that are taken.
    """
    files = [file for file in request.files.getlist("file") if file.filename]
    if not files:
        raise Invalid(fields={"file": uploads.WHAT})
    return [uploads.receive(viewer, file.read(MOST), name=file.filename or "", alt=alt) for file in files]


def with_files(viewer: Viewer, body: str | None) -> str:
    """Return what was typed, and below it the files that came with the form, as they do without scripts.

    :raise Invalid: when one is not taken; the sentence belongs to the text.
    """
    text = body or ""
    if not any(file.filename for file in request.files.getlist("file")):
        return text
    try:
        cards = take(viewer, alt=request.form.get("alt", ""))
    except PortalError as refusal:
        raise Invalid(fields={"body": refusal.message}) from refusal
    return "\n\n".join([text.rstrip(), *(card.markdown for card in cards)])
