"""A model as a folder of Python source that a person might have written, and that runs without Netwright."""

from netwright.export.source.folder import write_source

__all__ = ["write_source"]
