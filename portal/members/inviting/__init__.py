"""Organisations: who looks after them, whom they ask in, and the link by which somebody joins."""
