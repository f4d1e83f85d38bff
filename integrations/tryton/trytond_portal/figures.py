# This file is part of the portal's Tryton module. It is free software under the GNU GPL, version 3 or later.
"""The portal's fields on a party, in one list each: everything else here is derived from it."""

from trytond.model import fields

PREFIX = 'portal_'


def _whole(string, help=''):
    return fields.Integer(string, readonly=True, help=help)


def _number(string, help=''):
    return fields.Float(string, readonly=True, help=help)


def _words(string, help=''):
    return fields.Char(string, readonly=True, help=help)


def _time(string, help=''):
    return fields.DateTime(string, readonly=True, help=help)


CONTACT = {
    'portal_url': _words("Page in the Community"),
    'portal_joined': _time("Joined"),
    'portal_last_active': _time("Last Active"),
    'portal_lifecycle': _words("Lifecycle"),
    'portal_active_days': _whole("Active Days", "Days with at least one contribution or vote."),
    'portal_ideas_submitted': _whole("Ideas Submitted"),
    'portal_ideas_shortlisted': _whole("Ideas Shortlisted"),
    'portal_ideas_accepted': _whole("Ideas Accepted"),
    'portal_ideas_shipped': _whole("Ideas Shipped"),
    'portal_idea_success': _number(
        "Idea Success", "Share of ideas that were accepted, shrunk towards everybody's."),
    'portal_votes': _whole("Votes"),
    'portal_foresight': _number("Foresight", "How early the ideas that ship were supported."),
    'portal_comments': _whole("Comments"),
    'portal_questions': _whole("Questions"),
    'portal_answers': _whole("Answers"),
    'portal_answers_accepted': _whole("Answers Accepted"),
    'portal_accepted_share': _number(
        "Accepted Share", "Lower Wilson bound of the share of answers that were accepted."),
    'portal_first_response_hours': _number(
        "First Response", "Median hours until this member's first reply to a question."),
    'portal_engagement': _number("Engagement", "From 0 to 100."),
    'portal_top_topics': _words("Top Topics"),
    'portal_expertise_percentile': _number("Best Expertise", "Best percentile over all topics."),
    'portal_influence_percentile': _number("Influence", "Percentile."),
    'portal_support_value': _number("Support Value", "Cases saved by this member's answers."),
    'portal_tone': _number("Tone", "From 0 to 1; empty below five posts."),
    'portal_consent': fields.Boolean("Shares with the CRM", readonly=True),
}
ACCOUNT = {
    'portal_members': _whole("Members"),
    'portal_members_active': _whole("Active Members", "In the last 90 days."),
    'portal_penetration': _number("Penetration", "Members over contacts of the account."),
    'portal_account_ideas': _whole("Ideas"),
    'portal_account_votes': _whole("Votes of its Members"),
    'portal_account_questions': _whole("Questions of its Members"),
    'portal_account_answers': _whole("Answers of its Members"),
    'portal_innovation_share': _number(
        "Innovation Share", "Its share of all ideas that were accepted."),
    'portal_questions_late': _whole("Open Questions Past their Deadline"),
    'portal_gini': _number("Gini", "How unevenly its members contribute."),
    'portal_trend': _number("Trend", "Change of activity against the quarter before."),
}
KEYS = {'contact': 'portal_member', 'account': 'portal_organisation'}
FIGURES = {'contact': CONTACT, 'account': ACCOUNT}
FOR_PEOPLE = {'contact': 'person', 'account': 'organisation'}
ALL = {**CONTACT, **ACCOUNT}
