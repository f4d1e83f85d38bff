"""What importing ideas, comments and questions have in common: reading lines, batches, a report."""

from portal.community.importing.lines import Line, Mapping, Trouble, read_lines, time_of, whole_number
from portal.community.importing.rows import add_rows, new_ids
from portal.community.importing.run import Batch, Import, Outcome, Report, run_import

__all__ = [
    "Batch",
    "Import",
    "Line",
    "Mapping",
    "Outcome",
    "Report",
    "Trouble",
    "add_rows",
    "new_ids",
    "read_lines",
    "run_import",
    "time_of",
    "whole_number",
]
