"""What becomes of a run when things go wrong around it."""
