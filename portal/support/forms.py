"""Forms of peer support: shapes only; the services check what is written."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from portal.community import facade as community
from portal.kernel.text import BODY_MAX
from portal.support.rules import TITLE_MAX

MISSING = _l("Write something here.")


class QuestionForm(FlaskForm):  # type: ignore[misc]
    """A question: what, what was tried, where it belongs."""

    title = StringField(_l("What is the problem?"), validators=[DataRequired(MISSING), Length(max=TITLE_MAX)])
    body = TextAreaField(_l("What have you tried?"), validators=[Optional(), Length(max=BODY_MAX)])
    board = SelectField(_l("Where does it belong?"), validators=[DataRequired(MISSING)])
    category = SelectField(_l("What is it about?"), validators=[Optional()])
    tags = StringField(_l("Tags"), validators=[Optional(), Length(max=400)])

    def offer(self, boards: Sequence["community.BoardCard"], chosen: str | None) -> None:
        """Offer these boards, and the categories of the chosen one."""
        self.board.choices = [(board.key, board.title) for board in boards]
        board = next((board for board in boards if board.key == (self.board.data or chosen)), None)
        board = board or (boards[0] if boards else None)
        self.category.choices = [("", "–"), *((c, c.capitalize()) for c in (board.categories if board else ()))]
        if board is not None and not self.board.data:
            self.board.data = board.key

    def words(self) -> list[str]:
        """Return the tags that were typed, without commas."""
        return [word.strip() for word in (self.tags.data or "").split(",") if word.strip()]


class TextForm(FlaskForm):  # type: ignore[misc]
    """An answer, or a change to one."""

    body = TextAreaField(_l("Your answer"), validators=[DataRequired(MISSING), Length(max=BODY_MAX)])


class EditForm(FlaskForm):  # type: ignore[misc]
    """A change to one's question."""

    title = StringField(_l("What is the problem?"), validators=[DataRequired(MISSING), Length(max=TITLE_MAX)])
    body = TextAreaField(_l("What have you tried?"), validators=[Optional(), Length(max=BODY_MAX)])
    tags = StringField(_l("Tags"), validators=[Optional(), Length(max=400)])

    def words(self) -> list[str]:
        """Return the tags that were typed, without commas."""
        return [word.strip() for word in (self.tags.data or "").split(",") if word.strip()]
