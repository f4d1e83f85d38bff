"""The ground: database, events, outbox, projections, jobs, errors, text, clock, paging. Knows no feature."""

from portal.kernel.lean import load

load("redis", "cryptography")  # which it would use to check the revocation of a broker's certificate
