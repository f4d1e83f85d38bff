"""Addresses and telephone numbers are seen before a text is out; what only looks like one is left alone."""

import pytest

from portal.community.giving_away import given_away

GIVEN = [
    ("Scrivetemi a noor.haddad@example.org, grazie", "noor.haddad@example.org"),
    ("mail: a+b@mail.co.uk.", "a+b@mail.co.uk"),
    ("<Rosa@Filati.it>", "Rosa@Filati.it"),
    ("Chiamatemi al 333 1234567", "333 1234567"),
    ("3331234567", "3331234567"),
    ("cell. 347-123.45.67", "347-123.45.67"),
    ("333 123 45 67 dopo le 18", "333 123 45 67"),
    ("347/1234567", "347/1234567"),
    ("+39 333 1234567", "+39 333 1234567"),
    ("+393331234567", "+393331234567"),
    ("0039 02 12345678", "0039 02 12345678"),
    ("Tel. 0165 778 899", "0165 778 899"),
    ("0165/778899", "0165/778899"),
    ("06 1234 5678", "06 1234 5678"),
    ("02-1234567", "02-1234567"),
    ("0117654321", "0117654321"),
    ("telefono: 778899", "778899"),
    ("+44 20 7946 0958", "+44 20 7946 0958"),
    ("+44 (0)20 7946 0958", "+44 (0)20 7946 0958"),
    ("0044 20 7946 0958", "0044 20 7946 0958"),
    ("+1 (555) 123-4567", "+1 (555) 123-4567"),
    ("(555) 123-4567", "(555) 123-4567"),
    ("555-123-4567", "555-123-4567"),
    ("07700 900123", "07700 900123"),
    ("+33 6 12 34 56 78", "+33 6 12 34 56 78"),
    ("+49 30 901820", "+49 30 901820"),
    ("WhatsApp 349 876 54 32!", "349 876 54 32"),
]
NOT_GIVEN = [
    "ISBN 978-88-04-61234-5",
    "978 0 306 40615 7",
    "isbn: 8804612345",
    "50 g / 120 m",
    "100 g, 220 m, 4.5 mm",
    "2/28 Nm, 1/15",
    "2026-11-22",
    "22/11/2026",
    "22.11.2026",
    "nel 2020-2026",
    "2019 2020 2021 2022",
    "dal 2019 al 2026",
    "1.234,56 €",
    "€ 1.234.567",
    "EUR 1200000",
    "12.345.678",
    "12 345 678",
    "1,066 · 0,52",
    "300 x 400 cm",
    "ore 08:30-12:30",
    "08.30 - 12.30",
    "100 200 300 400",
    "ordine 3331234567",
    "Order #3331234567",
    "art. 0165778899",
    "lotto 0117654321",
    "P. IVA 01234567890",
    "IBAN IT60 X054 2811 1010 0000 0123 456",
    "https://example.org/ticket/3331234567",
    "versione 3.14.15.92",
    "10.0.0.1 and 192.168.100.200",
    "@noor e @rosa",
    "@zeno@social.example",
    "#333 1234567",
    "3,5 kg a 30 gradi",
    "0,5 0,75 1,25",
    "3 giri, 12 maglie, 24 ferri",
    "8033462870013",
    "20261122",
    "333",
    "12345",
]


@pytest.mark.parametrize(("text", "found"), GIVEN)
def test_an_address_or_number_is_seen(text: str, found: str) -> None:
    assert [one.text for one in given_away(text)] == [found]


@pytest.mark.parametrize("text", NOT_GIVEN)
def test_what_only_looks_like_one_is_left_alone(text: str) -> None:
    assert given_away(text) == []


def test_each_is_said_once_and_by_its_kind() -> None:
    found = given_away("a@b.it, 333 1234567", "a@b.it")
    assert [(one.kind, one.text) for one in found] == [("email", "a@b.it"), ("phone", "333 1234567")]


def test_a_long_text_takes_no_long_time() -> None:
    assert given_away("1 " * 25_000 + "a" * 25_000 + "@" * 5_000) == []
