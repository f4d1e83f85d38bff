"""The memory of what moderators called spam and what they let pass."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal.kernel.clock import now
from portal.kernel.database import db
from portal.moderation import prior, spam
from portal.moderation.models import SpamScore, SpamVerdict, SpamWord
from portal.moderation.spam import Author, Curve, Verdict

TOTAL = "*"
CURVE = "*curve"
REFITTED = 400
DAY = 86_400


def _counts(found: Collection[str], at: datetime) -> tuple[dict[str, tuple[float, float]], tuple[float, float], Curve]:
    """Return the decayed counts of some traits and of all texts, on top of what the portal knows, and the curve."""
    rows = db.session.execute(
        select(SpamWord.word, SpamWord.spam, SpamWord.fine, SpamWord.at).where(
            SpamWord.word.in_({*found, TOTAL, CURVE})
        )
    )
    counts = {one: prior.counts().get(one, (0.0, 0.0)) for one in found}
    total, curve = prior.TOTAL, prior.curve()
    for row in rows:
        days = (at - row.at).total_seconds() / DAY
        pair = spam.decayed(row.spam, days), spam.decayed(row.fine, days)
        if row.word == TOTAL:
            total = (total[0] + pair[0], total[1] + pair[1])
        elif row.word == CURVE:
            curve = Curve(row.spam, row.fine)
        else:
            before = counts.get(row.word, (0.0, 0.0))
            counts[row.word] = (before[0] + pair[0], before[1] + pair[1])
    return counts, total, curve


def judge(text: str, author: Author) -> Verdict:
    """Return how likely a text is spam, from what moderators have decided and the portal's own texts."""
    found = spam.traits(text, author)
    counts, total, curve = _counts(found, now())
    return spam.judge(found, counts, total, curve)


def remember(kind: str, target_id: int, verdict: Verdict) -> None:
    """Keep how likely something was spam when it was posted."""
    values = {"probability": verdict.probability, "reasons": [list(pair) for pair in verdict.reasons], "at": now()}
    row = insert(SpamScore).values(target_kind=kind, target_id=target_id, **values)
    db.session.execute(row.on_conflict_do_update(index_elements=["target_kind", "target_id"], set_=values))


def teach(kind: str, target_id: int, text: str, author: Author, *, is_spam: bool) -> None:
    """Learn from a decision about a text; a later one about the same text takes the place of the earlier."""
    unteach(kind, target_id)
    found = spam.traits(text, author)
    db.session.add(SpamVerdict(target_kind=kind, target_id=target_id, spam=is_spam, words=list(found)))
    db.session.flush()
    _add([*found, TOTAL], is_spam=is_spam, by=1.0, at=now())
    _refit()


def unteach(kind: str, target_id: int) -> bool:
    """Forget what a decision about a text taught; return whether there was one."""
    verdict = db.session.get(SpamVerdict, (kind, target_id))
    if verdict is None:
        return False
    at = now()
    left = spam.decayed(1.0, (at - verdict.at).total_seconds() / DAY)
    _add([*map(str, verdict.words), TOTAL], is_spam=verdict.spam, by=-left, at=at)
    db.session.delete(verdict)
    db.session.flush()
    return True


def _add(found: Sequence[str], *, is_spam: bool, by: float, at: datetime) -> None:
    """Add to the counts of some traits, decayed to this moment; always in the same order, against deadlocks."""
    rows = [
        {"word": one, "spam": max(by, 0.0) if is_spam else 0.0, "fine": 0.0 if is_spam else max(by, 0.0), "at": at}
        for one in sorted(set(found))
    ]
    half = db.func.power(0.5, db.func.greatest(db.func.extract("epoch", at - SpamWord.at), 0) / (DAY * spam.HALF_LIFE))
    row = insert(SpamWord).values(rows)
    more = {"spam": by if is_spam else 0.0, "fine": 0.0 if is_spam else by}
    changed = {name: db.func.greatest(getattr(SpamWord, name) * half + more[name], 0.0) for name in more}
    db.session.execute(row.on_conflict_do_update(index_elements=["word"], set_={**changed, "at": at}))


def _refit() -> None:
    """Fit the curve anew on the latest decisions and the portal's own texts, each scored without itself."""
    verdicts = db.session.scalars(select(SpamVerdict).order_by(SpamVerdict.at.desc()).limit(REFITTED)).all()
    at = now()
    met = {str(one) for verdict in verdicts for one in verdict.words}
    counts, total, _curve = _counts(met | prior.counts().keys(), at)
    scores = spam.scores_without_themselves(prior.texts(), counts, total, prior.WEIGHT)
    for verdict in verdicts:
        own = spam.decayed(1.0, (at - verdict.at).total_seconds() / DAY)
        text = ([str(one) for one in verdict.words], verdict.spam)
        scores += spam.scores_without_themselves([text], counts, total, own)
    curve = spam.fit(scores)
    row = insert(SpamWord).values(word=CURVE, spam=curve.slope, fine=curve.offset, at=at)
    changed = {"spam": row.excluded.spam, "fine": row.excluded.fine, "at": at}
    db.session.execute(row.on_conflict_do_update(index_elements=["word"], set_=changed))


def in_words(text: str, reasons: Sequence[Sequence[object]]) -> list[tuple[str, float]]:
    """Return reasons with the words of the text in place of their hashes; a word that is gone is left out."""
    known = {spam.hashed(one): one for one in (*spam.words(text), *spam.links(text))}
    said = [(known.get(str(trait), "" if str(trait).startswith("#") else str(trait)), float(str(weight)))
            for trait, weight in reasons]  # fmt: skip
    return [(trait, weight) for trait, weight in said if trait]
