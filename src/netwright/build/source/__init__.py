"""A spec made real as Python source: what a person would write in PyTorch, without Netwright."""
