"""A small community with everything in it that somebody may not see: who asks, and what there is to ask for.

Actors are classes of people; things are planted in every state. What an actor may see of a thing follows from
`sees`, written here by hand and not read from the portal's own policy.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from typing import Any

from PIL import Image
from sqlalchemy import update

from portal.analytics.reputation.models import Benefit, BenefitEntry
from portal.analytics.topics.models import ContributionTopic, Topic, TopicRun
from portal.community import facade as community
from portal.community.models import Comment, Draft, Revision, Upload
from portal.community.services import uploads
from portal.crm.models import DeadLetter
from portal.ideas import services as ideas
from portal.ideas.models import Idea
from portal.kernel.clock import now
from portal.kernel.database import db
from portal.kernel.progress import LongRun
from portal.members import queries as members
from portal.members import services as member_services
from portal.members.inviting.models import MemberInvitation
from portal.members.models import Identity, Member, Organisation
from portal.moderation.models import Decision, Flag
from portal.notifications.models import Notification
from portal.support import services as support
from portal.support.models import Answer, Question
from tests.members.factories import a_member, a_token

MISSING = 2**40
REPORT = ("documents", "topics", "kept", "npmi", "c_v", "diversity", "oov", "cpu_seconds")


@dataclass(frozen=True, slots=True)
class Actor:
    """One class of people who may ask; ``name`` is unique."""

    name: str
    kind: str | None = None
    roles: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    suspended: bool = False
    asleep: bool = False
    """Her roles wait for a second proof."""
    miller: bool = False
    """Belongs to the mill, and looks after its people."""
    scopes: frozenset[str] = frozenset({"read", "write"})

    def has(self, *roles: str) -> bool:
        """Return whether she holds one of the roles, awake; an admin holds all."""
        return not self.asleep and ("admin" in self.roles or not self.roles.isdisjoint(roles))


STAFF = "staff"
ACTORS = (
    Actor("nobody"),
    Actor("customer", "customer"),
    Actor("reader", "customer", scopes=frozenset({"read"})),
    Actor("knitter", "customer", segments=frozenset({"knitters"})),
    Actor("supplier", "supplier"),
    Actor("partner", "partner"),
    Actor("miller", "partner", miller=True),
    Actor("suspended", "customer", suspended=True),
    Actor("staff", STAFF),
    Actor("moderator", STAFF, frozenset({"moderator"})),
    Actor("agent", STAFF, frozenset({"support_agent"})),
    Actor("manager", STAFF, frozenset({"brand_manager"})),
    Actor("admin", STAFF, frozenset({"admin"}), scopes=frozenset({"read", "write", "admin"})),
    Actor("asleep", STAFF, frozenset({"admin"}), asleep=True),
)
WRITTEN = (
    "theirs", "own", "closed", "hidden", "own_hidden", "held", "own_held", "own_gone", "merged", "erased", "missing",
)  # fmt: skip
"""States of what somebody wrote; ``closed`` stands on a board for suppliers, one organisation and a segment."""
WHY = {"hidden": "hidden", "held": "held", "gone": "author", "merged": "merged", "erased": "erased"}


def in_closed(actor: Actor) -> bool:
    """Return whether somebody belongs to the audience of the closed boards."""
    return actor.kind == "supplier" or actor.miller or "knitters" in actor.segments or actor.has("admin")


def sees(actor: Actor, state: str) -> bool:
    """Return whether an actor may see something in this state."""
    if state in {"missing", "erased"}:
        return False
    if state == "closed":
        return in_closed(actor)
    if state in {"hidden", "held", "own_gone", "merged"}:
        return actor.has("moderator")
    return state != "own" or actor.kind is not None


@dataclass(slots=True)
class Town:
    """Who is there and what there is: ids by actor, and by thing and state; own things by actor, too."""

    members: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    things: dict[tuple[str, str], Any] = field(default_factory=dict)
    owned: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    word: Callable[[str], str] = lambda about: f"About {about}."
    """Makes the text of a planted thing from what it is; canaries come in here."""
    address: Callable[[str], str] = lambda name: f"{name}@example.org"
    """Makes a member's e-mail address."""

    def id_of(self, actor: Actor, thing: str, state: str) -> Any:
        """Return the id of a thing in a state as this actor meets it; None when there is none for her."""
        if state == "missing":
            return (
                "nowhere" if thing.endswith("board") else {"upload": "0" * 32, "draft": "nothing"}.get(thing, MISSING)
            )
        return self.owned.get((actor.name, thing, state), self.things.get((thing, state)))


def plant(town: Town | None = None) -> Town:
    """Build the town and return it."""
    town = plant_what_all_see(town or Town())
    plant_what_few_see(town)
    return town


def plant_what_all_see(town: Town) -> Town:
    """Let people come, open the boards that are for everybody, and write there."""
    _people(town)
    _boards(town, "public", "public")
    town.things |= write(town, "theirs", members.viewer_of(town.things["member", "there"]), "public")
    db.session.commit()
    return town


def plant_what_few_see(town: Town) -> None:
    """Add what is not for everybody: limited boards, what is hidden, held, merged or gone, drafts, papers."""
    mill = town.things["organisation", "there"]
    _boards(town, "closed", f"kinds:supplier;organisations:{mill};segments:knitters")
    otto, rosa = members.viewer_of(town.things["member", "there"]), members.viewer_of(town.things["member", "supplier"])
    for state in ("hidden", "held", "merged", "erased"):
        town.things |= write(town, state, otto, "public")
    for kind, model in (("idea", Idea), ("question", Question)):
        gone, kept = town.things[kind, "merged"], town.things[kind, "theirs"]
        db.session.execute(update(model).filter_by(id=gone).values(merged_into_id=kept))
    town.things |= write(town, "closed", rosa, "closed")
    for name, member_id in town.members.items():
        author = members.viewer_of(member_id)
        for state in ("own", "own_hidden", "own_held", "own_gone"):
            made = write(town, state, author, "public", name)
            town.owned |= {(name, *key): thing_id for key, thing_id in made.items()}
    _papers(town)
    db.session.commit()


def _people(town: Town) -> None:
    mill = Organisation(name="The mill", kind="supplier", note=town.word("organisation's note"))
    mill.crm = {"segment": town.word("organisation's crm")}
    dyer = Organisation(name="The dyer", kind="supplier")
    db.session.add_all([mill, dyer])
    db.session.flush()
    town.things |= {("organisation", "there"): mill.id, ("organisation", "other"): dyer.id}
    town.things["member", "there"] = a_member(name="Otto", email="otto@example.org", verified=True)
    town.things["member", "supplier"] = a_member(name="Rosa", kind="supplier", verified=True)
    gone = a_member(name=town.word("gone member"))
    db.session.execute(update(Member).filter_by(id=gone).values(active=False))
    town.things["member", "gone"] = gone
    for actor in ACTORS:
        if actor.kind is None:
            continue
        made = a_member(
            name=f"Actor {actor.name}",
            kind=actor.kind,
            roles=sorted(actor.roles),
            organisation_id=mill.id if actor.miller else None,
            details={
                "segments": sorted(actor.segments),
                "crm": {"tier": town.word(f"{actor.name} crm")},
                "organisation_admin": actor.miller,
            },
            email=town.address(actor.name),
            verified=True,
        )
        town.members[actor.name] = town.owned[actor.name, "member", "own"] = made
        if actor.suspended:
            db.session.execute(update(Member).filter_by(id=made).values(suspended_until=now() + timedelta(days=9)))
        db.session.commit()
        town.tokens[actor.name] = a_token(made, *sorted(actor.scopes))


def _boards(town: Town, place: str, audience: str) -> None:
    """Open a board for ideas and one for questions."""
    state = "theirs" if place == "public" else place
    for kind in ("ideas", "support"):
        key = f"{kind}-{place}"
        name = {"en": town.word(f"{key} board"), "it": town.word(f"{key} board")}
        board = community.open_board(key, kind=kind, name=name, audience=audience)
        town.things |= {(f"{kind}_board", state): key, (f"{kind}_board_id", state): board.id}
    town.things["board", state] = f"ideas-{place}"


def grounds(town: Town, about: str, place: str) -> tuple[int, int]:
    """Let somebody propose what is commented on, and ask what is answered; return the idea and the question."""
    other = members.viewer_of(town.things["member", "there" if place == "public" else "supplier"])
    base = ideas.propose_idea(other, board=f"ideas-{place}", title=f"Base for {about}", at=now())
    return base, support.ask_question(other, board=f"support-{place}", title=f"Asked for {about}", at=now())


def write(
    town: Town, state: str, author: Any, place: str, of: str = "", on: tuple[int, int] | None = None
) -> dict[tuple[str, str], Any]:
    """Write an idea, a question, an answer and comments, and take them out of sight as the state says.

    :param on: the idea that is commented on, and the question that is answered; new ones if not given.
    """
    about = f"{of} {state}".strip()
    word = town.word
    idea = ideas.propose_idea(
        author, board=f"ideas-{place}", title=word(f"{about} idea"), body=word(f"{about} idea text"), at=now()
    )
    question = support.ask_question(
        author, board=f"support-{place}", title=word(f"{about} question"), body=word(f"{about} question text"), at=now()
    )
    base, asked = on or grounds(town, about, place)
    answer = support.answer_question(asked, author, body=word(f"{about} answer"), at=now())
    comment = ideas.comment_on_idea(base, author, body=word(f"{about} comment"), at=now())
    db.session.flush()
    made = {"idea": idea, "question": question, "answer": answer, "comment": comment}
    for thing, model in (("idea", Idea), ("question", Question), ("answer", Answer), ("comment", Comment)):
        _take_away(town, thing, model, made[thing], state)
    for thing, thing_id in made.items():
        kind = "support_board_id" if thing in {"question", "answer"} else "ideas_board_id"
        board_id = town.things[kind, "closed" if place == "closed" else "theirs"]
        for number in (1, 2):
            version = Revision(
                target_kind=thing, target_id=thing_id, number=number, board_id=board_id, author_id=author.id,
                title=word(f"{about} version"), body="Before.",
            )  # fmt: skip
            db.session.add(version)
    key = _upload(author, idea)
    return {(thing, state): thing_id for thing, thing_id in {**made, "upload": key}.items()}


def _upload(author: Any, idea_id: int | None) -> str:
    """Upload a picture and put it into an idea, if one is named."""
    content = BytesIO()
    Image.new("RGB", (8, 8), f"#{secrets.token_hex(3)}").save(content, "PNG")
    card = uploads.receive(author, content.getvalue(), name="wool.png")
    db.session.execute(
        update(Upload).filter_by(key=card.key).values(target_kind="idea" if idea_id else None, target_id=idea_id)
    )
    return str(card.key)


def _take_away(town: Town, thing: str, model: Any, thing_id: int, state: str) -> None:
    why = WHY.get(state.removeprefix("own_"))
    if why is None:
        return
    moderator = members.viewer_of(town.members["moderator"])
    hide = {
        "idea": lambda: ideas.hide(thing_id, actor=moderator),
        "question": lambda: support.hide_question(thing_id, actor_id=moderator.id),
        "answer": lambda: support.hide_answer(thing_id, actor_id=moderator.id),
        "comment": lambda: community.hide_comment(thing_id, actor_id=moderator.id),
    }
    hide[thing]()
    db.session.flush()
    db.session.execute(update(model).filter_by(id=thing_id).values(hidden_why=why))


def _papers(town: Town) -> None:
    """Plant what only staff, or only its owner, may have: runs, letters, topics, sessions, tokens."""
    letter = DeadLetter(
        gateway="webhook", lane="state", kind="contact", subject_id=town.things["member", "there"],
        row={"name": town.word("letter")}, reason=town.word("letter's reason"),
    )  # fmt: skip
    run = LongRun(kind="topics", subject="", state="running")
    reading = TopicRun(board_id=None, report=dict.fromkeys(REPORT, 0))
    db.session.add_all([letter, run, reading])
    db.session.flush()
    topics = {"theirs": Topic(board_id=None, label={"": "Wool", "en": "Wool"})}
    topics["closed"] = Topic(board_id=town.things["ideas_board_id", "closed"], label={"": town.word("closed topic")})
    db.session.add_all(topics.values())
    db.session.flush()
    for state, topic in topics.items():
        db.session.add(_about(topic.id, reading.id, town.things["idea", state], town.things["ideas_board_id", state]))
    town.things |= {
        ("letter", "there"): letter.id,
        ("run", "there"): run.id,
        ("topic", "theirs"): topics["theirs"].id,
        ("topic", "closed"): topics["closed"].id,
    }
    for name, member_id in town.members.items():
        town.owned[name, "session", "own"] = _session(member_id)
        town.owned[name, "token", "own"] = _token(member_id)
        town.owned[name, "draft", "own"] = _draft(member_id, town.word(f"{name} draft"))
        town.owned[name, "notification", "own"] = _notice(member_id, town)
        town.owned |= {(name, *key): paper for key, paper in _about_her(town, name, member_id, "own").items()}
    town.things |= _about_her(town, "otto", town.things["member", "there"], "theirs")
    for state, place in (("own", "there"), ("theirs", "other")):
        town.things["invitation", state] = _invitation(town.things["organisation", place], town, state)
    town.things["session", "theirs"] = _session(town.things["member", "there"])
    town.things["token", "theirs"] = _token(town.things["member", "there"])
    town.things["draft", "theirs"] = _draft(town.things["member", "there"], town.word("otto draft"), key="otto-writes")
    town.things["notification", "theirs"] = _notice(town.things["member", "there"], town)


def _about_her(town: Town, name: str, member_id: int, state: str) -> dict[tuple[str, str], int]:
    """Plant what concerns one member alone: a decision about a comment of hers, a flag, a benefit, a handle."""
    comment = town.owned.get((name, "comment", "own_hidden"), town.things["comment", "hidden"])
    rows = {
        "decision": Decision(
            actor_id=town.members["moderator"], verb="hide", target_kind="comment", target_id=comment,
            author_id=member_id, reason="spam", words=town.word(f"{name} decision"), undo={"state": {"things": []}},
        ),
        "flag": Flag(
            member_id=member_id, target_kind="comment", target_id=town.things["comment", "theirs"], reason="other",
            words=town.word(f"{name} flag"),
        ),
        "benefit": Benefit(member_id=member_id, kind="offer", title=town.word(f"{name} benefit")),
        "identity": Identity(member_id=member_id, kind="mastodon", value=town.word(f"{name} handle")),
    }  # fmt: skip
    db.session.add_all(rows.values())
    db.session.flush()
    db.session.add(BenefitEntry(benefit_id=rows["benefit"].id, action="given"))
    return {(thing, state): row.id for thing, row in rows.items()}


def _invitation(organisation_id: int, town: Town, state: str) -> int:
    row = MemberInvitation(
        email=town.address(f"asked in {state}"), kind="supplier", digest=secrets.token_hex(16),
        expires_at=now() + timedelta(days=9), organisation_id=organisation_id,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row.id


def _about(topic_id: int, run_id: int, idea_id: int, board_id: int) -> ContributionTopic:
    return ContributionTopic(
        kind="idea", contribution_id=idea_id, board_id=board_id, thread_kind="idea", thread_id=idea_id, author_id=1,
        written_at=now(), topic_id=topic_id, mixture=[[topic_id, 1.0]], run_id=run_id,
    )  # fmt: skip


def _session(member_id: int) -> int:
    known = {one.id for one in members.sessions_of(member_id)}
    member_services.open_session(member_id)
    db.session.flush()
    return next(one.id for one in members.sessions_of(member_id) if one.id not in known)


def _token(member_id: int) -> int:
    known = {one.id for one in members.tokens_of(member_id)}
    member_services.create_token(member_id, name="Planted", scopes=("read",))
    db.session.flush()
    return next(one.id for one in members.tokens_of(member_id) if one.id not in known)


def _draft(member_id: int, text: str, *, key: str = "idea-new") -> str:
    db.session.add(
        Draft(member_id=member_id, key=key, place="/ideas/new", title=text, fields={"title": text}, device="A laptop")
    )
    return key


def _notice(member_id: int, town: Town) -> int:
    idea = town.things["idea", "theirs"]
    notice = Notification(
        member_id=member_id, kind="reply", why="follower", group_key="x", subject_kind="idea", subject_id=idea
    )
    db.session.add(notice)
    db.session.flush()
    return notice.id
