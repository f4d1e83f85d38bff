"""Peer support: questions, answers, and what helped."""
