"""One conversation with the mail server, message by message, so that we always know how far a message has come.

A message is the server's when it has said 250 to the last line. Before the last line nothing has been handed over,
and a repeat is right. Between the last line and the answer nobody can tell: SMTP has no question for it. That window is
kept to these two steps: ``begin`` is called, and must be on disk, just before the text is sent.
"""

import re
import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from types import TracebackType
from typing import Self

from portal.members import mail

OK, GO_ON = 250, 354
PERMANENT, TEMPORARY = 5, 4
_LINE_END = re.compile(rb"\r?\n|\r")
_DOT = re.compile(rb"(?m)^\.")


class Away(Exception):
    """The server is not there, or closes the conversation: everything waits."""


class NotNow(Exception):
    """The server does not take this message at the moment."""


class BadAddress(Exception):
    """There is no such mailbox."""


class BadMessage(Exception):
    """The server will never take this message."""


class Conversation:
    """An open connection, closed at the end of the block."""

    def __init__(self) -> None:
        try:
            self.smtp = mail.connect()
        except (OSError, smtplib.SMTPException) as error:
            raise Away(_said(error)) from error
        self.greeted = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _t: TracebackType | None
    ) -> None:
        """Say good-bye if all went well; else only let go, so that a half-told message is not taken as whole."""
        try:
            if error is None:
                self.smtp.quit()
        except (OSError, smtplib.SMTPException):
            pass
        finally:
            self.smtp.close()

    def hand_over(self, message: EmailMessage, begin: Callable[[], None]) -> str:
        """Hand one message over; return what the server answered.

        :param begin: notes for good that the text is on its way.
        :raise Away, NotNow, BadAddress, BadMessage: when it was not taken. After `Away` the conversation is over.
        """
        try:
            return self._hand_over(message, begin)
        except (OSError, smtplib.SMTPException) as error:
            raise Away(_said(error)) from error

    def _hand_over(self, message: EmailMessage, begin: Callable[[], None]) -> str:
        if not self.greeted:
            self.smtp.ehlo_or_helo_if_needed()
            self.greeted = True
        sender, recipient = mail.sender(), str(message["To"])
        code, said = self.smtp.mail(sender)
        if code != OK:
            raise Away(_words(code, said))
        code, said = self.smtp.rcpt(recipient)
        if code not in {250, 251}:
            self._refused(code, said, BadAddress)
        self.smtp.putcmd("data")
        code, said = self.smtp.getreply()
        if code != GO_ON:
            self._refused(code, said, BadMessage)
        try:
            begin()
        except Exception as error:  # the server waits for a text now: only an end of the conversation calls it off
            raise Away(_said(error)) from error
        self.smtp.send(_on_the_wire(message))
        code, said = self.smtp.getreply()
        if code != OK:
            self._refused(code, said, BadMessage)
        return _words(code, said)

    def _refused(self, code: int, said: bytes, for_good: type[Exception]) -> None:
        words = _words(code, said)
        if code in {-1, 421}:
            raise Away(words)
        self.smtp.rset()
        raise for_good(words) if code // 100 == PERMANENT else NotNow(words)


def _on_the_wire(message: EmailMessage) -> bytes:
    """Return the message as SMTP sends it: lines end in CR LF, leading dots are doubled, a lone dot ends it."""
    text = _LINE_END.sub(b"\r\n", message.as_bytes(policy=SMTP))
    text = _DOT.sub(b"..", text)
    return text + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _words(code: int, said: bytes) -> str:
    return f"{code} {said.decode(errors='replace')}"[:500]


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
