"""People who talk about three things, in Italian and in English: made from a seed, so that every test hears the same."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

THEMES = {
    "washing": {
        "it": "lavaggio feltro lavatrice sapone acqua candeggio infeltrire ammorbidente centrifuga asciugare bacinella",
        "en": "washing felt machine soap water bleach shrink softener spin drying basin",
        "tag": {"it": "lavaggio", "en": "washing"},
    },
    "parcels": {
        "it": "pacco corriere consegna spedizione ritardo furgone indirizzo tracciamento deposito fattorino ricevuta",
        "en": "parcel courier delivery shipment delay van address tracking depot driver receipt",
        "tag": {"it": "consegna", "en": "delivery"},
    },
    "dyeing": {
        "it": "tintura robbia allume mordente bagno reseda indaco tinta pentola radice vegetale",
        "en": "dyeing madder alum mordant bath weld indigo shade pot root plant",
        "tag": {"it": "tintura", "en": "dyeing"},
    },
}
EMPTY = {
    "it": "non sono sicuro che sia per questo, ma come si può fare con la",
    "en": "i am not sure that this is what they have done with the",
}


@dataclass(frozen=True)
class Thread:
    """What opens a thread, and a reply in the other language."""

    theme: str
    lang: str
    title: str
    body: str
    reply: str
    reply_lang: str


def threads(number: int, *, seed: int = 1, themes: tuple[str, ...] = tuple(THEMES)) -> Iterator[Thread]:
    """Yield threads, their themes and languages by turns."""
    draw = random.Random(seed)
    for place in range(number):
        theme, lang = themes[place % len(themes)], ("it", "en")[place // len(themes) % 2]
        other = "en" if lang == "it" else "it"
        yield Thread(
            theme,
            lang,
            " ".join(draw.sample(THEMES[theme][lang].split(), 3)),
            _text(draw, theme, lang, 9),
            _text(draw, theme, other, 5),
            other,
        )


def _text(draw: random.Random, theme: str, lang: str, words: int) -> str:
    return f"{EMPTY[lang]} {' '.join(draw.choices(THEMES[theme][lang].split(), k=words))}."
