"""What somebody gives away without meaning to: e-mail addresses and telephone numbers in a text that all will read.

A number is taken for a telephone's by its shape: prefix, length and grouping as people write them in Italy and
abroad. Dates, prices, weights, ISBN and article numbers have other shapes, or say so in the word before.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

_EMAIL = re.compile(r"(?<![\w@.+/-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[a-z]{2,24}(?![\w@])", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.,:/#@€$£+-])(?:\+|00)?\(?\d[\d ().\-/]{4,22}\d(?![\w€$£%])(?![.,:/-]\d)")
_GROUP = re.compile(r"\d+")
_CALL_ME = re.compile(
    r"(?:tel|cell|cellulare|mobile|phone|telefono|whatsapp|fax|chiam\w*|call|numero|mob)\W{0,6}$", re.IGNORECASE
)
_NOT_A_PHONE = re.compile(
    r"(?:isbn|issn|ean|art|art\.?\s?n|articolo|cod|codice|code|lotto|lot|batch|ordine|order|n\.?\s?ordine|tracking|rif|ref|"
    r"fattura|invoice|p\.?\s?iva|vat|iban|c\.?f|serial\w*|sku|item|model\w*|version\w*|v|€|eur|usd|\$|£)\W{0,4}$",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"^\s?(?:g|gr|kg|mg|m|mt|cm|mm|km|ml|l|lb|oz|yd|yds|tex|nm|den|ply|dpi|px|kb|mb|gb|euro?|€|\$|°|%)\b", re.IGNORECASE
)
_DATE = re.compile(
    r"\d{4}[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d{2}|(?:19|20)\d{2}\s?[-/]\s?(?:19|20)?\d{2}"
)
LEAST, MOST = 8, 15
FEW = 6
BEFORE = 24
ITALY = "39"
MOBILE, GROUPED, ALONE = 10, range(8, 12), range(9, 12)


@dataclass(frozen=True, slots=True)
class Given:
    """What was found: ``email`` or ``phone``, and how it stands in the text."""

    kind: str
    text: str


def given_away(*texts: str) -> list[Given]:
    """Return the addresses and numbers that stand in texts, each once, in order."""
    found: dict[Given, None] = {}
    for text in texts:
        for match in _EMAIL.finditer(text):
            found[Given("email", match.group())] = None
        for match in _NUMBER.finditer(text):
            if _is_a_phone(match, text):
                found[Given("phone", match.group().strip())] = None
    return list(found)


def _is_a_phone(match: re.Match[str], text: str) -> bool:
    said, before = match.group(), text[max(0, match.start() - BEFORE) : match.start()]
    groups = _GROUP.findall(said)
    digits = "".join(groups)
    if _DATE.fullmatch(said.strip()) or _NOT_A_PHONE.search(before) or _UNIT.match(text[match.end() :]):
        return False
    if len(digits) > MOST or (said.count("(") != said.count(")")):
        return False
    if _CALL_ME.search(before):
        return len(digits) >= FEW
    return _has_a_phones_shape(said, groups, digits)


def _has_a_phones_shape(said: str, groups: list[str], digits: str) -> bool:
    if len(digits) < LEAST or _has_mixed_signs(said):
        return False
    if said.startswith("+"):
        return digits[0] != "0"
    if digits.startswith("00"):
        return digits[2] in "123456789" and len(digits) - 2 >= LEAST
    rest = groups[1:]
    if digits[0] == "3" and digits[1] != "0" and len(digits) == MOBILE:
        return not rest or (len(groups[0]) == len("333") and all(len(part) > 1 for part in rest))
    if digits[0] == "0" and digits[1] != "0":
        is_prefix = len(groups[0]) in range(2, 6) and all(len(part) > 1 for part in rest)
        return len(digits) in (GROUPED if rest and is_prefix else ALONE if not rest else ())
    return [len(part) for part in groups] == [3, 3, 4] and ("-" in said or "(" in said)


def _has_mixed_signs(said: str) -> bool:
    """Return whether different signs stand between the groups, as in sums and sizes; blanks go with any."""
    between = set(re.sub(r"[\d() +]", "", said))
    doubled = any(a == b and a in ".-/" for a, b in pairwise(said))
    return len(between) > 1 or doubled


def sentence_of(found: list[Given]) -> str:
    """Return what was found as one line."""
    return ", ".join(one.text for one in found)
