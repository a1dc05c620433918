"""Where a model may be served: this machine freely, others with a token and TLS."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from netwright.errors import BadCertificate, HalfTls, NoAddress, OpenWithoutTls, OpenWithoutToken
from netwright.serve.bearer import Token
from netwright.serve.settings import Tls, check_exposure, is_loopback, listening, listening_together, make_tls, url_of

TOKEN, TLS = Token(b"digest"), Tls(Path("a"), Path("b"))
OPEN = ("0.0.0.0", "::", "", "192.168.1.7", "example.org", "localhost.example.org", "127.0.0.1.nip.io", "0")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_nothing(host: str) -> None:
    """Neither token nor TLS."""
    check_exposure(host, None, None, tls_elsewhere=False)


@pytest.mark.parametrize("host", OPEN)
def test_other_machines_need_a_token_and_tls(host: str) -> None:
    """Or the word that TLS ends elsewhere; a name that only looks like this machine is another one."""
    assert not is_loopback(host)
    for elsewhere in (False, True):
        with pytest.raises(OpenWithoutToken):
            check_exposure(host, None, TLS, tls_elsewhere=elsewhere)
    with pytest.raises(OpenWithoutTls):
        check_exposure(host, TOKEN, None, tls_elsewhere=False)
    check_exposure(host, TOKEN, TLS, tls_elsewhere=False)
    check_exposure(host, TOKEN, None, tls_elsewhere=True)


def test_half_of_tls_is_none(tmp_path: Path) -> None:
    """A certificate without its key, the other way round, or what is neither."""
    assert make_tls(None, None) is None
    for certificate, key in ((tmp_path, None), (None, tmp_path)):
        with pytest.raises(HalfTls):
            make_tls(certificate, key)
    (tmp_path / "no.pem").write_text("no PEM")
    for name in ("no.pem", "nowhere.pem"):
        with pytest.raises(BadCertificate):
            make_tls(tmp_path / name, tmp_path / "no.pem")


def test_an_address_that_cannot_be_had_is_told() -> None:
    """One in use, and one that is none."""
    with listening("localhost", 0) as first:
        assert first.proto == socket.IPPROTO_TCP, "asyncio turns off the delay of small packets of such sockets only"
        port = first.getsockname()[1]
        assert url_of(first, None) == f"http://127.0.0.1:{port}/"
        with pytest.raises(NoAddress, match=str(port)):
            listening("127.0.0.1", port)
    for host in ("256.1.1.1", "no such host", "a" * 300):
        with pytest.raises(NoAddress):
            listening(host, 0)


def test_several_sockets_listen_at_one_address() -> None:
    """One for each process where the system deals connections out; nobody else gets the address by that."""
    listeners = listening_together("127.0.0.1", 0, 3)
    try:
        ports = {listener.getsockname()[1] for listener in listeners}
        assert len(listeners) == 3 and len(ports) == 1
        for count in (1, 2):
            with pytest.raises(NoAddress):
                listening_together("127.0.0.1", *ports, count)
    finally:
        for listener in listeners:
            listener.close()


def test_addresses_of_both_families_have_urls() -> None:
    """With brackets where they are needed."""
    try:
        listener = listening("::1", 0)
    except NoAddress:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert listener.family == socket.AF_INET6
        assert url_of(listener, TLS).startswith("https://[::1]:")
