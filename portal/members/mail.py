"""Mail by SMTP.

``PORTAL_MAIL_URL`` is ``smtp://user:password@host:25``, ``smtp+starttls://…:587`` or ``smtps://…:465``. Without it,
mails are kept as files in the data folder while one develops or tests, so that their links can be followed; in
production there is none.
"""

import re
import secrets
import smtplib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import formatdate, make_msgid
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import structlog
from email_validator import validate_email
from flask import current_app

log = structlog.get_logger(__name__)
PATIENCE = 20
KEPT_MOST = 500
SHOWN = 50
NAME = re.compile(r"\d{8}T\d{12}-[0-9a-f]{8}\.eml")
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


def has_server() -> bool:
    """Return whether mails leave this machine."""
    return bool(current_app.config.get("PORTAL_MAIL_URL"))


def is_kept() -> bool:
    """Return whether mails are kept as files instead: in development and tests, never in production."""
    return not has_server() and current_app.config.get("PORTAL_ENV") != "production"


def is_possible() -> bool:
    """Return whether a mail that the portal writes can be read by somebody."""
    return has_server() or is_kept()


def send(recipient: str, subject: str, body: str) -> None:
    """Hand one message to the mail server.

    :raise OSError: when the server is away or refuses; the job that asked is tried again later.
    """
    if not has_server():
        keep(_message(sender(), recipient, subject, body))
        return
    with connect() as smtp:
        smtp.send_message(_message(sender(), on_the_wire(recipient), subject, body))


def connect() -> smtplib.SMTP:
    """Open a conversation with the mail server, signed in if the address names a user.

    :raise OSError: when the server is away or refuses.
    """
    server = urlsplit(str(current_app.config["PORTAL_MAIL_URL"]))
    smtp = _connected(server)
    if server.username:
        smtp.login(unquote(server.username), unquote(server.password or ""))
    return smtp


def sender() -> str:
    """Return the address that mails come from."""
    host = urlsplit(str(current_app.config.get("PORTAL_MAIL_URL") or "")).hostname or "localhost"
    return str(current_app.config.get("PORTAL_MAIL_FROM") or f"no-reply@{host}")


def on_the_wire(address: str) -> str:
    """Return an address as mail servers speak of it: the name of a place in other letters has one in ASCII, too."""
    name, _at, host = address.rpartition("@")
    if host.isascii():
        return address
    return f"{name}@{validate_email(address, check_deliverability=False, test_environment=True).ascii_domain}"


def folder() -> Path:
    """Return where mails are kept that cannot be sent."""
    return Path(current_app.config["PORTAL_DATA_DIR"]) / "mail"


def keep(message: EmailMessage) -> None:
    """Write a mail down for whoever develops; in production nothing is kept."""
    if not is_kept():
        log.warning("no mail server: a mail was dropped")
        return
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(4)}.eml"
    (place / name).write_bytes(message.as_bytes())
    for old in sorted(place.glob("*.eml"))[:-KEPT_MOST]:
        old.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail that was not sent but kept."""

    name: str
    at: datetime | None
    to: str
    subject: str
    body: str


def kept() -> list[KeptMail]:
    """Return the mails that were kept, the latest first."""
    names = sorted((path.name for path in folder().glob("*.eml")), reverse=True)
    return [found for name in names[:SHOWN] if (found := kept_mail(name)) is not None]


def kept_mail(name: str) -> KeptMail | None:
    """Return one of the mails that were kept."""
    path = folder() / name
    if not NAME.fullmatch(name) or not path.is_file():
        return None
    message = message_from_bytes(path.read_bytes(), policy=default)
    part = message.get_body(("plain",))
    body = part.get_content() if part is not None else ""
    at = datetime.strptime(name[:21], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)
    return KeptMail(name, at, str(message["To"] or ""), str(message["Subject"] or ""), str(body))


def _connected(server: SplitResult) -> smtplib.SMTP:
    host, port = server.hostname or "localhost", server.port or PORTS[server.scheme]
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=ssl.create_default_context())
    smtp = smtplib.SMTP(host, port, timeout=PATIENCE)
    if server.scheme == "smtp+starttls":
        smtp.starttls(context=ssl.create_default_context())
    return smtp


def _message(sender: str, recipient: str, subject: str, body: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, subject
    message["Date"], message["Message-ID"] = formatdate(localtime=False), make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message
