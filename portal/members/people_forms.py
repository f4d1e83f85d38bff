"""Forms of guests, invitations and identities."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from portal.members.rules import NAME_MAX, PASSWORD_MOST


class ChosenPasswordForm(FlaskForm):  # type: ignore[misc]
    """The password that somebody chooses who has none yet."""

    password = PasswordField(
        _l("Password"),
        validators=[InputRequired(_l("Write your password.")), Length(max=PASSWORD_MOST)],
        render_kw={"autocomplete": "new-password", "maxlength": PASSWORD_MOST},
    )


class JoiningForm(ChosenPasswordForm):
    """Who accepts an invitation without having an account."""

    name = StringField(
        _l("Your name"),
        description=_l("As others will see it."),
        validators=[DataRequired(_l("Write your name.")), Length(max=NAME_MAX)],
        render_kw={"autocomplete": "name", "maxlength": NAME_MAX},
    )
