"""What moderation says: reasons, verbs, why something waits; in the reader's language."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from portal.kernel import formats
from portal.moderation import spam
from portal.moderation.services import spam as memory

REASONS = {
    "spam": _l("Spam or advertising"),
    "abuse": _l("Unkind or threatening"),
    "private": _l("Somebody’s private data"),
    "off_topic": _l("Does not belong here"),
    "duplicate": _l("Has been said already"),
    "other": _l("Something else"),
}
SHORT = {
    "spam": _l("spam"),
    "abuse": _l("unkind"),
    "private": _l("private data"),
    "off_topic": _l("off topic"),
    "duplicate": _l("duplicate"),
    "other": _l("something else"),
}
KINDS = {
    "idea": _l("idea"),
    "question": _l("question"),
    "answer": _l("answer"),
    "comment": _l("comment"),
    "member": _l("profile"),
}
TERMS = {
    "day": _l("1 day"),
    "3_days": _l("3 days"),
    "week": _l("1 week"),
    "month": _l("30 days"),
    "quarter": _l("90 days"),
    "good": _l("For good"),
}
DONE = {
    "approve": _l("approved"),
    "hide": _l("hidden"),
    "spam": _l("hidden as spam"),
    "restore": _l("shown again"),
    "rephrase": _l("asked to rephrase"),
    "edit": _l("edited"),
    "split": _l("made a thing of its own"),
    "move": _l("moved to another board"),
    "merge": _l("merged"),
    "distinct": _l("not the same"),
    "suspend": _l("suspended"),
    "lift": _l("suspension lifted"),
    "purge": _l("all posts hidden, account suspended"),
    "set_aside": _l("voices of new accounts set aside"),
    "granted": _l("appeal granted"),
    "kept": _l("appeal rejected"),
}
WHYS = {
    "held": _l("held"),
    "provisional": _l("address not confirmed"),
    "hidden": _l("hidden"),
    "spam": _l("hidden as spam"),
    "author": _l("taken back by its author"),
    "merged": _l("merged"),
    "moved": _l("stands elsewhere"),
    "erased": _l("erased"),
}
HELD = {
    "first_posts": _l("a first post of somebody new"),
    "links": _l("a link by somebody new"),
    "spam": _l("reads like spam"),
    "screened": _l("held before it was shown"),
}
TRAITS = {
    "link": _l("a link"),
    "many_links": _l("many links"),
    "phone": _l("a telephone number"),
    "contact": _l("asks to write elsewhere"),
    "shouting": _l("capital letters"),
    "short": _l("very short"),
    "joined_today": _l("joined today"),
    "joined_lately": _l("joined lately"),
    "member_for_long": _l("member for long"),
    "unconfirmed": _l("address not confirmed"),
    "nothing_seen": _l("no history"),
    "seen_before": _l("has a history"),
}


def tags(why: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Return the labels of a thing in the queue: tone and words."""
    found: list[tuple[str, object]] = []
    chance = why.get("spam")
    if isinstance(chance, int | float):
        tone = "bad" if chance >= 0.5 else ""  # noqa: PLR2004 - more likely than not
        found.append((tone, _("spam, %(n)s in 100", n=round(chance * 100))))
    counts = why.get("flags") or {}
    if counts:
        total = sum(counts.values())
        names = ", ".join(str(SHORT.get(reason, reason)) for reason in counts)
        found.append(("new", ngettext("1 flag: %(why)s", "%(num)s flags: %(why)s", total, why=names)))
    if voters := why.get("voters"):
        found.append(("new", ngettext("%(num)s new voter", "%(num)s new voters", voters)))
    if (same := why.get("same")) is not None:
        found.append(("", _("likely the same, %(n)s in 100", n=round(float(same) * 100))))
    if why.get("appeal"):
        found.append(("new", _("appeal")))
    return found


def because(why: Mapping[str, Any], text: str) -> str:
    """Return in a sentence what brought a thing into the queue."""
    parts = [str(HELD[one]) for one in why.get("held", ()) if one in HELD]
    said = memory.in_words(text, why.get("because", ()))
    for trait, weight in said:
        word = str(TRAITS[trait]) if trait in TRAITS else _("“%(word)s”", word=trait)
        parts.append(word if weight > 0 else _("against it: %(word)s", word=word))
    return _("Why: %(parts)s.", parts="; ".join(parts)) if parts else ""


def telling(why: Mapping[str, Any], text: str) -> frozenset[str]:
    """Return the words of a text that brought it into the queue."""
    return frozenset(
        trait for trait, weight in memory.in_words(text, why.get("because", ())) if trait not in TRAITS and weight > 0
    )


def marked(text: str, words: frozenset[str]) -> list[tuple[str, bool]]:
    """Return a text in pieces, and whether each is one that brought it into the queue: a telling word or a link."""
    pieces: list[tuple[str, bool]] = []
    start = 0
    for found in spam.tokens(text):
        hit = found.is_link or found.folded in words
        if hit:
            pieces += [(text[start : found.start], False), (text[found.start : found.end], True)]
            start = found.end
    return [piece for piece in [*pieces, (text[start:], False)] if piece[0]]


def record(removed: int, suspensions: int) -> Sequence[str]:
    """Return what is known against an author."""
    said = []
    if removed:
        said.append(ngettext("1 post taken away before", "%(num)s posts taken away before", removed))
    if suspensions:
        said.append(ngettext("suspended once", "suspended %(num)s times", suspensions))
    return said


def typical(seconds: float | None) -> str:
    """Return how long it usually takes until somebody has looked."""
    return formats.duration(seconds) if seconds is not None else _("a day")
