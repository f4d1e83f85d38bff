"""Why somebody is recommended: plain values to keep, sentences to read."""

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.analytics.routing.features import Context, word_affinity
from portal.analytics.routing.memory import DAY_HOURS, HOUR, Helper

MOST = 3
DAYS = 30
FEW = 2
LIKELY = 0.3
USUAL = 1.4
ENOUGH = 10
HERE = (-1, 0, 1, 2)


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its kind, a number and a word that go with it."""

    kind: str
    n: int = 0
    word: str = ""

    @property
    def is_personal(self) -> bool:
        """Return whether it says when somebody is here, or whom she helps: for members' eyes only."""
        return self.kind in {"hour", "now", "asker"}

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready values."""
        return {"kind": self.kind, "n": self.n, "word": self.word}

    def __str__(self) -> str:
        """Return the sentence in the reader's language."""
        return sentence(self)


def reasons_for(helper: Helper, context: Context) -> list[Reason]:
    """Return the reasons that hold for a helper, the most telling first, three at most."""
    at = context.question.at
    by_tag = [(helper.answers_within(at, DAYS, tag), tag) for tag in context.question.tags]
    best, tag = max(by_tag, default=(0, ""))
    lately = helper.answers_within(at, DAYS)
    found = [
        Reason("tag", best, tag) if best >= FEW else None,
        Reason("words") if word_affinity(helper, context) > LIKELY else None,
        Reason("lately", lately) if lately >= FEW and best < FEW else None,
        Reason("asker") if context.question.asker_id is not None
        and helper.askers.get(str(context.question.asker_id)) else None,
        Reason("now") if 0 <= at - helper.last < HOUR else None,
        Reason("hour") if _is_usually_here(helper, context.hour) else None,
    ]  # fmt: skip
    kept = [reason for reason in found if reason is not None][:MOST]
    return kept or [Reason("total", helper.total)]


def _is_usually_here(helper: Helper, hour: int) -> bool:
    whole = sum(helper.hours)
    here = sum(helper.hours[(hour + step) % DAY_HOURS] for step in HERE)
    return helper.total >= ENOUGH and here > USUAL * whole * len(HERE) / DAY_HOURS


def sentence(reason: Reason) -> str:
    """Return the reason in the reader's language."""
    if reason.kind == "tag":
        said = ngettext(
            "answered %(num)s question about %(word)s in 30 days",
            "answered %(num)s questions about %(word)s in 30 days",
            reason.n,
            word=reason.word,
        )
    elif reason.kind == "lately":
        said = ngettext("answered %(num)s question in 30 days", "answered %(num)s questions in 30 days", reason.n)
    elif reason.kind == "total":
        said = ngettext("has answered %(num)s question", "has answered %(num)s questions", reason.n)
    else:
        said = _plain(reason.kind)
    return str(said)


def _plain(kind: str) -> str:
    said: dict[str, str] = {
        "words": _("has answered questions in words like these"),
        "asker": _("has answered this person before"),
        "now": _("was here within the last hour"),
        "hour": _("is usually here at this hour"),
    }
    return said.get(kind, "")


def sentences(kept: list[dict[str, Any]]) -> list[str]:
    """Return stored reasons in the reader's language."""
    return [sentence(Reason(one["kind"], one["n"], one["word"])) for one in kept]
