"""Telling people: today, the page they are looking at."""
