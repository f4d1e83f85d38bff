"""How somebody who has not signed in says who she is, how often she may act, and the mail that asks her to confirm."""

from collections.abc import Mapping
from typing import Any

from flask import current_app, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, StringField
from wtforms.validators import DataRequired, Length

from portal.kernel.errors import Invalid, TooMany
from portal.members.guests import services
from portal.members.jobs import deliver
from portal.members.rules import NAME_MAX
from portal.members.services import clean_email
from portal.members.signing.throttle import Limit, take

EMAIL_MAX = 254
TO_ADDRESS = (Limit("guest-to", 5, minutes=60), Limit("guest-to-day", 10, minutes=24 * 60))
"""Mails to one address in an hour and in a day, whoever asks for them: they may come to somebody who asked for none."""
FROM_HERE = Limit("guest-from", 30, minutes=60)
"""Acts from one network address in an hour: a class of pupils passes, a program does not."""
ALL_TOGETHER = Limit("guest-all", 1000, minutes=60)
"""Such mails in an hour, all together."""


class AsGuest:
    """The two fields with which somebody who has not signed in says who she is; mixed into a feature's form."""

    guest_name = StringField(
        _l("Your name"),
        description=_l("As others will see it."),
        validators=[DataRequired(_l("Write your name.")), Length(max=NAME_MAX)],
        render_kw={"autocomplete": "name", "maxlength": NAME_MAX},
    )
    guest_email = EmailField(
        _l("E-mail address"),
        validators=[DataRequired(_l("Write your e-mail address.")), Length(max=EMAIL_MAX)],
        render_kw={"autocomplete": "email", "autocapitalize": "none", "maxlength": EMAIL_MAX},
    )


def leave(kind: str, *, email: str, name: str, lang: str, title: str, payload: Mapping[str, Any]) -> None:
    """Keep what a guest wants to do, and mail her the link that confirms it.

    What the page answers is the same whoever has the address; only the mail says whether there is an account. Nothing
    that the guest typed stands in the mail: nobody can have us write to a stranger in words of hers.

    :raise Invalid: for what cannot be an address or a name.
    :raise TooMany: when too much was asked for, for this address, from here or by all together.
    """
    _count(clean_email(email))
    address, secret = services.keep_act(kind, email=email, name=name, lang=lang, title=title, payload=payload)
    holder = services.holder_of(address)
    words = render_template(
        "members/mail/guest.txt",
        kind=kind,
        secret=secret,
        days=services.DAYS,
        known=holder is not None and not holder.is_guest,
        portal_url=current_app.config["PORTAL_URL"],
        portal=current_app.config["PORTAL_NAME"],
    )
    subjects = {"vote": _("Confirm your vote"), "idea": _("Confirm your idea"), "question": _("Confirm your question")}
    deliver.later(address, subjects[kind], words)


def _count(address: str) -> None:
    to_her = [(limit, f"account:{address.casefold()}") for limit in TO_ADDRESS]
    if not take(*to_her, (FROM_HERE, f"address:{request.remote_addr}"), (ALL_TOGETHER, "all")):
        raise TooMany(_("That was a lot in one hour. Wait a little, or sign in."), retry_after=3600)


def say_in(form: Any, refusal: Invalid) -> None:
    """Put each sentence to its field; what belongs to no field is said on top."""
    for name, sentence in refusal.fields.items():
        field = getattr(form, {"email": "guest_email", "name": "guest_name"}.get(name, name), None)
        if field is None:
            form.form_errors.append(str(sentence))
        else:
            field.errors = [*field.errors, str(sentence)]
