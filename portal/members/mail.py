"""Mail by SMTP.

``PORTAL_MAIL_URL`` is ``smtp://user:password@host:25``, ``smtp+starttls://…:587`` or ``smtps://…:465``.
"""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

from flask import current_app

PATIENCE = 20
PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


def is_possible() -> bool:
    """Return whether the portal can send mail."""
    return bool(current_app.config.get("PORTAL_MAIL_URL"))


def send(recipient: str, subject: str, body: str) -> None:
    """Hand one message to the mail server.

    :raise OSError: when the server is away or refuses; the job that asked is tried again later.
    """
    server = urlsplit(str(current_app.config["PORTAL_MAIL_URL"]))
    sender = str(current_app.config.get("PORTAL_MAIL_FROM") or f"no-reply@{server.hostname}")
    with _connected(server) as smtp:
        if server.username:
            smtp.login(unquote(server.username), unquote(server.password or ""))
        smtp.send_message(_message(sender, recipient, subject, body))


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
