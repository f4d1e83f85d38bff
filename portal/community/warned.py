"""What a program is told of a text that it has just published: the addresses and numbers in it."""

from pydantic import Field

from portal.api.endpoints import Output
from portal.community.giving_away import Given, given_away


class GivenOut(Output):
    """An address or a telephone number: `kind` is `email` or `phone`."""

    kind: str
    text: str


class Warned(Output):
    """An answer with warnings; nothing is held back for them."""

    warnings: list[GivenOut] = Field(
        default_factory=list, description="Addresses and telephone numbers that the text gives away"
    )


def warnings_of(*texts: str) -> list[Given]:
    """Return what a program is warned of."""
    return given_away(*texts)
