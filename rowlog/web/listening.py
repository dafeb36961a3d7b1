"""Where the pages are served: sockets, the address to open, and the names it may be called by."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from errno import EADDRINUSE
from typing import Final

from rowlog.web import WebError
from rowlog_drivers.errors import CallError

PORT: Final = 8372
"""Served on this port unless another is named; the next ones are tried where it is taken."""
TRIED: Final = 10
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
BACKLOG: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Sockets that listen already."""

    sockets: tuple[socket.socket, ...]
    host: str
    """What to write into an address that another device opens: a name, or a number of IP."""
    port: int
    names: frozenset[str]
    """Names, in small letters, that a Host header may give besides the address it came in by."""
    beyond: bool
    """Whether others than this computer can reach it."""

    @property
    def origin(self) -> str:
        """The address without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def close(self) -> None:
        """Listen no longer."""
        for one in self.sockets:
            one.close()


def listen(address: str | None, port: int | None) -> Listening:
    """Listen on `address`; None: on this computer alone. `port` None: the usual one, or a free one.

    Raises CallError for an address that this computer has not, WebError where a port is taken.
    """
    if port is not None and not 0 <= port <= 65535:
        raise CallError(f"--port is {port}, which is no port.", "Name one from 1024 to 65535.")
    wanted = [port] if port else list(range(PORT, PORT + TRIED))
    if port == 0:  # any: one that is free in both families
        wanted = [0] * TRIED
    for number in wanted:
        try:
            return _bound(address, number)
        except OSError as error:
            if error.errno != EADDRINUSE:
                raise CallError(
                    f"Nothing can listen on {address or LOOPBACK[1]} port {number}: "
                    f"{error.strerror or error}.",
                    "Name an address of this computer, or 0.0.0.0 for all that it has.",
                ) from error
    which = f"port {wanted[0]}" if port is not None else f"ports {wanted[0]} to {wanted[-1]}"
    raise WebError(f"Another program holds {which}.", "Name a free one with --port.")


def _bound(address: str | None, port: int) -> Listening:
    """One address, or both that a computer has for itself. Raises OSError."""
    if address is None:
        first = _socket("127.0.0.1", port)
        port = first.getsockname()[1]
        sockets = [first]
        try:
            # Else another program could take the name localhost to itself on this port.
            sockets.append(_socket("::1", port))
        except OSError as error:
            if error.errno == EADDRINUSE:
                first.close()
                raise
        return Listening(
            sockets=tuple(sockets), host="localhost", port=port, names=frozenset(), beyond=False
        )
    one = _socket(address, port)
    found = ipaddress.ip_address(one.getsockname()[0].split("%")[0])
    own = socket.gethostname().lower()
    names = {own, f"{own}.local"}
    if not _is_ip(address):
        names.add(address.lower())
    host = address
    if found.is_unspecified:
        host = _own_address(one.family) or own
    return Listening(
        sockets=(one,),
        host=host,
        port=one.getsockname()[1],
        names=frozenset() if found.is_loopback and _is_ip(address) else frozenset(names),
        beyond=not found.is_loopback,
    )


def _socket(address: str, port: int) -> socket.socket:
    family, kind, protocol, _, where = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(where)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _own_address(family: int) -> str | None:
    """The address by which others reach this computer, without a word to anybody; None: unknown."""
    # Addresses for documentation (RFC 5737, RFC 3849): to connect a datagram socket sends nothing.
    there = "192.0.2.1" if family == socket.AF_INET else "2001:db8::1"
    with socket.socket(family, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((there, 9))
        except OSError:
            return None
        return str(asked.getsockname()[0])
