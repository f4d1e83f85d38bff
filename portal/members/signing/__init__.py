"""Signing in: passwords, second steps, passkeys, providers, the links in mails, and how often one may try."""
