"""Live hints."""
