"""Nobody makes us knock at doors that only we can reach, however they spell them."""

from __future__ import annotations

import pytest

from referrals.subscribers.addresses import AddressRefused, check_address, is_named, is_public

PUBLIC = ("93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::5db8:d822", "2002:5db8:d822::1")
PRIVATE = (
    "127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.127.255.255", "0.0.0.0",  # noqa: S104 - nobody listens there, somebody is refused
    "255.255.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1", "198.18.0.1",
    "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::", "100::1",
)  # fmt: skip
ODD = ("2130706433", "127.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "017700000001", "localhost", "", "1.1.1")


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", [*PRIVATE, *ODD])
def test_any_other_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [*PRIVATE, *ODD])
def test_no_endpoint_is_made_at_one(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused):
        check_address(f"https://{host}/hook", named=())


@pytest.mark.parametrize(
    "url,stored",
    [("https://Hooks.Example/a?b=c", "https://hooks.example/a?b=c"),
     ("https://hooks.example:443/", "https://hooks.example/"),
     ("https://hooks.example:8443/x", "https://hooks.example:8443/x"),
     ("https://hooks.example./x", "https://hooks.example/x"),
     ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
     ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example")],
)  # fmt: skip
def test_a_public_https_address_is_stored_plainly(url: str, stored: str) -> None:
    assert check_address(url, named=()) == stored


@pytest.mark.parametrize(
    "url,why",
    [("http://hooks.example/", "scheme"), ("ftp://hooks.example/", "scheme"), ("file:///etc/passwd", "scheme"),
     ("javascript:alert(1)", "scheme"), ("//hooks.example", "scheme"), ("hooks.example", "scheme"), ("", "scheme"),
     ("https://", "scheme"), ("https://hooks.example:25/", "port"), ("https://hooks.example:6379/", "port"),
     ("https://hooks.example:0/", "port"), ("https://hooks.example:99999/", "unreadable"),
     ("https://hooks.example:x/", "unreadable"), ("https://[::1/", "unreadable"),
     ("https://olga:pw@hooks.example/", "parts"), ("https://hooks.example@127.0.0.1/", "parts"),
     ("https://hooks.example/#x", "parts"), ("https://hooks.example\\@127.0.0.1/", "characters"),
     ("https://hooks.example/\r\nHost: x", "characters"), ("https://hooks.example/a b", "characters"),
     ("https://①②⑦.0.0.1/", "characters"), ("https://hooks.example/" + "a" * 2000, "characters"),
     ("https://router/", "private"), ("https://printer.local/", "private"), ("https://a.localhost/", "private"),
     ("https://metadata.google.internal/", "private"), ("https://hooks%2eexample.com/", "private"),
     ("https://127.0.0.1.:8443/", "private")],
)  # fmt: skip
def test_any_other_is_refused_with_its_reason(url: str, why: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        check_address(url, named=())
    assert refused.value.data == {"why": why}


def test_the_operators_own_hosts_are_named_with_their_port_or_with_any() -> None:
    named = ("hooks.lan", "10.0.0.5:8080", "[fd12::1]:443")
    assert check_address("http://Hooks.lan:9000/x", named=named) == "http://hooks.lan:9000/x"
    assert check_address("http://10.0.0.5:8080/", named=named) == "http://10.0.0.5:8080/"
    assert check_address("https://[fd12::1]/", named=named) == "https://[fd12::1]/"
    for other in ("http://10.0.0.5/", "https://10.0.0.5:8443/", "http://x.hooks.lan/", "ftp://hooks.lan/"):
        with pytest.raises(AddressRefused):
            check_address(other, named=named)
    assert not is_named("hooks.example", 443, named=named)
