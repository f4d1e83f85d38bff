"""People, their organisations, how they sign in and what they may do. Open to all features above."""
