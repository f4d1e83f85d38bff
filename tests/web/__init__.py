"""Pages and the shell around them."""
