"""What analytics does: learn who answers, work out who knows what, fold the record into figures."""
