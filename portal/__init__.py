"""An open-innovation community: ideas, votes, mutual help, and what they teach."""
