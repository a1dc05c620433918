"""Which Ray cluster is meant by an address: one that runs. Knows no Ray."""

from __future__ import annotations

import os
import socket

from netwright.errors import BadCluster, NoCluster

ADDRESS = "RAY_ADDRESS"
LOOPBACK = frozenset(("127.0.0.1", "::1"))


def named(address: str) -> str:
    """Return the address to join: one that leads to a cluster which runs.

    Raises:
        BadCluster: if it would have Ray start one, or is no address.
    """
    meant = os.environ.get(ADDRESS) or address if address == "auto" else address
    host, sign, port = meant.rpartition(":")
    if meant != "auto" and not (sign and host and port.isdecimal() and "/" not in host):
        raise BadCluster(meant, ADDRESS if meant != address else "")
    return meant


def reach(address: str, seconds: float) -> None:
    """Look whether somebody listens at HOST:PORT, for so many seconds: Ray would try for a minute.

    Raises:
        NoCluster: if nobody does.
    """
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), seconds).close()
    except (OSError, OverflowError) as error:
        raise NoCluster(address, f"nobody answers there ({error})") from error


def check_joined(address: str, joined: str, own: str) -> None:
    """Refuse to train in a cluster that was joined before, where another one is named.

    Args:
        address: HOST:PORT that is named.
        joined: HOST:PORT of the head of the cluster that this process is in.
        own: the address of this machine in it.

    Raises:
        NoCluster: if these are two.
    """
    (host, _, port), (other, _, same) = address.rpartition(":"), joined.rpartition(":")
    if port != same or not _addresses(host, own) & _addresses(other, own):
        raise NoCluster(address, f"this process is in the Ray cluster {joined}, and can be in one at a time")


def _addresses(host: str, own: str) -> set[str]:
    """Return the addresses of a host; of this machine `own` is among them."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host.strip("[]"), None)}
    except OSError:
        found = {host}
    return found | ({own} if found & LOOPBACK else set())
