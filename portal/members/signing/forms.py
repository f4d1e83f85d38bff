"""Forms of signing in and up, of passwords, codes and passkeys."""

from typing import Any

from flask import g
from flask_babel import lazy_gettext as _l
from flask_login import current_user
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
    HiddenField,
    PasswordField,
    StringField,
)
from wtforms.validators import DataRequired, InputRequired, Length

from portal.members import mail
from portal.members.rules import NAME_MAX, PASSWORD_MOST, own_path
from portal.members.signing import attempts, passwords

EMAIL_MAX = 254
WRONG_PAIR = _l("Address and password do not go together.")
WRONG_OR_UNCONFIRMED = _l(
    "Address and password do not go together, or the address is not confirmed yet: then open the link in our mail."
)
TOO_MANY = _l("Too many attempts. Wait five minutes, then try again.")
TOO_MANY_LINKS = _l("Many links were asked for within the hour. Look for one in your mail, or try again later.")
TOO_MANY_NEW = _l("Many accounts were made from here within the hour. Try again later.")


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
        """Check the pair, unless too many attempts were made with this account, from this address or altogether."""
        typed = (self.email.data or "")[:EMAIL_MAX]
        if not attempts.may_try(typed):
            return _refuse(self, TOO_MANY)
        if super().validate(**kwargs):
            attempts.was_right(typed)
            return True
        if typed and self.password.data and (not self.user_authenticated or self.requires_confirmation):
            member_id = self.user.id if self.user is not None else None
            outcome = "unconfirmed" if self.user_authenticated else "wrong_password"
            attempts.failed(member_id, way="password", outcome=outcome)
            self.email.errors, self.password.errors = [], []
            self.form_errors = [WRONG_OR_UNCONFIRMED if mail.has_server() else WRONG_PAIR]
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
        """Check every field; then count, for whoever has an account already is written to, as newcomers are."""
        is_new = bool(super().validate(**kwargs))
        is_known = self.existing_email_user is not None
        if (is_new or is_known) and not attempts.may_sign_up(self.email.data or ""):
            self.existing_email_user = None
            return _refuse(self, TOO_MANY_NEW)
        return is_new


class ForgottenForm(ForgotPasswordForm):
    """Whose password is forgotten."""

    email = _address(valid_user_email)

    def validate(self, **kwargs: Any) -> bool:
        """Find the account, unless too many links were asked for from here. It takes as long whether there is one."""
        if not _may_ask_for_link(self):
            return False
        found = bool(super().validate(**kwargs))
        if not found and self.user is not None and self.requires_confirmation:
            self.email.errors, found = [], True  # whoever opens the link confirms the address, too
        if found:  # for others, Flask-Security does as much
            passwords.hash_password("nothing")
        return found


class ConfirmationForm(SendConfirmationForm):
    """Which address waits for its link."""

    email = _address(valid_user_email)

    def validate(self, **kwargs: Any) -> bool:
        """Find the account, unless too many links were asked for from here."""
        return _may_ask_for_link(self) and bool(super().validate(**kwargs))


def _may_ask_for_link(form: Any) -> bool:
    if not attempts.may_mail(form.email.data or ""):
        return _refuse(form, TOO_MANY_LINKS)
    g.form_status = 200  # the answer is the same for an address that nobody has
    return True


def _refuse(form: Any, sentence: Any) -> bool:
    form.form_errors = [sentence]
    g.form_status = 429
    return False


class ResetForm(ResetPasswordForm):
    """A new password, by the link in a mail."""

    password = _word(_l("New password"), "new-password")
    password_confirm = None  # type: ignore[assignment]


class PasswordForm(ChangePasswordForm):
    """The present password and a new one."""

    password = _word(_l("Present password"), "current-password")
    new_password = _word(_l("New password"), "new-password")
    new_password_confirm = None  # type: ignore[assignment]

    def validate(self, **kwargs: Any) -> bool:
        """Check both, unless the present one was guessed at too often: a cookie does not tell it."""
        account = current_user.email
        if not attempts.may_try(account):
            return _refuse(self, TOO_MANY)
        is_right = bool(super().validate(**kwargs))
        if not self.password.errors:
            attempts.was_right(account)
        elif self.password.data:
            attempts.failed(current_user.id, way="change", outcome="wrong_password")
        return is_right


class CodeForm(FlaskForm):  # type: ignore[misc]
    """A code of an app, or a recovery code."""

    code = StringField(
        _l("Code"),
        validators=[InputRequired(_l("Write the code.")), Length(max=40)],
        render_kw={"autocomplete": "one-time-code", "inputmode": "text", "maxlength": 40, "spellcheck": "false"},
    )


class AppCodeForm(FlaskForm):  # type: ignore[misc]
    """The first code that an app shows."""

    code = StringField(
        _l("The six figures that the app shows now"),
        validators=[InputRequired(_l("Write the code.")), Length(max=40)],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 12},
    )


class AgainForm(FlaskForm):  # type: ignore[misc]
    """The password, once more."""

    password = _word(_l("Password"), "current-password")


class AddressForm(FlaskForm):  # type: ignore[misc]
    """Another address."""

    email = EmailField(
        _l("New e-mail address"),
        validators=[DataRequired(_l("Write your e-mail address.")), Length(max=EMAIL_MAX)],
        render_kw={"autocomplete": "email", "autocapitalize": "none", "maxlength": EMAIL_MAX},
    )


class PasskeyForm(FlaskForm):  # type: ignore[misc]
    """What a device answered, as the page's script puts it in."""

    name = StringField(
        _l("Name of the passkey"),
        validators=[Length(max=NAME_MAX)],
        render_kw={"autocomplete": "off", "maxlength": NAME_MAX},
    )
    ticket = HiddenField(validators=[Length(max=100)])
    answer = HiddenField(validators=[Length(max=16_384)])
