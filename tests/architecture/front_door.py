"""Import-linter contract: features meet only at their front doors."""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

ROOM = 2


class FrontDoor(Contract):
    """Between features, only the named rooms may be imported; the roof may go everywhere."""

    root = fields.StringField()
    doors = fields.ListField(subfield=fields.StringField())
    open_features = fields.ListField(subfield=fields.StringField(), required=False)
    roof = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Collect the imports that go in by a window."""
        strays = []
        free = set(self.open_features or [])
        roof = set(self.roof or [])
        for importer in sorted(graph.modules):
            mine = importer.split(".")
            if mine[0] != self.root or len(mine) < ROOM or mine[1] in roof:
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                theirs = imported.split(".")
                if theirs[0] != self.root or len(theirs) <= ROOM or theirs[1] == mine[1] or theirs[1] in free:
                    continue
                if theirs[2] not in self.doors:
                    strays.append(f"{importer} -> {imported}")
        return ContractCheck(kept=not strays, metadata={"strays": strays})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name them."""
        for stray in check.metadata["strays"]:
            output.print_error(stray)
