"""Forms of members: what one says about oneself, agrees to, and lets programs do."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from portal.members.rules import BIO_MAX, NAME_MAX, Scope

LANGUAGES = (SelectChoice("it", "Italiano"), SelectChoice("en", "English"))
FIELD_MISSING = _l("Write something here.")


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
