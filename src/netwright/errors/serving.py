"""A model cannot be served as it was asked for: where, why, and what to do."""

from __future__ import annotations

from netwright.errors.base import RunError, SettingError


class OpenWithoutToken(SettingError):
    """An address that other machines reach was asked for, and nobody has to say who they are."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"Everybody who reaches {host} could use the model. Give a file with a token by --token-file, or leave "
            "--host out, which serves programs of this machine alone."
        )


class OpenWithoutTls(SettingError):
    """An address that other machines reach was asked for, and the token would travel in the clear."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"Without TLS, the token and the data sent to {host} can be read on the way. Give --tls-cert and "
            "--tls-key, or say by --tls-elsewhere that a proxy in front of this server ends TLS."
        )


class HalfTls(SettingError):
    """There is a certificate without its key, or the other way round."""

    def __init__(self, given: str, lacking: str) -> None:
        super().__init__(f"{given} is of no use without {lacking}. Give both, or neither.")


class BadCertificate(SettingError):
    """A certificate and a key cannot be used."""

    def __init__(self, certificate: object, key: object, why: str) -> None:
        super().__init__(
            f"TLS cannot be served with the certificate {certificate} and the key {key}: {why}. "
            "Give a PEM file of each, the key without a password."
        )


class BadToken(SettingError):
    """The file of the token cannot be used."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(
            f"The token in {path} cannot be used: {why}. "
            "Write one line of 16 letters, digits and signs or more, such as openssl rand -hex 32 makes."
        )


class NoAddress(SettingError):
    """The system does not give out the address."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(f"Nothing can be served at {host}, port {port}: {why}. Choose others by --host and --port.")


class ServerNotStarted(RunError):
    """A process that was to serve a model ended before it did."""

    def __init__(self, status: int | None) -> None:
        super().__init__(
            f"A process that was to serve the model ended with status {status} before it answered anything. What it "
            "said stands above; with --workers 1 there is one process less in between."
        )


class ServersEnded(RunError):
    """The processes that serve a model end again and again."""

    def __init__(self, times: int, seconds: int) -> None:
        super().__init__(
            f"Processes that serve the model ended {times} times within {seconds} s. What they said stands above; "
            "with --workers 1 there is one process less in between."
        )
