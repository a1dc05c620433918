"""Specs made real: one file a framework."""
