"""A member who has left something in every corner, and the words by which one would find her again."""

import io
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

from flask import Flask
from PIL import Image

from portal.community import facade as community
from portal.community.services import drafts, reactions, uploads
from portal.crm.facade import open_gateway
from portal.crm.models import CrmEvent, Link
from portal.ideas import queries as ideas_queries
from portal.ideas import services as ideas
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.members import services
from portal.members.jobs import deliver
from portal.members.models import Identity, Member
from portal.members.policy import Viewer
from portal.members.rules import Purpose
from portal.moderation.services import deciding, flags
from portal.support import services as support
from tests.members.factories import a_viewer

FIRST, LAST = "Zenobiarda", "Quartavolpe"
EMAIL = "zq.spola@filatrice.example"
JOB, CITY, BIO = "tessitricetta", "Vallescurona", "cardaiuolaccia"
HANDLE = "@zenospola@maglia.example"
ADDRESS, AGENT = "203.0.113.77", "Zebrafox/9.1"
PHONE = "0165 778 899"
EXTERNAL = "EXT-ZQ-47110"
CONTACT = "CRM-ZQ-900"
TEXTS = ("arcolaione", "bambagiotta", "cimossella", "dipanatrix", "frullonetto")
"""In her posts; the last one in an earlier version of one."""
ASIDE = ("gugliatina", "rocchettone", "segnalaccia", "ventilabrina")
"""In a draft, beside a picture, in a flag, in what a moderator wrote to her."""
TOKENS = (FIRST, LAST, EMAIL, JOB, CITY, BIO, HANDLE, ADDRESS, AGENT, PHONE, EXTERNAL, CONTACT)
"""The twelve personal ones."""


@dataclass(frozen=True)
class Life:
    """Whose it is, and what she wrote."""

    viewer: Viewer
    other: Viewer
    idea: int
    question: int
    answer: int
    comment: int

    @property
    def id(self) -> int:
        """Return her number."""
        return self.viewer.id


def live(app: Flask) -> Life:
    """Let somebody join, write everywhere, vote, follow, sign in, and be known to a CRM."""
    if not community.every_board():
        community.open_board("yarns-of-life", kind="ideas", name={"en": "Yarns", "it": "Filati"})
        community.open_board("help-of-life", kind="support", name={"en": "Help", "it": "Aiuto"})
    other = a_viewer(name="Otto Brandt")
    who = services.create_member(
        email=EMAIL,
        name=f"{FIRST} {LAST}",
        lang="it",
        verified=True,
        joined_at=now() - timedelta(days=300),
        details={"job": JOB, "city": CITY, "bio": f"{BIO}, {PHONE}", "country": "IT", "external_id": EXTERNAL,
                 "external_origin": "import", "crm": {"contact_id": CONTACT}},
    )  # fmt: skip
    db.session.commit()
    _be_known(who)
    me = a_viewer(who.id)
    idea = ideas.propose_idea(
        me, board="yarns-of-life", title=f"Un {TEXTS[0]} per la lana", body=f"Chiamatemi: {PHONE}. {TEXTS[0]}."
    )
    theirs = ideas.propose_idea(other, board="yarns-of-life", title="A finer comb for wool", body="Steel teeth.")
    ideas.cast_vote(theirs, me)
    ideas.cast_vote(idea, other)
    comment = ideas.comment_on_idea(theirs, me, body=f"Con la {TEXTS[3]} si può.")
    question = support.ask_question(
        me, board="help-of-life", title=f"La {TEXTS[1]} si infeltrisce?", body=f"Ho provato con la {TEXTS[1]}."
    )
    asked = support.ask_question(other, board="help-of-life", title="How do I sew a hem?", body="It frays.")
    answer = support.answer_question(asked, me, body=f"Con una {TEXTS[2]} stretta.")
    support.vote_answer(support.answer_question(question, other, body="Cold water."), me, value=1)
    support.same_problem(asked, me)
    community.follow(me.id, "idea", theirs)
    _converse(me, other, idea=idea, theirs=theirs, comment=comment)
    db.session.commit()
    return Life(me, other, idea, question, answer, comment)


def _converse(me: Viewer, other: Viewer, *, idea: int, theirs: int, comment: int) -> None:
    """Let her change a text, react, begin another, send a picture, flag; let others name her and judge her."""
    old = ideas_queries.idea_page(me, idea)
    ideas.edit_idea(idea, me, title=old.title, body=f"{old.body} {TEXTS[4]}", tags=["lana"])
    ideas.edit_idea(idea, me, title=old.title, body=old.body, tags=["lana"])
    reactions.react(me, "idea", theirs, "thanks")
    reactions.react(other, "comment", comment, "agree")
    drafts.save(me.id, "propose", place="/ideas/new", fields={"title": f"Una {ASIDE[0]}", "body": ""})
    uploads.receive(me, a_picture(), name=f"{LAST}.png", alt=f"Un {ASIDE[1]}")
    named = ideas.comment_on_idea(theirs, other, body=f"Thank you [@{me.name}](/members/{me.id})")
    flags.flag(me, "comment", named, reason="other", words=f"{ASIDE[2]}, says {FIRST}")
    moderator = a_viewer(kind="staff", roles=["moderator"])
    deciding.hide(moderator, "comment", comment, reason="spam", words=f"Dear {FIRST}, {ASIDE[3]}")


def a_picture() -> bytes:
    """Return a small PNG."""
    made = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(made, "PNG")
    return made.getvalue()


def _be_known(who: Member) -> None:
    """Let a CRM, a channel, a browser and a mail know her."""
    db.session.add(Identity(member_id=who.id, kind="mastodon", value=HANDLE, verified=True, evidence=HANDLE))
    db.session.add(Identity(member_id=who.id, kind="crm_contact", value=CONTACT, verified=True))
    services.open_session(who.id, agent=AGENT, address=ADDRESS)
    services.create_token(who.id, name=f"token of {FIRST}", scopes=["read"])
    services.say_consent(who.id, Purpose.DIGESTS, given=True)
    deliver.later(EMAIL, "Subject", f"Dear {FIRST} {LAST}")
    open_gateway("recorder")
    db.session.add(
        Link(gateway="recorder", kind="contact", subject_id=who.id, crm_id=CONTACT, sent={"name": FIRST}, sent_at=now())
    )
    db.session.add(
        CrmEvent(gateway="recorder", event_id=f"fact-of-{who.id}", kind="contact", subject_id=who.id, type="x",
                 happened_at=now(), sequence=1, summary=f"{FIRST} did", data={"email": EMAIL})
    )  # fmt: skip
    db.session.commit()


def keep_a_mail(folder: Path) -> Path:
    """Keep a mail to her, as development does."""
    mail = EmailMessage()
    mail["To"], mail["Subject"] = f"{FIRST} {LAST} <{EMAIL}>", "Welcome"
    mail.set_content(f"Dear {FIRST}")
    path = folder / "mail" / "0001.eml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(mail.as_bytes())
    return path
