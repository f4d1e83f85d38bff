"""The ground: database, events, outbox, projections, jobs, errors, text, clock, paging. Knows no feature."""
