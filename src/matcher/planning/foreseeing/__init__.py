"""What may come: how many more can be served, and what is lost with whom."""
