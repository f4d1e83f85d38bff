"""Forms of members: signing in and up, and what one says about oneself."""

from typing import Any

from flask import g, request
from flask_babel import lazy_gettext as _l
from flask_security.forms import (
    ChangePasswordForm,
    EmailValidation,
    ForgotPasswordForm,
    LoginForm,
    RegisterFormV2,
    ResetPasswordForm,
    SendConfirmationForm,
    unique_user_email,
    valid_user_email,
)
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from portal.members import throttle
from portal.members.rules import BIO_MAX, NAME_MAX, PASSWORD_MOST, Scope, own_path

EMAIL_MAX = 254
LANGUAGES = (SelectChoice("it", "Italiano"), SelectChoice("en", "English"))
WRONG_PAIR = _l("Address and password do not go together.")
TOO_MANY = _l("Too many attempts. Wait five minutes, then try again.")
TOO_MANY_NEW = _l("Many accounts were made from here within the hour. Try again later.")
FIELD_MISSING = _l("Write something here.")


def _address(*validators: Any) -> EmailField:
    return EmailField(
        _l("E-mail address"),
        validators=[DataRequired(_l("Write your e-mail address.")), Length(max=EMAIL_MAX), *validators],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "maxlength": EMAIL_MAX},
    )


def _word(label: Any, autocomplete: str) -> PasswordField:
    return PasswordField(
        label,
        validators=[InputRequired(_l("Write your password.")), Length(max=PASSWORD_MOST)],
        render_kw={"autocomplete": autocomplete, "maxlength": PASSWORD_MOST},
    )


class KeepsOwnPath:
    """Forgets a way back that leads elsewhere."""

    def validate_next(self, field: Field) -> None:
        """Keep the way back only when it leads to a page of ours."""
        field.data = own_path(field.data, "")


class SignInForm(KeepsOwnPath, LoginForm):
    """Address and password. What is wrong is said of the pair, never of one of the two."""

    email = _address()
    password = _word(_l("Password"), "current-password")
    remember = BooleanField(_l("Stay signed in on this device"))

    def validate(self, **kwargs: Any) -> bool:
        """Check the pair, unless too many attempts were made with this account or from this address."""
        keys = [f"account:{(self.email.data or '').casefold()[:EMAIL_MAX]}", f"address:{request.remote_addr}"]
        if not throttle.throttle().is_open(throttle.SIGN_IN, keys):
            self.form_errors = [TOO_MANY]
            g.form_status = 429
            return False
        if super().validate(**kwargs):
            return True
        if self.email.data and self.password.data and not self.user_authenticated:
            throttle.throttle().count(throttle.SIGN_IN, keys)
            self.email.errors, self.password.errors = [], []
            self.form_errors = [WRONG_PAIR]
        return False


class SignUpForm(KeepsOwnPath, RegisterFormV2):
    """A name, an address, a password."""

    name = StringField(
        _l("Your name"),
        description=_l("As others will see it."),
        validators=[DataRequired(_l("Write your name.")), Length(max=NAME_MAX)],
        render_kw={"autocomplete": "name", "maxlength": NAME_MAX},
    )
    email = EmailField(
        _l("E-mail address"),
        validators=[
            DataRequired(_l("Write your e-mail address.")),
            EmailValidation(verify=True),
            unique_user_email,
        ],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "maxlength": EMAIL_MAX},
    )
    password = _word(_l("Password"), "new-password")

    def validate(self, **kwargs: Any) -> bool:
        """Check every field, unless too many accounts were made from this address."""
        if not throttle.throttle().is_open(throttle.SIGN_UP, [f"address:{request.remote_addr}"]):
            self.form_errors = [TOO_MANY_NEW]
            g.form_status = 429
            return False
        return bool(super().validate(**kwargs))


class ForgottenForm(ForgotPasswordForm):
    """Whose password is forgotten."""

    email = _address(valid_user_email)

    def validate(self, **kwargs: Any) -> bool:
        """Find the account, unless too many links were asked for from here."""
        return _may_ask_for_link(self) and bool(super().validate(**kwargs))


class ConfirmationForm(SendConfirmationForm):
    """Which address waits for its link."""

    email = _address(valid_user_email)

    def validate(self, **kwargs: Any) -> bool:
        """Find the account, unless too many links were asked for from here."""
        return _may_ask_for_link(self) and bool(super().validate(**kwargs))


def _may_ask_for_link(form: Any) -> bool:
    keys = [f"account:{(form.email.data or '').casefold()[:EMAIL_MAX]}", f"address:{request.remote_addr}"]
    if not throttle.throttle().is_open(throttle.LINK, keys):
        form.form_errors = [TOO_MANY]
        g.form_status = 429
        return False
    throttle.throttle().count(throttle.LINK, keys)
    g.form_status = 200  # the answer is the same for an address that nobody has
    return True


class ResetForm(ResetPasswordForm):
    """A new password, by the link in a mail."""

    password = _word(_l("New password"), "new-password")
    password_confirm = None  # type: ignore[assignment]


class PasswordForm(ChangePasswordForm):
    """The present password and a new one."""

    password = _word(_l("Present password"), "current-password")
    new_password = _word(_l("New password"), "new-password")
    new_password_confirm = None  # type: ignore[assignment]


class ProfileForm(FlaskForm):  # type: ignore[misc]
    """What a member says about herself."""

    name = StringField(
        _l("Your name"),
        validators=[DataRequired(_l("Write your name.")), Length(max=NAME_MAX)],
        render_kw={"autocomplete": "name", "maxlength": NAME_MAX},
    )
    job = StringField(_l("What you do"), validators=[Length(max=NAME_MAX)], render_kw={"maxlength": NAME_MAX})
    city = StringField(
        _l("Where you live"),
        validators=[Length(max=NAME_MAX)],
        render_kw={"autocomplete": "address-level2", "maxlength": NAME_MAX},
    )
    bio = TextAreaField(_l("About you"), validators=[Length(max=BIO_MAX)], render_kw={"rows": 5, "maxlength": BIO_MAX})
    lang = SelectField(_l("Language"), choices=LANGUAGES, validators=[InputRequired()])


class ConsentForm(FlaskForm):  # type: ignore[misc]
    """Whether a purpose is agreed to."""

    crm = BooleanField(_l("Share what I do here with the customer file"))


class TokenForm(FlaskForm):  # type: ignore[misc]
    """A token for programs: what it is called, what it may do."""

    name = StringField(
        _l("What it is for"),
        validators=[DataRequired(FIELD_MISSING), Length(max=NAME_MAX)],
        render_kw={"maxlength": NAME_MAX, "autocomplete": "off"},
    )
    scopes = SelectMultipleField(
        _l("What it may do"),
        choices=[
            SelectChoice(Scope.READ.value, _l("Read what I may read")),
            SelectChoice(Scope.WRITE.value, _l("Write in my name")),
            SelectChoice(Scope.ADMIN.value, _l("Administer, if I am an admin")),
        ],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        default=[Scope.READ.value],
    )
