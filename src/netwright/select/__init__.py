"""What is chosen from finished trials, and how good it is."""
