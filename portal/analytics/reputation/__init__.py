"""What members are worth to each other: a ledger, its fold, and trust that flows from seeds."""
