"""Languages are told apart where there is enough to tell."""

import pytest

from portal.kernel.language import language_of


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Vorrei matassine piccole per provare i colori prima di comprarne tante.", "it"),
        ("I would love small skeins, so that I can try the colours before I buy many.", "en"),
        ("Propuesta para mejorar los carriles bici de la ciudad y sus conexiones.", "es"),
        ("Wo finde ich die Anleitung für die Mütze aus grauer Wolle?", "de"),
    ],
)
def test_a_sentence_is_enough(text: str, code: str) -> None:
    assert language_of(text) == code


def test_two_words_leave_the_writers_language() -> None:
    assert language_of("Maiella grezza", otherwise="it") == "it"
