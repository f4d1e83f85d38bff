"""One conversation with the mail server, message by message, so that we always know how far a message has come.

A message is the server's when it has said 250 to the last line. Before the last line nothing has been handed over,
and a repeat is right. Between the last line and the answer nobody can tell: SMTP has no question for it. That window is
kept to these two steps: ``begin`` is called, and must be on disk, just before the text is sent.
"""

import re
import smtplib
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from types import TracebackType
from typing import NoReturn, Self

from portal.members import mail

OK, GO_ON = 250, 354
PERMANENT, TEMPORARY = 5, 4
MOST = 100
"""Messages over one connection; many servers take no more."""
_UNKNOWN = re.compile(r"\d{3} 5\.1\.(?:1|2|3|6|10)\b")
_LINE_END = re.compile(rb"\r?\n|\r")
_DOT = re.compile(rb"(?m)^\.")


class Away(Exception):
    """The server is not there, or closes the conversation: everything waits."""


class NotNow(Exception):
    """The server does not take this message at the moment."""


class BadAddress(Exception):
    """The server does not take mails for this address."""

    @property
    def is_unknown(self) -> bool:
        """Return whether it says that there is no such mailbox (RFC 3463, X.1.n), not only that it likes us not."""
        return _UNKNOWN.match(str(self)) is not None


class BadMessage(Exception):
    """The server will never take this message."""


class Conversation:
    """A conversation with the server: opened for the first message, kept for the next, closed with the block."""

    def __init__(self) -> None:
        self._open: smtplib.SMTP | None = None
        self._count = 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _t: TracebackType | None
    ) -> None:
        """Say good-bye if all went well; else only let go, so that a half-told message is not taken as whole."""
        self._close(politely=error is None)

    def hand_over(self, message: EmailMessage, begin: Callable[[], None]) -> str:
        """Hand one message over; return what the server answered.

        :param begin: notes for good that the text is on its way.
        :raise Away, NotNow, BadAddress, BadMessage: when it was not taken.
        """
        try:
            smtp = self._ready_for(message)
            self._count += 1
            return self._hand_over(smtp, message, begin)
        except (OSError, smtplib.SMTPException, Away) as error:
            self._close(politely=False)
            raise error if isinstance(error, Away) else Away(_said(error)) from error

    def _ready_for(self, message: EmailMessage) -> smtplib.SMTP:
        """Return a server that has taken who writes: the one we talk to, or a new one if it has grown tired of us."""
        if self._count >= MOST:
            self._close(politely=True)
        if self._open is not None:
            with suppress(OSError, smtplib.SMTPException, Away):
                return self._greeted(self._open, message)
            self._close(politely=False)
        self._open = mail.connect()
        self._open.ehlo_or_helo_if_needed()
        return self._greeted(self._open, message)

    @staticmethod
    def _greeted(smtp: smtplib.SMTP, message: EmailMessage) -> smtplib.SMTP:
        foreign = not mail.on_the_wire(str(message["To"])).isascii() and smtp.has_extn("smtputf8")
        code, said = smtp.mail(mail.sender(), ["SMTPUTF8"] if foreign else [])
        if code != OK:
            raise Away(_words(code, said))
        return smtp

    def _close(self, *, politely: bool) -> None:
        smtp, self._open, self._count = self._open, None, 0
        if smtp is None:
            return
        try:
            if politely:
                smtp.quit()
        except (OSError, smtplib.SMTPException):
            pass
        finally:
            smtp.close()

    def _hand_over(self, smtp: smtplib.SMTP, message: EmailMessage, begin: Callable[[], None]) -> str:
        recipient = mail.on_the_wire(str(message["To"]))
        if not recipient.isascii() and not smtp.has_extn("smtputf8"):
            self._refused(smtp, 553, b"5.6.7 our server speaks no SMTPUTF8", BadAddress)
        code, said = smtp.rcpt(recipient)
        if code not in {250, 251}:
            self._refused(smtp, code, said, BadAddress)
        smtp.putcmd("data")
        code, said = smtp.getreply()
        if code != GO_ON:
            self._refused(smtp, code, said, BadMessage)
        try:
            begin()
        except Exception as error:  # the server waits for a text now: only an end of the conversation calls it off
            raise Away(_said(error)) from error
        smtp.send(_on_the_wire(message, foreign=not recipient.isascii()))
        code, said = smtp.getreply()
        if code != OK:
            self._refused(smtp, code, said, BadMessage)
        return _words(code, said)

    @staticmethod
    def _refused(smtp: smtplib.SMTP, code: int, said: bytes, for_good: type[Exception]) -> NoReturn:
        words = _words(code, said)
        if code in {-1, 421}:
            raise Away(words)
        smtp.rset()
        raise for_good(words) if code // 100 == PERMANENT else NotNow(words)


def _on_the_wire(message: EmailMessage, *, foreign: bool) -> bytes:
    """Return the message as SMTP sends it: lines end in CR LF, leading dots are doubled, a lone dot ends it."""
    text = _LINE_END.sub(b"\r\n", message.as_bytes(policy=SMTPUTF8 if foreign else SMTP))
    text = _DOT.sub(b"..", text)
    return text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _words(code: int, said: bytes) -> str:
    return f"{code} {said.decode(errors='replace')}"[:500]


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
