"""Device addresses: `ble:AA:BB:CC:DD:EE:FF`, `serial:/dev/ttyACM0`, `sim:rower?seed=3`, ..."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import parse_qsl, quote, urlencode

from rowlog_drivers.errors import AddressError

Scheme = Literal["ble", "serial", "usb", "replay", "sim", "auto"]
SCHEMES: Final[tuple[str, ...]] = get_args(Scheme)
FORMS: Final = (
    "ble:AA:BB:CC:DD:EE:FF, ble:NAME, serial:/dev/ttyACM0, usb:pm, replay:FILE.frames, sim:rower, "
    "sim:pm5, sim:s4, sim:strap, or auto"
)
_OPTIONS: Final = re.compile(r"\?\w+=")
"""A device may be called what it likes: a question mark in its name begins no options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a device is to be found."""

    scheme: Scheme
    target: str
    """What the scheme looks for: a Bluetooth address or name, a port, a file, a kind; "" for
    auto."""
    options: tuple[tuple[str, str], ...] = ()
    """(key, value) pairs behind the `?`, in order; a key may stand more than once."""

    def __str__(self) -> str:
        if self.scheme == "auto":
            return "auto"
        query = urlencode(self.options, safe=",:/", quote_via=quote)
        return f"{self.scheme}:{self.target}" + (f"?{query}" if query else "")

    def option(self, key: str) -> str | None:
        """The last value of an option; None when it is not given."""
        return next((value for name, value in reversed(self.options) if name == key), None)


def parse_address(text: str) -> Address:
    """Read an address. Raises AddressError, which names the forms there are."""
    stripped = text.strip()
    if stripped == "auto":
        return Address(scheme="auto", target="")
    scheme, colon, rest = stripped.partition(":")
    if not colon or scheme not in SCHEMES or scheme == "auto":
        raise AddressError(f"{text!r} is no device address.", f"Write one of {FORMS}.")
    target = rest
    options: tuple[tuple[str, str], ...] = ()
    found = _OPTIONS.search(rest) if scheme == "ble" else None
    if scheme in ("replay", "sim", "serial") or found is not None:
        at = rest.find("?") if found is None else found.start()
        target, query = (rest, "") if at < 0 else (rest[:at], rest[at + 1 :])
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        except ValueError:
            raise AddressError(
                f"{text!r}: what stands behind the ? is not understood.",
                "Write KEY=VALUE, several joined by &.",
            ) from None
        options = tuple(pairs)
    if not target:
        raise AddressError(f"{text!r} does not say which device.", f"Write one of {FORMS}.")
    return Address(scheme=_scheme(scheme), target=target, options=options)


def _scheme(text: str) -> Scheme:
    for scheme in get_args(Scheme):
        if scheme == text:
            return scheme  # type: ignore[no-any-return]
    raise AddressError(f"{text!r} is no kind of address.", f"Write one of {FORMS}.")
