"""From what a user names to rows that are ready for trials."""
