"""The shell for people: pages that mix features, language, errors, caching for readers, health."""
