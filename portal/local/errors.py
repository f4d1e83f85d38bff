"""What can go wrong on one machine, said with its cure."""


class LocalError(Exception):
    """Something that a person has to mend; says how."""

    def __init__(self, what: str, cure: str = "") -> None:
        super().__init__(f"{what} {cure}".strip())
        self.what, self.cure = what, cure
