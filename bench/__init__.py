"""Benchmarks: each prints one JSON document; `python -m bench` runs them and prints a table. Never asserted."""
