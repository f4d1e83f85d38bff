"""Forms of benefits."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import DataRequired, Length, Optional

from portal.analytics.reputation.services.benefits import BODY_MAX, KINDS, TITLE_MAX
from portal.analytics.reputation.words import BENEFITS


class BenefitForm(FlaskForm):  # type: ignore[misc]
    """What is given, to whom, until when."""

    kind = SelectField(_l("What it is"), choices=[SelectChoice(kind, BENEFITS[kind]) for kind in KINDS])
    title = StringField(
        _l("Title"),
        validators=[DataRequired(_l("Write something here.")), Length(max=TITLE_MAX)],
        render_kw={"maxlength": TITLE_MAX},
    )
    body = TextAreaField(
        _l("What it holds, and how one gets it"), validators=[Length(max=BODY_MAX)], render_kw={"rows": 4}
    )
    rule = StringField(
        _l("For whom"),
        validators=[DataRequired(_l("Write something here.")), Length(max=300)],
        render_kw={"maxlength": 300, "autocapitalize": "none", "spellcheck": "false"},
    )
    claim_until = DateField(_l("Can be claimed until"), validators=[Optional()])
