"""What others may ask of search."""

from portal.search.close import close_to_text
from portal.search.queries import Found, Hit, Wish, find, ids_by_words
from portal.search.results import Likely, Result, close_to, likely, results

__all__ = [
    "Found",
    "Hit",
    "Likely",
    "Result",
    "Wish",
    "close_to",
    "close_to_text",
    "find",
    "ids_by_words",
    "likely",
    "results",
]
