"""A real mail server on loopback that can be stopped and started again on the same port, and that refuses on demand."""

import socket
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """Keeps what arrives. ``rcpt`` and ``data`` may answer otherwise than with yes."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.raw: list[tuple[str, bytes]] = []
        self.rcpt: Callable[[str], str | None] = lambda _address: None
        self.data: Callable[[int], str | None] = lambda _count: None
        self.knows_other_letters = True
        self.controller: Controller | None = None

    @property
    def url(self) -> str:
        """Address of the server."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def mails(self) -> list[EmailMessage]:
        """What arrived, in order."""
        return [_read(raw) for _to, raw in self.raw]

    def to(self, address: str) -> list[EmailMessage]:
        """What arrived for one address."""
        return [_read(raw) for to, raw in self.raw if to == address]

    def start(self) -> "Mailbox":
        self.controller = Controller(_Answers(self), hostname="127.0.0.1", port=self.port, ready_timeout=20,
                                     enable_SMTPUTF8=self.knows_other_letters)  # fmt: skip
        self.controller.start()
        return self

    def stop(self) -> None:
        """Go away, in the middle of whatever is being said."""
        if self.controller is not None:
            self.controller.stop()
            self.controller = None


class _Answers:
    """What the server says. The library reads every attribute of it at every connection: it must have few, and cheap ones."""

    def __init__(self, box: Mailbox) -> None:
        self.box = box

    async def handle_RCPT(  # noqa: N802 - as the library calls it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        refusal = self.box.rcpt(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        refusal = self.box.data(len(self.box.raw))
        if refusal:
            return refusal
        assert isinstance(envelope.content, bytes)
        self.box.raw.append((envelope.rcpt_tos[0], envelope.content))
        return "250 OK"


def _read(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message
