"""Trains stacks of networks, and asks them for answers."""
