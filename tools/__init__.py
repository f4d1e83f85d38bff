"""What one does with a checkout: install, translate, fetch assets, let scanners at it."""
