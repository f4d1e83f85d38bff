"""Members as Flask-Security sees them: an adapter between its datastore and our services."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, redirect, request, session
from flask.typing import ResponseReturnValue, ResponseValue
from flask_babel import get_locale
from flask_login import COOKIE_NAME, current_user, user_logged_out
from flask_login.utils import decode_cookie
from flask_security import MailUtil, PasswordUtil, RoleMixin, Security, UserMixin, verify_password
from flask_security.datastore import UserDatastore
from flask_security.signals import password_reset, user_confirmed
from flask_security.tf_plugin import TfPlugin
from flask_security.utils import set_request_attr
from itsdangerous import URLSafeTimedSerializer

from portal.kernel.keys import signing_keys
from portal.members import policy, queries, services
from portal.members.jobs import deliver
from portal.members.models import Member
from portal.members.policy import Viewer, access, anyone, signed_in
from portal.members.rules import own_path
from portal.members.session.freshness import ask_again, is_fresh
from portal.members.session.viewer import SignedIn, forget_viewer, load_by_key
from portal.members.signing import halfway, oidc, passwords
from portal.members.signing.forms import (
    ConfirmationForm,
    ForgottenForm,
    PasswordForm,
    ResetForm,
    SignInForm,
    SignUpForm,
)
from portal.members.signing.messages import MESSAGES, SUBJECTS, Words
from portal.members.signing.party import passkey_party
from portal.members.signing.services import second_step

BLUEPRINT = "security"
LEADS_ON = frozenset({"security.login", "security.register"})
NEEDS_MEMBER = frozenset({"security.change_password"})
REMEMBER = timedelta(days=90)


class Account(UserMixin):
    """A member while she signs in or changes how she does."""

    name: str = ""
    email: str = ""
    fs_uniquifier: str = ""

    def __init__(
        self,
        member: Member,
        key: str | None = None,
        viewer: Viewer | None = None,
        proved_at: datetime | None = None,
    ) -> None:
        self.member = member
        self.key = key
        self.viewer = viewer or policy.NOBODY
        self.proved_at = proved_at
        self.way = "password"
        self.second_factor = self.viewer.second_factor
        self.id = member.id
        self.name = member.name
        self.email = member.email or ""
        self.active = member.active
        self.fs_uniquifier = member.fs_uniquifier
        self.roles = []  # who may do what is asked of `policy`, never of Flask-Security

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same member."""
        return isinstance(other, Account) and other.id == self.id

    def __hash__(self) -> int:
        """Return what equal accounts share."""
        return hash(self.id)

    @property
    def password(self) -> str | None:
        """Return what is kept of the password."""
        return self.member.password

    @password.setter
    def password(self, kept: str | None) -> None:
        services.set_password_hash(self.member.id, kept)

    @property
    def confirmed_at(self) -> datetime | None:
        """Return when the address was shown to be the member's."""
        return self.member.email_verified_at

    @confirmed_at.setter
    def confirmed_at(self, _moment: datetime | None) -> None:
        services.confirm_address(self.member.id)

    def verify_and_update_password(self, password: str) -> bool:
        """Return whether this is the member's password."""
        return bool(self.password and verify_password(password, self.password))

    def get_id(self) -> str:
        """Return what the cookie carries; Flask-Login asks when somebody signs in, which opens a session."""
        if self.key is None:
            self.key = services.open_session(
                self.member.id,
                agent=request.headers.get("User-Agent", ""),
                address=request.remote_addr or "",
                way=self.way,
                second_factor=self.second_factor,
            )
            forget_viewer()
        return self.key


def _language() -> str:
    locale = get_locale()
    return locale.language if locale is not None and locale.language in services.LANGUAGES else services.LANGUAGES[0]


class Accounts(UserDatastore):
    """Flask-Security's questions and wishes, answered by our queries and services. It never commits."""

    def __init__(self) -> None:
        super().__init__(Account, RoleMixin)

    def find_user(self, case_insensitive: bool = False, **by: Any) -> Account | None:  # noqa: ARG002, FBT001, FBT002
        """Return the account with this address, or with this part of a mailed link."""
        wanted = str(by.get("email", by.get("fs_uniquifier", "")))
        if "\0" in wanted:
            return None
        found = queries.member_by_email(wanted) if "email" in by else queries.member_by_uniquifier(wanted)
        return Account(found) if found is not None else None

    def find_role(self, role: str) -> RoleMixin | None:  # noqa: ARG002
        """Return nothing: roles are not Flask-Security's business here."""
        return None

    def create_user(self, **wishes: Any) -> Account:
        """Give a customer who signed up an account."""
        member = services.create_member(
            email=wishes["email"],
            name=wishes["name"],
            password_hash=wishes["password"],
            lang=_language(),
            origin="sign_up",
        )
        return Account(member)

    def set_uniquifier(self, user: UserMixin, uniquifier: str | None = None) -> None:  # noqa: ARG002
        """Make links that were mailed before useless; the new session gets a new key."""
        user.fs_uniquifier = services.new_uniquifier(user.id)
        if isinstance(user, Account):
            user.key = None

    def put(self, model: Account) -> Account:
        """Do nothing: services have already written."""
        return model

    def commit(self) -> None:
        """Do nothing: only the kernel commits."""


class SecondStep(TfPlugin):
    """Where Flask-Security asks whether a password is enough: our own second step answers."""

    def tf_enter(
        self,
        user: UserMixin,
        remember_me: bool | None,  # noqa: FBT001
        primary_authn_via: str,
        next_loc: str | None,  # noqa: ARG002 - the address of the page, of which `_dress` knows what to keep
    ) -> ResponseValue | None:
        """Lead a member who has a second step to it; let others in."""
        if not isinstance(user, Account):
            raise TypeError(user)
        user.way = primary_authn_via
        if not second_step.is_required(user.id):
            return None
        next_path = request.values.get("next")
        page = halfway.stop_here(user.member, way=primary_authn_via, remember=bool(remember_me), next_path=next_path)
        g.leads_on = page
        return redirect(page)


class Mails(MailUtil):
    """Mails are promised with the rest of the transaction and sent by a worker."""

    def send_mail(
        self,
        template: str,  # noqa: ARG002
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],  # noqa: ARG002
        body: str | None,
        html: str | None,  # noqa: ARG002
        **_: Any,
    ) -> None:
        """Promise a mail."""
        deliver.later(str(recipient), str(subject), body or "")


class Passwords(PasswordUtil):
    """Which passwords are taken, by our rules."""

    def validate(self, password: str, is_register: bool, **fields: Any) -> tuple[list[str] | None, str]:  # noqa: ARG002, FBT001
        """Return why a password is refused, if it is, and its normal form."""
        normal = self.normalize(password)
        if "user" in fields:
            fields = {"name": fields["user"].name, "email": fields["user"].email}
        weak = passwords.why_weak(normal, name=fields.get("name") or "", email=fields.get("email") or "")
        return ([str(weak)] if weak else None), normal


def init_app(app: Flask) -> None:
    """Set Flask-Security up for our members, and take its hooks out of requests that do not need them."""
    app.config.from_mapping(_settings(app))
    security = Security(
        app,
        Accounts(),
        login_form=SignInForm,
        register_form=SignUpForm,
        change_password_form=PasswordForm,
        forgot_password_form=ForgottenForm,
        send_confirmation_form=ConfirmationForm,
        reset_password_form=ResetForm,
        password_util_cls=Passwords,
        mail_util_cls=Mails,
    )
    security.two_factor_plugins = SecondStep()
    security.i18n_domain = Words(app)  # type: ignore[no-untyped-call]
    security.want_json(lambda _request: False)
    site = {"portal_url": app.config["PORTAL_URL"], "portal": app.config["PORTAL_NAME"]}
    security.mail_context_processor(lambda: site)
    security.login_context_processor(lambda: _beside_the_password(app))
    _keep_to_itself(app, security)
    security.login_manager.user_loader(_load)
    security.login_manager._load_user_from_remember_cookie = _remembered  # noqa: SLF001 - it knows one key only
    for name in ("confirm", "reset"):  # Flask-Security's own sign with the oldest key, not with the present one
        signer = URLSafeTimedSerializer(signing_keys(app), salt=app.config[f"SECURITY_{name.upper()}_SALT"])
        setattr(security, f"{name}_serializer", signer)
    security.login_manager.request_loader(lambda _request: None)
    for endpoint, view in app.view_functions.items():
        if endpoint.startswith(f"{BLUEPRINT}."):
            access(signed_in if endpoint in NEEDS_MEMBER else anyone, suspended=True)(view)
    app.before_request_funcs.setdefault(BLUEPRINT, []).append(_prove_first)
    app.after_request_funcs.setdefault(BLUEPRINT, []).append(_dress)
    user_logged_out.connect(_left, app)
    user_confirmed.connect(_confirmed, app)
    password_reset.connect(_confirmed, app)


def _beside_the_password(app: Flask) -> dict[str, Any]:
    """Return what the page of signing in offers beside the form."""
    return {
        "can_reset": bool(app.config["SECURITY_RECOVERABLE"]),
        "confirms": not app.config["SECURITY_LOGIN_WITHOUT_CONFIRMATION"],
        "providers": list(oidc.providers()),
        "can_passkey": passkey_party() is not None,
    }


def _keep_to_itself(app: Flask, security: Security) -> None:
    """Take the extensions' hooks out of requests and templates other than Flask-Security's own."""
    app.before_request_funcs[None].remove(security.principal._on_before_request)  # noqa: SLF001
    processors = app.template_context_processors
    theirs = [
        one for one in processors[None] if one.__module__.startswith(("flask_login", "flask_security", "flask_wtf"))
    ]
    for one in theirs:
        processors[None].remove(one)
        processors[BLUEPRINT].append(one)


def _settings(app: Flask) -> dict[str, Any]:
    secure = str(app.config.get("PORTAL_URL", "")).startswith("https://")
    prefix = "__Host-" if secure else ""  # browsers then take it from this very host alone, and by https
    served = bool(app.config.get("PORTAL_MAIL_URL"))
    mails = served or app.config.get("PORTAL_ENV") != "production"
    settings = {
        "PASSWORD_SALT": app.config["SECRET_KEY"],
        "PASSWORD_SINGLE_HASH": ["argon2"],
        "PASSWORD_SCHEMES": ["argon2"],
        "PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__memory_cost": passwords.MEMORY_KIB,
            "argon2__time_cost": passwords.PASSES,
            "argon2__parallelism": passwords.LANES,
        },
        # What a mailed link carries of the kept password, or of the address: random enough; Flask-Security's way
        # costs a second of CPU, by which one could tell who has an account.
        "HASHING_SCHEMES": ["hex_sha256"],
        "DEPRECATED_HASHING_SCHEMES": [],
        "PASSWORD_NORMALIZE_FORM": "NFKC",
        "PASSWORD_CONFIRM_REQUIRED": False,
        "EMAIL_VALIDATOR_ARGS": {"check_deliverability": False, "test_environment": True},
        "LOGIN_URL": "/sign-in",
        "LOGOUT_URL": "/sign-out",
        "REGISTER_URL": "/sign-up",
        "CHANGE_URL": "/account/password",
        "RESET_URL": "/forgotten",
        "CONFIRM_URL": "/confirm",
        "LOGIN_USER_TEMPLATE": "members/sign_in.html",
        "REGISTER_USER_TEMPLATE": "members/sign_up.html",
        "CHANGE_PASSWORD_TEMPLATE": "members/password.html",
        "POST_CHANGE_VIEW": "/account",
        "FORGOT_PASSWORD_TEMPLATE": "members/forgotten.html",
        "RESET_PASSWORD_TEMPLATE": "members/reset.html",
        "SEND_CONFIRMATION_TEMPLATE": "members/confirm.html",
        "REGISTER_EMAIL_TEMPLATE": "members/mail/welcome",
        "REGISTER_EMAIL_EXISTING_TEMPLATE": "members/mail/known",
        "EMAIL_TEMPLATE_CONFIRM": "members/mail/confirm",
        "EMAIL_TEMPLATE_PASSWORD_RESET": "members/mail/reset",
        "EMAIL_TEMPLATE_PASSWORD_RESET_NOTICE": "members/mail/changed",
        "EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE": "members/mail/changed",
        "EMAIL_HTML": False,
        "RETURN_GENERIC_RESPONSES": served,
        "REGISTERABLE": mails or app.config.get("PORTAL_SIGN_UP_WITHOUT_MAIL") == "1",
        "CHANGEABLE": True,
        "CONFIRMABLE": mails,
        "RECOVERABLE": mails,
        "SEND_REGISTER_EMAIL": mails,
        "SEND_PASSWORD_CHANGE_EMAIL": mails,
        # With a mail server, an account opens once its address is confirmed: whoever signs up is told the same, whether
        # the address has an account or not. Where mails are only kept, newcomers are let in at once, unconfirmed.
        "LOGIN_WITHOUT_CONFIRMATION": not served,
        "POST_REGISTER_VIEW": "/sign-in" if served else "/",
        "FRESHNESS": timedelta(minutes=-1),
        "STATIC_FOLDER": None,
        "CLI_USERS_NAME": None,
        "CLI_ROLES_NAME": None,
        "FLASH_MESSAGES": True,
        "CACHE_CONTROL": None,
        **{f"MSG_{name}": message for name, message in MESSAGES.items()},
        **{f"EMAIL_SUBJECT_{name}": subject for name, subject in SUBJECTS.items()},
    }
    return {
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_NAME": f"{prefix}session",
        "SESSION_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_NAME": f"{prefix}remember_token",
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_DURATION": REMEMBER,
        **{f"SECURITY_{name}": value for name, value in settings.items()},
    }


def _prove_first() -> ResponseReturnValue | None:
    """Ask whoever has no password yet who she is before she sets one: others show the present one in that form."""
    if request.endpoint != f"{BLUEPRINT}.change_password" or is_fresh():
        return None
    return None if getattr(current_user, "password", None) else ask_again(by_token=False)


def _remembered(cookie: str) -> SignedIn | Account | None:
    """Return whom the cookie of a device that stays signed in stands for, whichever of our keys signed it."""
    if not cookie.isascii():
        return None  # Flask-Login would compare it, which Python refuses
    known = (decode_cookie(cookie, key=key) for key in reversed(signing_keys()))
    key = next((one for one in known if one is not None), None)
    if key is None:
        return None
    session["_user_id"], session["_fresh"] = key, False
    return _load(key)


def _sign_cookies_anew() -> None:
    """While an older key is still believed, let each visit replace what it signed."""
    session.modified = True
    if current_app.config.get("REMEMBER_COOKIE_NAME", COOKIE_NAME) in request.cookies:
        session["_remember"] = "set"


def _load(key: str) -> SignedIn | Account | None:
    """Return who holds the session with this key: light on pages, whole where accounts are changed."""
    found = load_by_key(key)
    if found is not None and current_app.config.get("SECRET_KEY_FALLBACKS"):
        _sign_cookies_anew()
    if found is not None and request.blueprint == BLUEPRINT:
        set_request_attr("fs_authn_via", "session")
        set_request_attr("fs_paa", session.get("fs_paa", 0))
        return Account(queries.member_for_update(found.viewer.id), key, found.viewer, found.proved_at)
    return found


def _dress(response: Response) -> Response:
    """Lead on to our own pages only, give a form with errors the status of an error, let nobody keep these pages."""
    response.headers["Cache-Control"] = "private, no-store"
    if response.status_code == HTTPStatus.FOUND and request.endpoint in LEADS_ON:
        response.location = g.get("leads_on") or own_path(request.values.get("next"), _home())
    if request.method == "POST" and response.status_code == HTTPStatus.OK:
        response.status_code = g.get("form_status", HTTPStatus.UNPROCESSABLE_ENTITY)
    return response


def _home() -> str:
    """Return where to go on: whoever has signed up, and must confirm first, has not come in."""
    confirms = request.endpoint == "security.register" and not current_app.config["SECURITY_LOGIN_WITHOUT_CONFIRMATION"]
    return "/sign-in" if confirms else "/"


def _left(_app: Flask, user: Any, **_: Any) -> None:
    """Close the session of somebody who signs out, so that a copied cookie opens nothing."""
    if key := getattr(user, "key", None):
        services.close_session(key)
    forget_viewer()


def _confirmed(_app: Flask, user: Account, **_: Any) -> None:
    """Note that the address is hers: she opened a link in a mail that went there."""
    services.confirm_address(user.id)
