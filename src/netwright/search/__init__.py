"""Ways to search: pure functions init, ask, tell."""
