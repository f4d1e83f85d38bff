"""Flags, holds, decisions and appeals, each of which can be undone and is written down."""
