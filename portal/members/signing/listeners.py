"""A mail to whoever's account can be opened in another way from now on: if it was not she, she learns of it."""

from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from portal.kernel.events import listens_to
from portal.members import queries
from portal.members.events import TokenCreated
from portal.members.events.signing import (
    PasskeyAdded,
    PasskeyRemoved,
    ProviderLinked,
    RecoveryCodeUsed,
    SecondStepChanged,
)
from portal.members.jobs import deliver


@listens_to(PasskeyAdded)
def tell_of_passkey(event: PasskeyAdded) -> None:
    """Tell a member that one more device opens her account."""
    _tell(event.member_id, _l("A passkey was added to your account."))


@listens_to(PasskeyRemoved)
def tell_of_passkey_removed(event: PasskeyRemoved) -> None:
    """Tell a member that a device no longer opens her account."""
    _tell(event.member_id, _l("A passkey was removed from your account."))


@listens_to(ProviderLinked)
def tell_of_provider(event: ProviderLinked) -> None:
    """Tell a member that an account elsewhere opens hers."""
    _tell(event.member_id, _l("An account at %(issuer)s opens your account here from now on.", issuer=event.issuer))


@listens_to(SecondStepChanged)
def tell_of_second_step(event: SecondStepChanged) -> None:
    """Tell a member whether her password alone opens her account."""
    asked, alone = (
        _l("The second step of your account was set up or changed."),
        _l("From now on your password alone opens your account."),
    )
    _tell(event.member_id, asked if event.required else alone)


@listens_to(RecoveryCodeUsed)
def tell_of_recovery_code(event: RecoveryCodeUsed) -> None:
    """Tell a member that one of her codes for bad days is gone."""
    _tell(event.member_id, _l("One of your recovery codes was used. Still unused: %(left)s.", left=event.left))


@listens_to(TokenCreated)
def tell_of_token(event: TokenCreated) -> None:
    """Tell a member that a program may act in her name."""
    _tell(event.member_id, _l("A token for programs was made in your account."))


def _tell(member_id: int, what: Any) -> None:
    """Promise a mail to a member who has an address; whoever was erased or joined meanwhile has none."""
    address = queries.email_of(member_id)
    if address is None:
        return
    site = {"portal_url": current_app.config["PORTAL_URL"], "portal": current_app.config["PORTAL_NAME"]}
    with force_locale(queries.viewer_of(member_id).lang or "en"):
        text = current_app.jinja_env.get_template("members/mail/noticed.txt").render(what=str(what), **site)
        deliver.later(address, str(_l("Your account can be opened differently")), text)
