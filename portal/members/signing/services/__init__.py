"""What somebody does to show who she is, one room for each way of showing it."""
