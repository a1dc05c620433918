"""A model in other forms: files that its user owns, and that run without Netwright."""
