"""How long members' things are kept, and what throws them away."""

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete

from portal.kernel.database import db
from portal.kernel.jobs import Promise
from portal.kernel.progress import LongRun
from portal.kernel.retention import keep
from portal.members import services
from portal.members.guests import services as guests
from portal.members.models import ApiToken, MemberSession
from portal.members.privacy import files

EXPORT_DAYS = 7
MAIL_DAYS = 30
CLOSED_DAYS = 30
DEAD_DAYS = 30
RUN_DAYS = 180


def _forget_exports(moment: datetime) -> None:
    files.forget_files_before(files.EXPORTS, moment)


def _forget_mails(moment: datetime) -> None:
    files.forget_files_before(files.MAILS, moment)


def _forget_sessions(moment: datetime) -> None:
    db.session.execute(delete(MemberSession).where(MemberSession.closed_at < moment))


def _forget_tokens(moment: datetime) -> None:
    db.session.execute(delete(ApiToken).where(ApiToken.revoked_at < moment))


def _forget_dead_work(moment: datetime) -> None:
    db.session.execute(delete(Promise).where(Promise.dead_at < moment))


def _forget_runs(moment: datetime) -> None:
    db.session.execute(delete(LongRun).where(LongRun.ended_at < moment))


keep("exports", days=EXPORT_DAYS, what=_l("Files with your data that you asked for"), forget=_forget_exports)
keep("closed sessions", days=CLOSED_DAYS, what=_l("Devices that are signed out, with their address"),
     forget=_forget_sessions)  # fmt: skip
keep("guest acts", days=guests.DAYS, what=_l("What you did as a guest and did not confirm"))
keep("confirmed guest acts", days=guests.KEPT_DAYS, what=_l("That something you did as a guest was confirmed"))
keep("mails", days=MAIL_DAYS, what=_l("Copies of mails, where the portal keeps any"), forget=_forget_mails)
keep("revoked tokens", days=CLOSED_DAYS, what=_l("Tokens of programs that you have revoked"), forget=_forget_tokens)
keep("dead work", days=DEAD_DAYS, what=_l("Mails and messages that could not be delivered"), forget=_forget_dead_work)
keep("sessions", days=services.SESSION_DAYS, what=_l("Devices that nobody has used; they are signed out"))
keep("sign-in log", days=services.ENTRY_DAYS, what=_l("The log of who tried to sign in to your account"))
keep("long runs", days=RUN_DAYS, what=_l("What you had the portal work out in the background"), forget=_forget_runs)
