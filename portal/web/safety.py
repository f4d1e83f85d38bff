"""How this place keeps what it is trusted with: read from what is configured in this process, never claimed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions

from flask import Flask, current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.config import OidcProvider
from portal.members.policy import access_of
from portal.members.rules import PASSWORD_LEAST
from portal.members.services import SESSION_DAYS
from portal.members.signing import passwords, throttle
from portal.web.headers import STRICT, is_served_by_https, safe_headers

PRIVATE = ("PORTAL_CRM_ALLOW_PRIVATE", "PORTAL_OIDC_ALLOW_PRIVATE", "PORTAL_PUSH_ALLOW_PRIVATE")
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is done, or is not done here: what it is, how it stands, and whether it holds."""

    name: str
    stands: str
    holds: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """Measures about one subject."""

    title: str
    measures: Sequence[Measure]


def parts() -> list[Part]:
    """Return everything that can be read from this process's settings."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - the app itself
    return [
        Part(_("On the way here"), list(_way(app))),
        Part(_("In your browser"), list(_browser(app))),
        Part(_("Signing in"), list(_signing_in(app))),
        Part(_("Who may do what"), list(_permissions(app))),
        Part(_("What comes in, what goes out"), list(_traffic(app))),
        Part(_("Keys and parts"), list(_keys(app))),
    ]


def _way(app: Flask) -> Iterator[Measure]:
    https = is_served_by_https(app)
    yield Measure(
        _("Encryption"),
        _("Pages come by https.")
        if https
        else _("Pages come without encryption: good for trying out, not for the open net."),
        https,
    )
    strict = safe_headers(app).get(STRICT, "")
    days = int(strict.partition("max-age=")[2].partition(";")[0] or 0) // DAY
    told = ngettext("%(n)s day", "%(n)s days", days, n=days)
    yield Measure(
        _("Encryption from now on"),
        _("Browsers are told to come by https alone for %(days)s.", days=told)
        if strict
        else _("Not told to browsers."),
        bool(strict),
    )
    names = app.config.get("TRUSTED_HOSTS")
    yield Measure(
        _("Names"),
        _("Requests under other names are refused.") if names else _("Requests under any name are answered."),
        bool(names),
    )


def _browser(app: Flask) -> Iterator[Measure]:
    policy = safe_headers(app)["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; ") if " " in rule)
    inline = "unsafe-inline" in policy or "unsafe-eval" in policy
    others = sorted({word for rule in rules.values() for word in rule.split() if "." in word})
    named = "'nonce-" in rules.get("script-src", "")
    yield Measure(
        _("Scripts"),
        _("A script written into a page runs.")
        if inline
        else _("Only scripts run that carry a word made for this one answer; none that stands inside a page.")
        if named
        else _("No script that stands inside a page runs, ours neither."),
        named and not inline,
    )
    told = _("Pages load from here, and from %(hosts)s.", hosts=", ".join(others))
    yield Measure(_("Third parties"), told if others else _("Pages load nothing from anybody else."))
    framed = rules.get("frame-ancestors") != "'none'"
    yield Measure(
        _("Frames"),
        _("Others may show our pages inside theirs.")
        if framed
        else _("No other site can show our pages inside its own."),
        not framed,
    )
    config = app.config
    guards = (
        (bool(config["SESSION_COOKIE_HTTPONLY"]), _("no script can read it")),
        (bool(config["SESSION_COOKIE_SECURE"]), _("it travels by https alone")),
        (config["SESSION_COOKIE_SAMESITE"] in {"Lax", "Strict"}, _("other sites cannot post with it")),
        (config["SESSION_COOKIE_NAME"].startswith("__Host-"), _("no other host can set it")),
    )
    yield Measure(
        _("The cookie of your session"),
        "; ".join(words for held, words in guards if held) or _("It is not guarded."),
        all(held for held, _words in guards),
    )


def _signing_in(app: Flask) -> Iterator[Measure]:
    yield Measure(
        _("Passwords"),
        _(
            "Kept as argon2id (%(memory)s MiB, %(passes)s passes); at least %(least)s characters, none that many use.",
            memory=passwords.MEMORY_KIB // 1024,
            passes=passwords.PASSES,
            least=PASSWORD_LEAST,
        ),
    )
    limit = throttle.SIGN_IN
    yield Measure(
        _("Guessing"),
        _(
            "After %(tries)s wrong tries in %(minutes)s minutes an account and an address have to wait.",
            tries=limit.most,
            minutes=limit.minutes,
        ),
    )
    second = bool(app.config.get("STAFF_SECOND_FACTOR"))
    yield Measure(
        _("Those who work here"),
        _("Their roles open nothing without a second proof.") if second else _("Their roles open with one proof."),
        second,
    )
    yield Measure(
        _("Sessions"),
        _("Each is listed, can be closed, and ends after %(days)s days.", days=SESSION_DAYS),
    )
    providers: Sequence[OidcProvider] = app.config.get("PORTAL_OIDC_PROVIDERS") or ()
    if providers:
        yield Measure(_("Other doors"), ", ".join(one.label for one in providers))


def _permissions(app: Flask) -> Iterator[Measure]:
    ours = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    declared = [rule for rule in ours if access_of(app.view_functions[rule.endpoint]) is not None]
    yield Measure(
        _("Addresses"),
        _(
            "%(declared)s of %(all)s say who may use them; one that does not is refused.",
            declared=len(declared),
            all=len(ours),
        ),
        len(declared) == len(ours),
    )
    writing = [rule for rule in ours if (rule.methods or set()) - SAFE_METHODS and not rule.rule.startswith("/api/")]
    exempt = app.extensions["csrf"]._exempt_views  # noqa: SLF001 - the extension has no other way to tell
    bare = [one for one in writing if _name(app, one.endpoint) in exempt]
    yield Measure(
        _("Forms"),
        _(
            "%(kept)s of %(all)s take only what a page of ours has sent; the others change nothing of yours.",
            kept=len(writing) - len(bare),
            all=len(writing),
        ),
    )


def _name(app: Flask, endpoint: str) -> str:
    view = app.view_functions[endpoint]
    return f"{view.__module__}.{view.__name__}"


def _traffic(app: Flask) -> Iterator[Measure]:
    open_doors = [name for name in PRIVATE if app.config.get(name) == "1"]
    yield Measure(
        _("Requests to elsewhere"),
        _("Private addresses are allowed by: %(names)s.", names=", ".join(open_doors))
        if open_doors
        else _("Addresses that somebody typed are resolved, checked and asked only when they are public."),
        not open_doors,
    )
    apart = str(app.config.get("PORTAL_UPLOADS_URL", ""))
    yield Measure(
        _("Pictures and files"),
        _("They come from a host of their own, which knows no sessions: %(host)s.", host=apart)
        if apart
        else _("They come from this host, under headers that let nothing in them run."),
    )
    mail = str(app.config.get("PORTAL_MAIL_URL", ""))
    sealed = mail.startswith(("smtps://", "smtp+starttls://"))
    yield Measure(
        _("Mail"),
        (_("It is handed on encrypted.") if sealed else _("It is handed on without encryption."))
        if mail
        else _("None is sent from here."),
        sealed or not mail,
    )


def _keys(app: Flask) -> Iterator[Measure]:
    older = len(app.config.get("SECRET_KEY_FALLBACKS") or ())
    told = ngettext(
        "One older key is still accepted until it is taken out.", "%(n)s older keys are still accepted.", older, n=older
    )
    yield Measure(_("The signing key"), told if older else _("One key, and no older one is accepted."))
    yield Measure(
        _("Parts of others"),
        ngettext(
            "%(n)s package of others runs here.", "%(n)s packages of others run here.", _packages(), n=_packages()
        ),
    )


@cache
def _packages() -> int:
    return len({one.metadata["Name"].lower() for one in distributions()}) - 1
