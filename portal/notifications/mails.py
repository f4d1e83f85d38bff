"""Mails as they are written: text and HTML, in the reader's language, each with its reason and a way to stop it."""

from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from hashlib import blake2b
from urllib.parse import urlsplit

from flask import current_app

from portal.kernel.clock import now
from portal.kernel.formats import language
from portal.members import mail
from portal.notifications import tokens
from portal.notifications.tokens import Unsubscribe

UNSUBSCRIBE = "/notifications/stop/"
SUBJECT_MOST = 150


def site() -> str:
    """Return the public address of this site, for links that are read elsewhere."""
    return str(current_app.config["PORTAL_URL"]).rstrip("/")


def written(
    template: str, *, key: str, to: str, subject: str, stop: Unsubscribe, thread: str = "", **values: object
) -> EmailMessage:
    """Return a mail from the templates ``<template>.txt`` and ``.html``.

    :param key: of the delivery. The Message-ID follows from it, so that a repeat is known as one.
    :param stop: what the link at its end stops, and one click in the reader's own program (RFC 8058).
    :param thread: mails of one thread stand together.
    """
    sender = mail.sender()
    domain = sender.rpartition("@")[2]
    way_out = f"{site()}{UNSUBSCRIBE}{tokens.sign(stop)}"
    values |= {"site_url": site(), "site_name": current_app.config["PORTAL_NAME"], "stop_url": way_out, "stop": stop}
    message = EmailMessage()
    message["From"] = formataddr((str(current_app.config["PORTAL_NAME"]), sender))
    message["To"] = to
    message["Subject"] = " ".join(subject.split())[:SUBJECT_MOST]
    message["Date"] = format_datetime(now())
    message["Message-ID"] = message_id(key, domain)
    if thread:
        message["In-Reply-To"] = message["References"] = message_id(thread, domain)
    message["Auto-Submitted"] = "auto-generated"
    message["Precedence"] = "list"
    message["List-Id"] = f"{current_app.config['PORTAL_NAME']} <notices.{urlsplit(site()).hostname or domain}>"
    message["List-Unsubscribe"] = f"<{way_out}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(_rendered(f"{template}.txt", values))
    message.add_alternative(_rendered(f"{template}.html", values), subtype="html")
    return message


def _rendered(template: str, values: dict[str, object]) -> str:
    """Fill a template in as no page is: nobody reads it here and now."""
    return current_app.jinja_env.get_template(template).render(values | {"lang": language()})


def message_id(key: str, domain: str) -> str:
    """Return the name of a mail in the world, always the same for one delivery of one portal."""
    mark = blake2b(key.encode(), key=current_app.config["PORTAL_URL"].encode()[:64], digest_size=16).hexdigest()
    return f"<{mark}.{key.replace(':', '-')}@{domain}>"
