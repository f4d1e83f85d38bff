"""Topics: what people write about, with identities that last from one reading to the next."""
