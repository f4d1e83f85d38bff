"""Privacy: consents, the export of one's data and its return, erasure, and what is thrown away by the clock."""
