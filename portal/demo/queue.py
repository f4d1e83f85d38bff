"""What waits for the demo's moderators: posts of throw-away accounts, flags, likely duplicates, an appeal."""

from collections.abc import Mapping
from datetime import timedelta

from portal.community import facade as community
from portal.community.screening import keeper_of
from portal.ideas import services as ideas
from portal.kernel.clock import now
from portal.members import queries as members
from portal.members import services as member_services
from portal.members.policy import Viewer
from portal.moderation import jobs
from portal.moderation.services import appeals, deciding, flags, holding, suspending
from portal.support import services as support

Ids = Mapping[str, Mapping[str, int]]
SPAM = (
    "Best price cashmere wholesale, write to me on whatsapp +44 7700 900123, link in my profile",
    "Cheap cashmere yarn wholesale factory price, order now https://yarn-deals.example/buy",
    "Offerta cashmere a prezzo di fabbrica, scrivimi su telegram, link nel profilo",
    "Wholesale merino and cashmere, free shipping today only, visit https://yarn-deals.example",
    "Work from home knitting, earn 500 a week, write to me on whatsapp +44 7700 900123",
    "FACTORY PRICE CASHMERE, WHOLESALE ONLY, https://yarn-deals.example/buy",
    "Guadagna da casa con la maglia, 500 euro a settimana, scrivimi su telegram",
    "Best replica designer scarves wholesale, link https://scarf-outlet.example",
    "Prezzo migliore cashmere ingrosso, spedizione gratis oggi, https://yarn-deals.example",
)
LATEST = "Best price cashmere wholesale, write to me on the app, link https://yarn-deals.example/buy. Best price."
FINE = 14
TWINS = ("f02", "f04", "f07", "f12", "f14", "f22", "f27", "n03")
"""The newer ones of ideas that say the same."""
STRICT = "negozio"
"""The board that holds first posts, as every board does unless it says otherwise."""
QUESTIONS = ("q19", "q40", "q96", "q95", "q92", "q02", "q72", "q81", "q03")


def plant(viewers: Mapping[str, Viewer], ids: Ids) -> None:
    """Let a few things happen that moderators have to look at, through the services that everybody uses."""
    bea = viewers["bea"]
    _teach(bea, ids)
    for key in ("q40", "q95", "q72"):
        support.answer_question(ids["questions"][key], _newcomer("yarn_deal_77"), body=LATEST)
    elvira = _newcomer("Elvira Montanari")
    ideas.comment_on_idea(ids["ideas"]["f01"], elvira, body="Buongiorno a tutti, fate anche gomitoli per i guanti?")
    for key, reason in (("camilla", "abuse"), ("marta", "abuse")):
        flags.flag(viewers[key], "comment", ids["comments"]["k439-n24"], reason=reason)
    flags.flag(viewers["tonino"], "question", ids["questions"]["q96"], reason="off_topic")
    flags.flag(
        viewers["ruth"], "comment", ids["comments"]["k244-m19"], reason="other", words="It says nothing about the idea."
    )
    # Once the index of search knows them, a worker compares them.
    twins = [ids["ideas"][key] for key in TWINS]
    jobs.compare.later("idea", twins)
    hidden = deciding.hide(
        bea,
        "comment",
        ids["comments"]["k437-n24"],
        reason="off_topic",
        words="Questa pagina è per le idee sul negozio.",
    )
    appeals.appeal(viewers["lucrezia"], hidden, words="Era una proposta, non una battuta: la vetrina con il ditale.")
    _let_visitors_in(bea)


def _let_visitors_in(bea: Viewer) -> None:
    """Let whoever tries the demo see at once what she writes; on one board she can see how a first post waits."""
    for board in community.every_board():
        if board.key != STRICT:
            holding.set_rule(board.id, first_posts=0, links=True, actor=bea)


def _teach(bea: Viewer, ids: Ids) -> None:
    """Let the spam score learn from what moderators let pass, and from an account whose posts they took away."""
    fine = list(ids["answers"].values())[:FINE]
    keeper = keeper_of("answer")
    for posted in keeper.read(fine).values() if keeper else ():
        deciding.teach(posted, is_spam=False)
    outlet = _newcomer("wool_outlet_22")
    for body, key in zip(SPAM, QUESTIONS, strict=True):
        support.answer_question(ids["questions"][key], outlet, body=body)
    suspending.purge(bea, outlet.id, words="This account only advertises.")


def _newcomer(name: str) -> Viewer:
    """Return somebody who signed up by herself a few minutes ago; the same when she is there already."""
    address = f"{name.lower().replace(' ', '.')}@example.net"
    known = members.member_id_by_email(address)
    if known is None:
        joined = now() - timedelta(minutes=4)
        known = member_services.create_member(email=address, name=name, origin="sign_up", joined_at=joined).id
    return members.viewer_of(known)
