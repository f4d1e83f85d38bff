"""Which language a text is written in.

Lingua's small models are sure of a few sentences and unsure of a few words; where the lead of the first language over
the second is small, the writer's own language stands.
"""

from functools import lru_cache

from lingua import Language, LanguageDetector, LanguageDetectorBuilder

LANGUAGES = ("it", "en", "es", "ca", "de", "fr")
READ = 2000
LEAD = 0.15
_CODES = {
    Language.ITALIAN: "it",
    Language.ENGLISH: "en",
    Language.SPANISH: "es",
    Language.CATALAN: "ca",
    Language.GERMAN: "de",
    Language.FRENCH: "fr",
}


@lru_cache(maxsize=1)
def _detector() -> LanguageDetector:
    return LanguageDetectorBuilder.from_languages(*_CODES).with_low_accuracy_mode().build()


def language_of(text: str, *, otherwise: str | None = None) -> str | None:
    """Return the ISO 639-1 code of a text's language, or ``otherwise`` when the text is too short to tell."""
    first, second = _detector().compute_language_confidence_values(text[:READ])[:2]
    if first.value - second.value < LEAD or len(text.split()) < 3:  # noqa: PLR2004 - two words tell nothing
        return otherwise
    return _CODES[first.language]
