"""From what somebody wrote to the stems that the topic model counts.

A board holds two languages as often as one, so every text is read with the stop words and the
stemmer of its own language. Stems are for counting only; :class:`Reader` remembers how each was
spelled, so that people are shown words.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from typing import Final

import Stemmer
import stopwordsiso

STEMMERS: Final = {
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}
"""The languages that are read as such; a text in another is read as the nearest of them."""

_SHORTEST_STEM: Final = 2

_WORD = re.compile(r"(?<![\w./\\:@=<&$%-])[^\W\d_]{3,24}(?![\w\\/=@])")
_FENCED = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_INLINE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\S*://\S*")
_QUOTED = re.compile(r"^\s*>.*$", re.MULTILINE)

LONGEST: Final = 2_000
"""Characters read of a post: people say first what they want; logs and listings come after."""

_TOO_SHORT_TO_TELL: Final = 6
_SPOKEN: Final = 0.3
"""A text in a language has at least this share of its stop words."""

_REPEATED_LINE: Final = 20
"""A line of this many characters, seen this many times, is a signature or a form: not a subject."""

# What stopwordsiso takes for empty, and is what people of some community talk about.
_KEPT: Final = {
    "en": "bill copy empty felt fire group groups importance index mill move order ordered orders page "
    "pages research room rooms site",
    "it": "citta città comprare consiglio gruppo paese registrazione titolo uomo",
    "es": "empleo trabajo usuario",
    "ca": "món",
}
# What forums add to a language: greetings, thanks, wishes, and verbs that carry no subject.
_COURTESY: Final = {
    "en": "hi hey thx pls cheers regards advance anyone issue issues problem answer question reply "
    "helpful appreciated greetings folks guys happy hope glad understand fix fixed solve solved "
    "solution add added bit lot lots feel love nice buy bought idea ideas talk people person day "
    "days week weeks month months time times morning evening night won aren isn haven ain ll ve re "
    "don didn doesn couldn wouldn shouldn wasn weren hasn hadn post posted suggestion attached "
    "screenshot picture image true wrong fine write wrote read real easy hard learn start started "
    "call called bring buying coming left run set told two yes",
    "it": "ciao salve saluti buongiorno buonasera prego scusate scusa capito posso possono potete "
    "possiamo vorrei voglio vogliamo vuole vogliono vuoi devono dobbiamo dovete serve servono sapere "
    "credo penso pensare qualcuno idea proposta domanda domande risposta risposte problema problemi "
    "arriva arrivare arrivato mettere mette metto messo prendere preso vedere vedo vede visto "
    "provare provato provo chiedere chiedo chiede chiesto trovare trovo trova tenere tiene tenuto "
    "viene vengono venire venuto andare andato scrivere scritto scrive scrivo usare uso usato usa "
    "manca mancano due tre quattro cinque settimana settimane mese giorno giorni volta volte sera "
    "mattina minuti ora ore leggere letto gente persona bisogna lasciare grandi piccolo piccola "
    "piccoli piccole bello bella belli belle vero giusto buoni buona buone capire dare vero davvero "
    "magari aggiungere rispondere risposto parlare dite diciamo sapete fate facile difficile",
    "ca": "hola gràcies salutacions cal caldria hauria haurien hauríem hem poden pot puguin podria "
    "podrien poguem fos siguin sigui són estan cosa coses gent persones persona proposta propostes "
    "acord crec penso dir veure donar tenen tingui tinguin mitjançant tal així nivell forma manera "
    "part temps any anys dia dies fer-ho facin faci vegades vegada gran grans nou nova nous noves "
    "bon bona bons bones millor millorar realitzar potenciar promoure fomentar garantir "
    "desenvolupar crear impulsar facilitar establir incorporar incloure augmentar"
    "projecte projectes pla espai espais actuacions mesures programa programes",
    "es": "hola gracias saludos propuesta propuestas acuerdo creo pienso gente persona personas "
    "debería deberían habría tener hacer poder forma parece hay sea"
    "proyecto proyectos plan espacio espacios año años mismo claro",
    "de": "hallo danke grüße bitte",
    "fr": "bonjour merci salut",
    "nl": "hallo bedankt groeten",
    "pt": "olá obrigado obrigada",
}


def fold(word: str) -> str:
    """Return a word without its accents: people leave them out when they are in a hurry."""
    if word.isascii():
        return word
    parts = unicodedata.normalize("NFD", word)
    return "".join(mark for mark in parts if not unicodedata.combining(mark))


@cache
def stop_words(lang: str) -> frozenset[str]:
    """Return the words of a language that name no subject, with and without accents."""
    words = set(stopwordsiso.stopwords(lang))
    words |= set(_COURTESY.get(lang, "").split())
    words -= set(_KEPT.get(lang, "").split())
    return frozenset(words | {fold(word) for word in words})


class _Stems(dict[str, str]):
    """What each word of one language is counted as; empty for a stop word. Filled as words come."""

    def __init__(self, lang: str) -> None:
        super().__init__()
        self._stop = stop_words(lang)
        self._stem = Stemmer.Stemmer(STEMMERS[lang]).stemWord

    def __missing__(self, word: str) -> str:
        stem = "" if word in self._stop else fold(self._stem(word))
        if len(stem) < _SHORTEST_STEM:
            stem = ""
        self[word] = stem
        return stem


class _PerLanguage(dict[str, _Stems]):
    """The stems of each language, made when its first text comes."""

    def __init__(self, make: Callable[[str], _Stems]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, lang: str) -> _Stems:
        made = self[lang] = self._make(lang)
        return made


class Reader:
    """Reads texts one after another and remembers how the stems were spelled.

    One reader serves one training, or one worker's life; it is cheap to make.
    """

    def __init__(self, languages: tuple[str, ...]) -> None:
        """Take the languages expected here, the likeliest first."""
        known = tuple(lang for lang in languages if lang in STEMMERS)
        self.languages = known or ("en",)
        self._stems = _PerLanguage(_Stems)
        self.spelled: dict[str, Counter[str]] = defaultdict(Counter)
        self._lines: Counter[str] = Counter()

    def read(self, text: str, lang: str | None = None) -> tuple[list[str], str]:
        """Return the stems of a text in order, and the language it was read in.

        Code, links, quotations, forms and stop words are left out.

        :param lang: the language it is said to be in; not believed when its stop words are missing.
        """
        words = _WORD.findall(self._without_forms(plain(text[:LONGEST])))
        tongue = self._tongue(words, lang)
        self.spelled[tongue].update(words)
        return [stem for stem in map(self._stems[tongue].__getitem__, words) if stem], tongue

    def _tongue(self, words: list[str], lang: str | None) -> str:
        lang = lang[:2] if lang else None
        said = lang if lang in STEMMERS else self.languages[0]
        if len(words) < _TOO_SHORT_TO_TELL:
            return said
        believed = sum(map(stop_words(said).__contains__, words)) >= _SPOKEN * len(words)
        if lang in STEMMERS and believed:
            return said
        return max((said, *self.languages, *STEMMERS), key=lambda one: sum(map(stop_words(one).__contains__, words)))

    def spellings(self) -> dict[str, dict[str, tuple[str, int]]]:
        """Return, per language, each stem's commonest spelling and how often the stem was read."""
        return {lang: _commonest(self._stems[lang], seen) for lang, seen in self.spelled.items()}

    def _without_forms(self, text: str) -> str:
        """Leave out long lines that have come again and again: signatures and filled-in forms."""
        kept = []
        for line in text.split("\n"):
            if len(line) >= _REPEATED_LINE:
                self._lines[line] += 1
                if self._lines[line] > _REPEATED_LINE:
                    continue
            kept.append(line)
        return "\n".join(kept)


def plain(text: str) -> str:
    """Return the person's own words in lower case: no code, no links, nobody else's words."""
    if "```" in text or "~~~" in text:
        text = _FENCED.sub(" ", text)
    if "`" in text:
        text = _INLINE.sub(" ", text)
    if ">" in text:
        text = _QUOTED.sub(" ", text)
    if "://" in text:
        text = _LINK.sub(" ", text)
    return text.lower().replace("l·l", "ll")


def _commonest(stems: dict[str, str], seen: Counter[str]) -> dict[str, tuple[str, int]]:
    best: dict[str, tuple[str, int]] = {}
    total: Counter[str] = Counter()
    for word, times in seen.items():
        if stem := stems[word]:
            total[stem] += times
            if stem not in best or times > best[stem][1]:
                best[stem] = (word, times)
    return {stem: (word, total[stem]) for stem, (word, _) in best.items()}
