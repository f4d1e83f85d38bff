"""Why an idea stands where it does: one short sentence a row, and its icon."""

from portal.ideas import rules
from portal.ideas.lists import IdeaRow
from portal.kernel import clock, formats
from portal.kernel.formats import number, percent
from portal.kernel.speech import gettext as _
from portal.kernel.speech import ngettext

ICONS = {
    rules.Sort.RISING: "rising",
    rules.Sort.WANTED: "wanted",
    rules.Sort.EXPLORE: "explore",
    rules.Sort.NEWEST: "clock",
    rules.Sort.ANSWER_DUE: "calendar",
}


def reason(row: IdeaRow, sort: rules.Sort) -> tuple[str, str]:
    """Return why the row stands in this list, in the reader's language, and the icon beside it."""
    return str(_SENTENCES[sort](row)), ICONS[sort]


def _rising(row: IdeaRow) -> object:
    votes = row.fortnight
    if votes > 0:
        return ngettext("%(n)s vote in two weeks", "%(n)s votes in two weeks", votes, n=number(votes))
    if row.votes:
        return _("it gathered votes earlier")
    return _("no votes here yet")


def _wanted(row: IdeaRow) -> object:
    if row.imported_support and not row.votes:
        return ngettext(
            "%(n)s supporter where it came from", "%(n)s supporters where it came from", row.imported_support,
            n=number(row.imported_support),
        )  # fmt: skip
    seen = max(row.viewers, row.votes)
    if not seen:
        return _("nobody has seen it yet")
    return _("%(votes)s of %(seen)s who saw it want it; at least %(share)s would",
             votes=number(row.votes), seen=number(seen), share=percent(row.wanted))  # fmt: skip


def _explore(row: IdeaRow) -> object:
    if not row.viewers:
        return _("nobody has seen it yet: we show it to %(n)s people", n=rules.MIN_VIEWERS)
    return ngettext(
        "seen by %(n)s person so far: we show it to %(most)s",
        "seen by %(n)s people so far: we show it to %(most)s",
        row.viewers,
        n=number(row.viewers),
        most=rules.MIN_VIEWERS,
    )


def _newest(row: IdeaRow) -> object:
    return formats.since(row.created_at)


def _answer_due(row: IdeaRow) -> object:
    if row.answer_due_at is None:
        return ""
    today, due = clock.today(), row.answer_due_at.date()
    if due >= today:
        return _("answer promised by %(day)s", day=formats.day(due))
    late = rules.working_days_between(due, today)
    return ngettext("answer %(n)s working day late", "answer %(n)s working days late", late, n=number(late))


_SENTENCES = {
    rules.Sort.RISING: _rising,
    rules.Sort.WANTED: _wanted,
    rules.Sort.EXPLORE: _explore,
    rules.Sort.NEWEST: _newest,
    rules.Sort.ANSWER_DUE: _answer_due,
}
