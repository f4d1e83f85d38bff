"""Guests: what somebody does before she has an account, and the link that makes it count."""
