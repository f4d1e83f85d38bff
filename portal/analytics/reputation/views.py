"""Pages of reputation: a member's own lines and level, what she was given; the same for staff, of anybody."""

from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from portal.analytics.reputation import facade, given, queries, rules, words
from portal.analytics.reputation.forms import BenefitForm
from portal.analytics.reputation.levels import RUNGS, Level
from portal.analytics.reputation.services import benefits
from portal.analytics.reputation.services.benefits import Gift
from portal.community import facade as community
from portal.kernel.errors import Invalid, Refused
from portal.members import facade as members
from portal.members.policy import access, role, signed_in
from portal.members.rules import Role
from portal.members.session import current_viewer

bp = Blueprint("reputation", __name__)
staff = role(Role.MODERATOR, Role.SUPPORT_AGENT, Role.BRAND_MANAGER)
managers = role(Role.BRAND_MANAGER)


def init_app(app: Flask) -> None:
    """Open the doors."""
    app.register_blueprint(bp)


@bp.get("/account/reputation")
@access(signed_in)
def mine() -> ResponseReturnValue:
    """Show the reader each line of her reputation, why it counts what it counts, and what opens the next level."""
    return _page(current_viewer().id, "/account/reputation", is_hers=True)


@bp.get("/staff/members/<int:member_id>/reputation")
@access(staff)
def of_anybody(member_id: int) -> ResponseReturnValue:
    """Show staff what a member sees of her reputation, with who gave it."""
    members.profile(member_id)
    return _page(member_id, f"/staff/members/{member_id}/reputation", is_hers=False)


def _page(member_id: int, address: str, *, is_hers: bool) -> ResponseReturnValue:
    viewer = current_viewer()
    page = queries.ledger_of(member_id, request.args.get("cursor"))
    givers = [line.actor_id for line in page.items if line.actor_id is not None] if not is_hers else []
    return render_template(
        "analytics/reputation.html",
        is_hers=is_hers,
        address=address,
        who=members.member_cards([member_id])[member_id],
        standing=facade.standing_of(member_id, viewer),
        climb=facade.climb_of(member_id),
        kinds=queries.sums_by_kind(member_id),
        lines=page.items,
        next=page.next,
        things=community.describe(viewer, [(line.object_kind, line.object_id) for line in page.items]),
        givers=members.member_cards(givers),
        words=words,
        caps=rules,
        rungs=RUNGS,
        levels=Level,
    )


# Benefits


@bp.get("/account/benefits")
@access(signed_in)
def my_benefits() -> ResponseReturnValue:
    """Show the reader what she was given."""
    return render_template(
        "analytics/benefits.html", lines=given.benefits_of(current_viewer().id), words=words, is_hers=True
    )


@bp.post("/account/benefits/<int:benefit_id>/claim")
@access(signed_in)
def claim(benefit_id: int) -> ResponseReturnValue:
    """Let the reader take what she was given."""
    benefits.claim(benefit_id, current_viewer())
    flash(_("It is yours."))
    return redirect(url_for("reputation.my_benefits"), 303)


@bp.get("/staff/benefits")
@access(managers)
def all_benefits() -> ResponseReturnValue:
    """Show what was given to whom, and the form to give something."""
    return _benefits(BenefitForm())


def _benefits(form: BenefitForm) -> str:
    page = given.newest_benefits(request.args.get("cursor"))
    return render_template(
        "analytics/staff_benefits.html",
        form=form,
        lines=page.items,
        next=page.next,
        cards=members.member_cards([line.member_id for line in page.items]),
        words=words,
    )


@bp.post("/staff/benefits")
@access(managers)
def give() -> ResponseReturnValue:
    """Give something to all whom a rule names."""
    form = BenefitForm()
    if form.validate_on_submit():
        gift = Gift(
            kind=form.kind.data, title=form.title.data or "", body=form.body.data or "", rule=form.rule.data or "",
            claim_until=form.claim_until.data,
        )  # fmt: skip
        try:
            found = benefits.give(gift, by=current_viewer())
        except Invalid as error:
            _show_in(form, error)
        except Refused as error:
            _show_in(form, Invalid(fields={"rule": str(error)}))
        else:
            flash(ngettext("Given to %(num)s member.", "Given to %(num)s members.", len(found)))
            return redirect(url_for("reputation.all_benefits"), 303)
    return _benefits(form), 422


def _show_in(form: BenefitForm, error: Invalid) -> None:
    """Put what a service found wrong beside its field."""
    for name, sentence in error.fields.items():
        field: Any = getattr(form, name, form.rule)
        field.errors = [*field.errors, str(sentence)]


@bp.post("/staff/benefits/<int:benefit_id>/withdraw")
@access(managers)
def withdraw(benefit_id: int) -> ResponseReturnValue:
    """Take a benefit back, with a reason."""
    benefits.withdraw(benefit_id, by=current_viewer(), note=request.form.get("note", ""))
    return redirect(url_for("reputation.all_benefits"), 303)


@bp.post("/staff/benefits/<int:benefit_id>/restore")
@access(managers)
def restore(benefit_id: int) -> ResponseReturnValue:
    """Give again what was withdrawn."""
    benefits.restore(benefit_id, by=current_viewer())
    return redirect(url_for("reputation.all_benefits"), 303)
