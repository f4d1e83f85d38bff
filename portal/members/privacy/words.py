"""What purposes and kinds of records are called, in the reader's language."""

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from portal.members.rules import Purpose


@dataclass(frozen=True, slots=True)
class PurposeWords:
    """A purpose as a member reads it: its name, what it means, what stops when it is switched off."""

    name: Any
    what: Any
    off: Any


PURPOSES: dict[str, PurposeWords] = {
    Purpose.CRM: PurposeWords(
        _l("Share what I do here with the customer file"),
        _l("Ideas, votes and answers stand as figures on your contact, so that we know what is wanted."),
        _l("Switched off, what was sent is emptied there."),
    ),
    Purpose.PROFILING: PurposeWords(
        _l("Work out what I know well"),
        _l("From your answers we estimate what you know about, show it, and bring you questions you may answer."),
        _l("Switched off, you are suggested to nobody and stand in no ranking."),
    ),
    Purpose.DIGESTS: PurposeWords(
        _l("Send me a digest by mail"),
        _l("What is new on the boards you follow, at the hour you choose."),
        _l("Switched off, no digest is sent; each one also has a link that ends it."),
    ),
    Purpose.LISTENING: PurposeWords(
        _l("Listen to my handles elsewhere"),
        _l("Public posts of the handles you have proven to be yours are read as contributions of yours."),
        _l("Switched off, they are read as anybody’s, and none is linked to you."),
    ),
}
RECORDS: dict[str, Any] = {
    "member": _l("Your account"),
    "identities": _l("How you are known elsewhere"),
    "tokens": _l("Tokens for programs"),
    "sessions": _l("Devices"),
    "consents": _l("What you agreed to"),
    "activity": _l("What you did, in order"),
    "long_runs": _l("Work you asked for"),
    "comments": _l("Comments"),
    "follows": _l("What you follow"),
    "tags": _l("Tags of your posts"),
    "ideas": _l("Ideas"),
    "idea_figures": _l("Figures of your ideas"),
    "votes": _l("Your votes now"),
    "votes_set_aside": _l("Votes of yours that do not count for now"),
    "vote_ledger": _l("Every vote you cast or withdrew"),
    "stages_given": _l("Answers you gave for the company"),
    "questions": _l("Questions"),
    "answers": _l("Answers"),
    "answer_votes": _l("Answers you found useful"),
    "same_problems": _l("Problems you share"),
    "days": _l("What you did, counted by day"),
    "figures": _l("Figures worked out of you"),
    "trust": _l("How much your word weighs"),
    "expertise": _l("What we think you know"),
    "idea_courses": _l("The course of your ideas"),
    "question_courses": _l("The course of your questions"),
    "answer_courses": _l("The course of your answers"),
    "answer_thanks": _l("Thanks you gave"),
    "routing": _l("When and what you answer"),
    "routing_words": _l("Words of questions you answered"),
    "invitations_to_answer": _l("Questions we brought to you"),
    "topics_of_contributions": _l("What your posts are about"),
    "topics_named": _l("Topics you named"),
    "trainings_asked": _l("Trainings you asked for"),
    "crm": _l("What the customer file was told"),
    "crm_events": _l("What the customer file was told that happened"),
    "crm_letters": _l("What the customer file would not take"),
    "erasure_requests": _l("Your wish to leave"),
    "bell": _l("How many notices are new"),
    "second_step": _l("Your second step"),
    "recovery_codes": _l("Recovery codes"),
    "passkeys": _l("Passkeys"),
    "sign_ins": _l("Who signed in, or tried"),
    "guest_acts": _l("What you began as a guest"),
    "invitations": _l("Invitations"),
    "address_proofs": _l("Addresses you are proving"),
    "identity_doubts": _l("Whether a contact is you"),
    "merges": _l("Accounts joined into yours"),
    "versions": _l("Earlier versions of your texts"),
    "reactions": _l("Reactions"),
    "mentions": _l("Where you are mentioned"),
    "drafts": _l("Drafts"),
    "uploads": _l("Pictures and files"),
    "reputation_lines": _l("Lines of your reputation"),
    "reputation": _l("Your reputation"),
    "trust_level": _l("Your trust level"),
    "badges": _l("Badges"),
    "benefits": _l("Benefits"),
    "benefit_history": _l("History of your benefits"),
    "flags": _l("What you flagged"),
    "moderation_decisions": _l("What moderators decided about you"),
    "appeals": _l("Your appeals"),
    "suspensions": _l("Suspensions"),
    "merge_voices": _l("Votes that came with a joined idea"),
    "notifications": _l("Notices"),
    "notification_causes": _l("What notices came from"),
    "deliveries": _l("What was sent to you"),
    "notification_choices": _l("Which notices you want"),
    "notification_places": _l("Boards you hear of, or not"),
    "notification_settings": _l("How notices reach you"),
    "push_subscriptions": _l("Browsers that get notices"),
}
