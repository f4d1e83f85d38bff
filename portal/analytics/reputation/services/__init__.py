"""Every write of reputation: the ledger and its fold, trust, levels, badges, benefits."""
