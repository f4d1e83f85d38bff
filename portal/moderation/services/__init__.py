"""What moderators, and those who ask them to look, can do; a module for each kind of act."""
