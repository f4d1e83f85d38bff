"""Forms of organisations and invitations."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from portal.kernel.errors import Invalid
from portal.members.forms import LANGUAGES
from portal.members.queries import people
from portal.members.rules import NAME_MAX, Kind, Role

EMAIL_MAX = 254
KIND_WORDS = {
    Kind.CUSTOMER.value: _l("customer"),
    Kind.SUPPLIER.value: _l("supplier"),
    Kind.PARTNER.value: _l("partner"),
    Kind.STAFF.value: _l("staff"),
}
ROLE_WORDS = {
    Role.MODERATOR.value: _l("moderator"),
    Role.SUPPORT_AGENT.value: _l("support agent"),
    Role.BRAND_MANAGER.value: _l("brand manager"),
    Role.ADMIN.value: _l("admin"),
}


def _choices(words: Mapping[str, Any]) -> list[SelectChoice]:
    return [SelectChoice(key, word) for key, word in words.items()]


class AskInForm(FlaskForm):  # type: ignore[misc]
    """Whom an organisation asks in."""

    email = EmailField(
        _l("E-mail address"),
        validators=[DataRequired(_l("Write the address.")), Length(max=EMAIL_MAX)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "maxlength": EMAIL_MAX},
    )
    lang = SelectField(_l("Language of the mail"), choices=LANGUAGES)
    organisation_admin = BooleanField(_l("She looks after our people here, too"))


class StaffAskInForm(AskInForm):
    """Whom staff asks in: as what, for which organisation, with which roles."""

    kind = SelectField(_l("As what"), choices=_choices(KIND_WORDS))
    organisation = SelectField(_l("Organisation"), coerce=int)
    roles = SelectMultipleField(
        _l("Roles, for staff"),
        choices=_choices(ROLE_WORDS),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    organisation_admin = BooleanField(_l("Looks after the organisation’s people here, too"))

    def offer(self) -> None:
        """Offer the organisations there are."""
        there = [SelectChoice(one.id, one.name) for one in people.organisations()]
        self.organisation.choices = [SelectChoice(0, "–"), *there]


class OrganisationForm(FlaskForm):  # type: ignore[misc]
    """A new organisation."""

    name = StringField(_l("Name"), validators=[DataRequired(_l("Write the name.")), Length(max=NAME_MAX)])
    kind = SelectField(_l("What it is to us"), choices=_choices(KIND_WORDS)[:-1])
    country = StringField(_l("Country"), validators=[Length(max=NAME_MAX)])


def mark(form: Any, refusal: Invalid) -> None:
    """Put each sentence to its field; what belongs to no field is said on top."""
    for name, sentence in refusal.fields.items():
        field = getattr(form, {"role": "roles"}.get(name, name), None)
        if field is None:
            form.form_errors.append(str(sentence))
        else:
            field.errors = [*field.errors, str(sentence)]
