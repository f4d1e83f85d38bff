"""How reputation is said to people: kinds of lines, why one was reversed or held back, levels, badges."""

from flask_babel import lazy_gettext as _l

from portal.analytics.reputation.levels import Level, Need
from portal.analytics.reputation.rules import Cap, Cause, Kind

KINDS = {
    Kind.VOTE: _l("a vote for your idea"),
    Kind.ACCEPTED: _l("your answer was accepted"),
    Kind.HELPED: _l("your answer helped somebody"),
    Kind.SPARED: _l("your answer solved it before the question was asked"),
    Kind.VERIFIED: _l("the company vouches for your answer"),
    Kind.PLANNED: _l("your idea was planned"),
    Kind.MAKING: _l("your idea is in the making"),
    Kind.SHIPPED: _l("your idea was shipped"),
    Kind.FLAG: _l("you pointed out a double, or what was not right"),
    Kind.HIDDEN: _l("a moderator took it out of sight"),
}
CAUSES = {
    Cause.WITHDRAWN: _l("taken back by whoever gave it"),
    Cause.UNDONE: _l("undone"),
    Cause.MOVED_BACK: _l("the idea moved back"),
    Cause.OUT_OF_SIGHT: _l("what it was for is out of sight"),
    Cause.SHOWN_AGAIN: _l("shown again"),
}
CAPS = {
    Cap.UNKNOWN: _l("counts nothing yet: nobody we know vouches for whoever gave it"),
    Cap.OBJECT: _l("one thing brings 100 points at most"),
    Cap.PAIR: _l("one person gives another 30 points a year at most"),
    Cap.DAY: _l("one day brings 100 points at most"),
}
LEVELS = {
    Level.NEWCOMER: _l("newcomer"),
    Level.KNOWN: _l("known"),
    Level.REGULAR: _l("regular"),
    Level.TRUSTED: _l("trusted"),
    Level.PILLAR: _l("pillar"),
}
LEVEL_MEANS = {
    Level.NEWCOMER: _l("Your votes count in part, and first posts may wait for a moderator."),
    Level.KNOWN: _l("Your votes count whole, also those that you gave before."),
    Level.REGULAR: _l("What you say of others’ answers and ideas has shown to be sound."),
    Level.TRUSTED: _l("Much of what you write is well received, by many."),
    Level.PILLAR: _l("People rely on you, day by day."),
}
NEEDS = {
    Need.VOICE: _l("trust of people we know"),
    Need.SHARE: _l("share of your ideas and answers that were well received, at least"),
    Need.JUDGED: _l("ideas and answers in a year"),
    Need.DAYS: _l("active days in 90"),
    Need.PEOPLE: _l("people others trust who gave you points"),
    Need.FLAGS: _l("posts out of sight in 90 days, at most"),
}
BADGES = {
    "shipped": _l("From idea to thing"),
    "verified": _l("Vouched for"),
    "helped_many": _l("Helping hand"),
    "helped_on_one_topic": _l("Hand in the wash"),
    "foresaw": _l("Good eye"),
}
BADGE_GROUNDS = {
    "shipped": _l("an idea of hers was shipped"),
    "verified": _l("the company vouches for three of her answers"),
    "helped_many": _l("ten people said that her answers helped"),
    "helped_on_one_topic": _l("fifty people helped on one topic"),
    "foresaw": _l("supported three ideas, before they were planned, that were shipped"),
}
BENEFITS = {
    "offer": _l("Offer"),
    "early_access": _l("Early access"),
    "credit": _l("Credit in the changelog"),
}
STATES = {
    "given": _l("waiting for you"),
    "claimed": _l("claimed"),
    "withdrawn": _l("withdrawn"),
    "expired": _l("no longer open"),
}
