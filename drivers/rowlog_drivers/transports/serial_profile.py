"""What a driver wants of a serial line, and what a serial port says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UsbId:
    """How a machine's own USB chip shows itself."""

    vendor: int
    product: int
    word: str = ""
    """Must stand in the product string; "": the numbers are enough to try the handshake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialProfile:
    """How to talk to one kind of machine; 8 data bits, no parity, 1 stop bit, no flow control."""

    baud: int
    usb: tuple[UsbId, ...] = ()
    hello: bytes | None = None
    """Asks the machine who it is, as often as it takes; None: it only talks, or not at once."""
    answer: bytes = b""
    """A regular expression that is found in what it answers, and in no other machine's answer."""
    silence_s: float | None = None
    """A machine that says nothing for so long, in session seconds, although it is asked, is gone;
    None: it may be silent for as long as it likes."""
    goodbye: bytes = b""
    """Sent before the port is closed."""
    options: tuple[tuple[str, str], ...] = ()
    """Options that the decoder needs on a serial line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A serial port of this computer. None: the system does not say."""

    path: str
    """As the system calls it, or as the user did: /dev/ttyACM0, COM3."""
    vendor: int | None = None
    product_id: int | None = None
    product: str | None = None
    """The product string of the USB device, as it says it."""
    manufacturer: str | None = None
    serial_number: str | None = None
    location: str | None = None
    """In which USB socket it is plugged."""

    @property
    def is_usb(self) -> bool:
        """Whether the system knows it as a USB device."""
        return self.vendor is not None

    def is_like(self, other: Port) -> bool:
        """Whether both are USB devices of one make."""
        return self.is_usb and (self.vendor, self.product_id) == (other.vendor, other.product_id)

    def fits(self, usb: UsbId) -> bool:
        """Whether it shows itself so."""
        return (self.vendor, self.product_id) == (usb.vendor, usb.product) and usb.word in (
            self.product or ""
        )


def find_again(port: Port, there: tuple[Port, ...]) -> Port | None:
    """The same device among the ports that are there now, under another name perhaps.

    By its USB serial number; without one by its USB socket; else the only device of its make.
    None when it is not there, or cannot be told from others.
    """
    alike = [other for other in there if port.is_like(other)]
    if port.serial_number:
        return next((one for one in alike if one.serial_number == port.serial_number), None)
    same_place = [one for one in alike if port.location and one.location == port.location]
    if same_place:
        return same_place[0]
    return alike[0] if len(alike) == 1 else None
