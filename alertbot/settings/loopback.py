"""Which addresses stay on this machine."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from alertbot.words import _


def is_loopback(address: str) -> bool:
    """Whether a host, or the host of a URL, is spelt as this machine; no name is looked up."""
    host = host_of(address).lower()
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(address: str) -> str:
    """The host of a URL, or the address itself where it is a bare host; "" where there is none."""
    if "://" not in address:
        return address.strip("[]")
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def leaves_sandbox() -> str:
    """The sentence for an address off this machine."""
    return _(
        "this channel may leave the machine, which `organisation.sandbox: true` forbids; "
        "give an address on 127.0.0.1, or take `sandbox: true` out"
    )
