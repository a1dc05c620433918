"""A model file is missing, damaged, hostile or of a newer format."""

from __future__ import annotations

from netwright.errors.base import BundleError


class UnreadableDocument(BundleError):
    """A document inside a model file does not describe what it should."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The {name} inside the model file is not one that Netwright writes. Make the model again.")


class UnfitBundle(BundleError):
    """The parts of a model file do not fit together."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(
            f"The model file {path} cannot be used: {what}. It is damaged or not made by Netwright; make it again."
        )


class SpecError(BundleError):
    """A network is described in a way that cannot be built."""

    def __init__(self, law: str) -> None:
        super().__init__(
            f"The description of a network cannot be used ({law}). The file is damaged or not made by Netwright."
        )


class MissingBundle(BundleError):
    """There is no such model file."""

    def __init__(self, path: object) -> None:
        super().__init__(f"There is no model file {path}. Check the path; netwright fit writes it as model.nw.")


class NoKeptTrials(BundleError):
    """Another model was to be picked from a folder in which no run left its trials."""

    def __init__(self, folder: object) -> None:
        super().__init__(
            f"There are no kept trials in {folder}. Give a folder that netwright fit wrote, after the run has ended."
        )


class UnreadableBundle(BundleError):
    """The system will not give the file out."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"The model file {path} cannot be read: {why}.")


class NotABundle(BundleError):
    """The file is something else."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path} is not a Netwright model. Give the model.nw that netwright fit wrote.")


class TruncatedBundle(BundleError):
    """The end of the file is missing."""

    def __init__(self, path: object) -> None:
        super().__init__(
            f"The model file {path} is incomplete or its directory is damaged. Copy it again from where it was made."
        )


class DamagedBundle(BundleError):
    """The content is not what it was when it was written."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(f"The model file {path} is damaged: {what}. Copy it again from where it was made.")


class HostileBundle(BundleError):
    """The file is built in a way that Netwright never builds one."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(
            f"The model file {path} was not written by Netwright or was tampered with: {what}. It was not loaded."
        )


class OversizedBundle(BundleError):
    """Something in the file is larger than its limit."""

    def __init__(self, path: object, what: str) -> None:
        super().__init__(f"The model file {path} passes a limit of the format: {what}. It was not loaded.")


class NewerBundle(BundleError):
    """The file has a format that this version does not know."""

    def __init__(self, path: object, version: int, known: int) -> None:
        super().__init__(
            f"The model file {path} was written by a newer Netwright (format {version}; this one reads up to {known}). "
            "Upgrade: pip install -U netwright"
        )
