"""Where a model is served, to whom, and behind what: checked at the door, before anything is loaded."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

from netwright.errors import BadCertificate, HalfTls, NoAddress, OpenWithoutTls, OpenWithoutToken
from netwright.serve.bearer import Token
from netwright.serve.limits import Limits

BACKLOG = 256  # connections that the system holds before they are taken
HERE = "localhost"


@dataclass(frozen=True)
class Tls:
    """PEM files of a certificate and of its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Settings:
    """How a model is served.

    Attributes:
        model: the file.
        limits: what is refused.
        token: what a request has to carry; None where everybody is let in, which only this machine's programs are.
        tls: None for plain HTTP.
        local: whether only programs of this machine are answered, which ask it by a name of this machine.
    """

    model: Path
    limits: Limits
    token: Token | None
    tls: Tls | None
    local: bool


def make_tls(certificate: Path | None, key: Path | None) -> Tls | None:
    """Return the files of TLS, which were seen to fit together; None where neither is given.

    Raises:
        HalfTls: if one of them is given alone.
        BadCertificate: if they cannot be used.
    """
    if certificate is None and key is None:
        return None
    if key is None or certificate is None:
        given, lacking = ("--tls-cert", "--tls-key") if key is None else ("--tls-key", "--tls-cert")
        raise HalfTls(given, lacking)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key, password=lambda: b"")  # else OpenSSL would ask for one
    except OSError as error:  # SSLError is one
        unread = not isinstance(error, ssl.SSLError) and error.strerror
        why = str(unread).lower() if unread else "they do not fit together"
        raise BadCertificate(certificate, key, why) from error
    return Tls(certificate, key)


def check_exposure(host: str, token: Token | None, tls: Tls | None, *, tls_elsewhere: bool) -> None:
    """Refuse to serve other machines without a token, or with one that travels in the clear.

    Raises:
        OpenWithoutToken, OpenWithoutTls: as their names say.
    """
    if is_loopback(host):
        return
    if token is None:
        raise OpenWithoutToken(host)
    if tls is None and not tls_elsewhere:
        raise OpenWithoutTls(host)


def is_loopback(host: str) -> bool:
    """Return whether only programs of this machine reach an address; of names, only `localhost` is known to be one.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "")]
    [True, True, True, False, False]
    """
    try:
        return host == HERE or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listening_together(host: str, port: int, count: int) -> list[socket.socket]:
    """Return a listening socket for each of several processes, at one address.

    Linux deals connections out to the sockets of an address. Elsewhere all share one, and whichever process is the
    first to look takes all that wait: of three processes one then answered 50 clients alone.

    Raises:
        NoAddress: if the system does not give it out.
    """
    first = listening(host, port)  # alone: an address that others share already is in use
    if count == 1 or sys.platform != "linux":
        return [first] * count
    number = int(first.getsockname()[1])
    first.close()
    return [listening(host, number, shared=True) for _ in range(count)]


def listening(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket that takes connections: from here on they wait until somebody answers.

    Args:
        host: an address or a name; `localhost` is 127.0.0.1, whatever the system's table of names says.
        port: 0 for any that is free.
        shared: whether further sockets may listen at the address.

    Raises:
        NoAddress: if the system does not give it out.
    """
    try:
        # Of TCP by name: of a socket that leaves its protocol open asyncio does not know that it is one, and lets the
        # system hold small packets back for the 40 ms that the other side may take to acknowledge those before.
        found = socket.getaddrinfo("127.0.0.1" if host == HERE else host, port, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere two programs could then share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener
    except (OSError, UnicodeError, OverflowError) as error:
        why = error.strerror or str(error) if isinstance(error, OSError) else "it is no address"
        raise NoAddress(host, port, why.lower()) from error


def url_of(listener: socket.socket, tls: Tls | None) -> str:
    """Return the URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'http' if tls is None else 'https'}://{shown}:{port}/"
