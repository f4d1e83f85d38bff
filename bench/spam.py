"""How good the spam score is: planted spam among real questions and ideas, before any decision and after some.

``TEXTS`` in the environment names files of questions or ideas (see `importing`), separated by colons; without it,
made-up ones are taken. The planted spam is of our own writing, in English and Italian, and shares no sentence with
what the portal knows; half of its patterns are decided about, and the others are what is measured. All texts are
judged as by somebody who joined today. Nothing of the files is printed or kept.
"""

import gzip
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

from bench.pages import sentence
from portal.moderation import prior, rules, spam
from portal.moderation.spam import Author, Curve

MOST, DECISIONS = 2000, (0, 10, 30, 100)
AUTHOR = Author(joined_days=0, verified=True, seen_posts=0)
SLOTS = {
    "{goods}": ("sunglasses", "sneakers", "handbags", "phone cases", "perfume", "occhiali", "scarpe", "profumi"),
    "{sum}": ("300", "750", "1.200", "5000", "40", "15%"),
    "{name}": ("Peter", "Maria", "Dr Ogun", "Signora Ada", "Mister Lee", "Carlo"),
    "{site}": ("deal-zone", "ultra-gain", "top-help", "shop-now", "affari-oggi", "vinci-qui"),
}
PATTERNS = (
    "Hello friends, I earned {sum} last month with this trading app, join with my code https://{site}.example",
    "Thanks to {name} I got my money back from a scammer, reach him via email help@{site}.example",
    "Outlet {goods} up to 80% off this weekend only https://{site}.example/sale",
    "Contact our helpline for account recovery, toll free, agents ready day and night: +1 833 555 0177",
    "Are you single? Chat with lovely women nearby, join free https://{site}.example",
    "Need instant cash? {name} gives credit from {sum} to anybody, no documents, message on WhatsApp",
    "New slot machines with jackpot of {sum}, deposit now and play https://{site}.example",
    "Get verified accounts, reviews and subscribers for sale, payment in crypto, Telegram only",
    "Our agency builds your website and brings traffic and leads, ask for a free audit https://{site}.example",
    "Full movie 2026 watch online free no registration https://{site}.example/film",
    "Miracle oil for hair and joints, doctors hate it, buy two get one free https://{site}.example",
    "Diploma and licence without exam, registered, delivered in a week, write to me privately",
    "Ciao a tutti, con questa app ho guadagnato {sum} in un mese, entra con il mio codice https://{site}.example",
    "Grazie a {name} ho recuperato i soldi di una truffa, scrivetegli: aiuto@{site}.example",
    "Outlet {goods} fino all’80% in meno, solo questo fine settimana https://{site}.example/saldi",
    "Centro assistenza per il recupero dell’account, operatori giorno e notte, telefona al +39 06 5550 0177",
    "Sei solo? Chatta con donne della tua zona, iscrizione gratis https://{site}.example",
    "Ti servono contanti? {name} concede crediti da {sum} a tutti, senza documenti, messaggio su WhatsApp",
    "Nuove slot con jackpot da {sum}, deposita ora e gioca https://{site}.example",
    "Vendo recensioni e iscritti, pagamento in criptovaluta, solo su Telegram",
    "La nostra agenzia porta traffico e clienti al tuo sito, chiedi un preventivo gratuito https://{site}.example",
    "Film completo 2026 gratis senza registrazione https://{site}.example/film",
    "Olio miracoloso per capelli e dolori, prendi due paghi uno https://{site}.example",
    "Diplomi e certificati senza esame, consegna in una settimana, scrivimi in privato",
)


def main() -> None:
    """Print one JSON document."""
    chance = random.Random(5)
    fine = list(_fine())
    chance.shuffle(fine)
    patterns = list(PATTERNS)
    chance.shuffle(patterns)
    half = len(patterns) // 2
    taught = [_filled(chance.choice(patterns[:half]), chance) for _ in range(max(DECISIONS))]
    planted = [_filled(chance.choice(patterns[half:]), chance) for _ in range(400)]
    ours, others = fine[: max(DECISIONS)], fine[max(DECISIONS) :]
    figures = [["real texts judged", len(others), "", ""], ["planted spam judged", len(planted), "", ""]]
    for count in DECISIONS:
        figures += _measured(count, taught[:count], ours[:count], planted, others)
    print(json.dumps({"name": "spam", "figures": figures}))


def _filled(pattern: str, chance: random.Random) -> str:
    for slot, words in SLOTS.items():
        pattern = pattern.replace(slot, chance.choice(words))
    return pattern


def _fine() -> Iterator[str]:
    paths = [Path(one) for one in os.environ.get("TEXTS", "").split(":") if one]
    if not paths:
        yield from (f"{sentence(4, 9)}\n{sentence(20, 60)}" for _ in range(MOST))
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = (json.loads(line) for line in lines)
            texts = [f"{row['title']}\n{row['body']}" for row in rows if row.get("title") and row.get("body")]
        yield from random.Random(3).sample(texts, min(MOST, len(texts)))


def _measured(count: int, bad: list[str], good: list[str], planted: list[str], others: list[str]) -> list[list[object]]:
    """Teach so many decisions of either kind and judge the rest, as the portal does."""
    decided = [(spam.traits(text, AUTHOR), True) for text in bad] + [
        (spam.traits(text, AUTHOR), False) for text in good
    ]
    counts, total = dict(prior.counts()), (prior.TOTAL[0] + len(bad), prior.TOTAL[1] + len(good))
    for traits, is_spam in decided:
        for one in traits:
            pair = counts.get(one, (0.0, 0.0))
            counts[one] = (pair[0] + is_spam, pair[1] + (not is_spam))
    scores = spam.scores_without_themselves(prior.texts(), counts, total, prior.WEIGHT)
    curve = spam.fit(scores + spam.scores_without_themselves(decided, counts, total, 1.0)) if decided else prior.curve()
    name = f"after {count} decisions of either kind"
    rows: list[list[object]] = []
    for what, least in (("held", rules.HELD_FROM), ("suspected", rules.SUSPECTED_FROM)):
        wrong, right = (_share(texts, counts, total, curve, least) for texts in (others, planted))
        n_wrong, n_right = round(wrong * len(others)), round(right * len(planted))
        precision = n_right / max(n_wrong + n_right, 1)
        rows += [
            [f"{name}: {what}, of fine texts", f"{100 * wrong:.2f} %", f"{n_wrong} of {len(others)}", ""],
            [f"{name}: {what}, of spam (recall)", f"{100 * right:.1f} %", f"{n_right} of {len(planted)}", ""],
            [f"{name}: {what}, precision", round(precision, 3), "", ""],
        ]
    return rows


def _share(texts: list[str], counts: spam.Counts, total: tuple[float, float], curve: Curve, least: float) -> float:
    found = [spam.judge(spam.traits(text, AUTHOR), counts, total, curve) for text in texts]
    return sum(one.probability >= least for one in found) / max(len(texts), 1)


if __name__ == "__main__":
    main()
