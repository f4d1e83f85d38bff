"""Ideas: proposals, votes on an append-only ledger, stages with official answers, lists that explain themselves."""
