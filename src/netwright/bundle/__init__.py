"""The one file: manifest, write, read, check."""

from netwright.bundle.format import Contents, Manifest
from netwright.bundle.read import read_bundle, read_manifest
from netwright.bundle.write import bundle_size, write_bundle

__all__ = ["Contents", "Manifest", "bundle_size", "read_bundle", "read_manifest", "write_bundle"]
