"""A finished run as a page, as text and as a small table."""
