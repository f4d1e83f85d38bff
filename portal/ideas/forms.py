"""Forms of ideas: shapes only; the services check what is written."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional

from portal.community.queries import BoardCard
from portal.ideas import rules

MISSING = _l("Write something here.")
STAGE_WORDS = {
    "submitted": _l("Submitted"),
    "review": _l("Under review"),
    "planned": _l("Planned"),
    "making": _l("In the making"),
    "shipped": _l("Shipped"),
    "declined": _l("Declined"),
}
REASON_WORDS = {
    rules.ReasonCode.COST: _l("It would cost too much"),
    rules.ReasonCode.TECHNICAL: _l("It cannot be made this way"),
    rules.ReasonCode.TOO_FEW: _l("Too few want it"),
    rules.ReasonCode.NOT_OUR_CRAFT: _l("It is not our craft"),
    rules.ReasonCode.LEGAL: _l("The law does not allow it"),
    rules.ReasonCode.SUPPLIER_LIMITS: _l("Our suppliers cannot"),
    rules.ReasonCode.EXISTS: _l("It exists already"),
    rules.ReasonCode.OTHER: _l("Another reason"),
}


class IdeaForm(FlaskForm):  # type: ignore[misc]
    """A proposal: what, why, where it belongs."""

    title = StringField(_l("What would you like?"), validators=[DataRequired(MISSING), Length(max=rules.TITLE_MAX)])
    body = TextAreaField(_l("Tell us about it"), validators=[Optional(), Length(max=rules.BODY_MAX)])
    board = SelectField(_l("Which board?"), validators=[DataRequired(MISSING)])
    category = SelectField(_l("What is it about?"), validators=[Optional()], validate_choice=False)
    tags = StringField(_l("Tags"), validators=[Optional(), Length(max=400)])
    offered: Sequence[str] = ()

    def offer(self, boards: Sequence[BoardCard], chosen: str | None) -> BoardCard | None:
        """Offer these boards, and the categories of the chosen one, which is returned."""
        self.board.choices = [(board.key, board.title) for board in boards]
        wanted = self.board.data or chosen
        board = next((board for board in boards if board.key == wanted), boards[0] if boards else None)
        self.offered = board.categories if board else ()
        self.category.choices = [("", "–"), *((name, name.capitalize()) for name in self.offered)]
        if board is not None and not self.board.data:
            self.board.data = board.key
        return board

    def words(self) -> list[str]:
        """Return the tags that were typed, without commas."""
        return [word.strip() for word in (self.tags.data or "").split(",") if word.strip()]


class CommentForm(FlaskForm):  # type: ignore[misc]
    """A comment."""

    body = TextAreaField(_l("Your comment"), validators=[DataRequired(MISSING), Length(max=10_000)])


class StageForm(FlaskForm):  # type: ignore[misc]
    """The company's step: a stage, an answer, a reason."""

    stage = SelectField(_l("Stage"), validators=[DataRequired(MISSING)])
    reason_code = SelectField(_l("Reason, when declined"), validators=[Optional()])
    answer = TextAreaField(_l("Official answer"), validators=[Optional(), Length(max=rules.ANSWER_MAX)])

    def offer(self, board: BoardCard, stage: str) -> None:
        """Offer the stages of a board; the current one is chosen."""
        self.stage.choices = [(key, STAGE_WORDS.get(key, key)) for key in board.stages]
        self.reason_code.choices = [("", "–"), *((code.value, words) for code, words in REASON_WORDS.items())]
        if not self.is_submitted():
            self.stage.data = stage
