"""The table of known drivers and of machines that behave in their own way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from rowlog_drivers.device import Decoding
from rowlog_drivers.errors import CallError, UnknownDriverError
from rowlog_drivers.frames import SourceHeader
from rowlog_drivers.interface import Decoder
from rowlog_drivers.protocols import ftms, heart_rate, pm5_names, waterrower
from rowlog_drivers.quirks import QUIRKS, Quirk
from rowlog_drivers.transports.serial_profile import SerialProfile, UsbId

Role = Literal["rower", "strap"]
OptionParsers = Mapping[str, Callable[[str], object]]

ENTRY_POINTS: Final = "rowlog.drivers"
"""The entry-point group in which other distributions offer a Driver."""
NAME_OPTION: Final = "name"
"""The option that holds the advertised name and chooses the quirks; no decoder gets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """One way of understanding a device."""

    name: str
    role: Role
    summary: str
    """What it reads, in one line."""
    decoder: Callable[..., Decoder]
    """Makes a decoder for one connection; takes the options as keywords."""
    options: OptionParsers = field(default_factory=dict)
    """Each option's name with the parser of its text, which raises ValueError."""
    bluetooth: Bluetooth | None = None
    """What it wants of a Bluetooth device; None when it reads none."""
    serial: SerialProfile | None = None
    """How it talks over a serial port; None when it does not."""
    usb: tuple[UsbId, ...] = ()
    """USB HID devices that it reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bluetooth:
    """What a driver wants of a Bluetooth device; channels and services are short UUIDs."""

    services: tuple[str, ...]
    """Advertised by devices that it reads."""
    notify: tuple[str, ...]
    """Channels to subscribe to, in this order, as far as the device has them."""
    needs: tuple[str, ...]
    """Those of them without which it is no such device."""
    reads: tuple[str, ...] = ()
    """Channels to read once."""
    piece_bytes: tuple[tuple[str, int], ...] = ()
    """Channels that take so many bytes a write at most."""
    options: tuple[tuple[str, str], ...] = ()
    """Options that the decoder needs over Bluetooth."""


def _pm5() -> Decoder:
    from rowlog_drivers.protocols.pm5 import Pm5Decoder

    return Pm5Decoder()


def _csafe(*, link: str = "usb") -> Decoder:
    from rowlog_drivers.protocols.csafe import CsafeDecoder

    return CsafeDecoder(link=link)


def _kettler() -> Decoder:
    from rowlog_drivers.protocols.kettler import KettlerDecoder

    return KettlerDecoder()


def _esp_rowing() -> Decoder:
    from rowlog_drivers.protocols.esp_rowing import EspRowingDecoder

    return EspRowingDecoder()


def _fdf() -> Decoder:
    from rowlog_drivers.protocols.fdf import FdfDecoder

    return FdfDecoder()


def _impulses(**options: object) -> Decoder:
    from rowlog_drivers.protocols.impulses import decoder_of

    return decoder_of(options)


def _impulse_option(name: str) -> Callable[[str], object]:
    def parse(text: str) -> object:
        from rowlog_drivers.protocols.impulses import OPTIONS

        return OPTIONS[name](text)

    return parse


def _workout_file() -> Decoder:
    from rowlog_drivers.protocols.workout_file import WorkoutFileDecoder

    return WorkoutFileDecoder()


def _smartrow() -> Decoder:
    from rowlog_drivers.protocols.smartrow import SmartRowDecoder

    return SmartRowDecoder()


def _csafe_link(text: str) -> object:
    from rowlog_drivers.protocols.csafe import OPTIONS

    return OPTIONS["link"](text)


# Decoders that few need are imported when one is made: a command starts faster without them.

_ABOUT: Final = ("2a19", "2a29", "2a24", "2a25", "2a26")
"""Battery, manufacturer, model, serial number and firmware, for any device that tells them."""

DRIVERS: Final[Mapping[str, Driver]] = {
    driver.name: driver
    for driver in (
        Driver(
            name="ftms",
            role="rower",
            summary="rowers with the Bluetooth Fitness Machine Service",
            decoder=ftms.RowerDecoder,
            options=ftms.OPTIONS,
            bluetooth=Bluetooth(
                services=("1826",),
                notify=("2ad1", "2ada", "2ad3"),
                needs=("2ad1",),
                reads=("2acc", *_ABOUT),
            ),
        ),
        Driver(
            name="heart_rate",
            role="strap",
            summary="straps and bands with the Bluetooth Heart Rate Service",
            decoder=heart_rate.StrapDecoder,
            bluetooth=Bluetooth(
                services=("180d",),
                notify=("2a37", "2a19"),
                needs=("2a37",),
                reads=("2a38", *_ABOUT),
            ),
        ),
        Driver(
            name="pm5",
            role="rower",
            summary="Concept2 PM5 over Bluetooth, by its own services: RowErg, SkiErg, BikeErg",
            decoder=_pm5,
            bluetooth=Bluetooth(
                services=("ce060000", "ce060010", "ce060020", "ce060030"),
                notify=pm5_names.SUBSCRIBE_CHANNELS,
                needs=("ce060031",),
                reads=pm5_names.READ_CHANNELS,
                piece_bytes=((pm5_names.REQUEST_CHANNEL, 20),),
            ),
        ),
        Driver(
            name="csafe",
            role="rower",
            summary="Concept2 PM3, PM4 and PM5 by CSAFE, over USB, serial or Bluetooth",
            decoder=_csafe,
            options={"link": _csafe_link},
            # The control service of a PM5, where no other of its services is of use.
            bluetooth=Bluetooth(
                services=(),
                notify=(pm5_names.REPLY_CHANNEL,),
                needs=(pm5_names.REPLY_CHANNEL,),
                piece_bytes=((pm5_names.REQUEST_CHANNEL, 20),),
                options=(("link", "ble"),),
            ),
            # The status command, framed; any answer is a frame with a status byte.
            serial=SerialProfile(
                baud=9600,
                hello=b"\xf1\x80\x80\xf2",
                answer=rb"\xf1[^\xf1\xf2]{2,}\xf2",
                options=(("link", "serial"),),
            ),
            usb=tuple(UsbId(vendor=0x17A4, product=product) for product in (1, 2, 3)),
        ),
        Driver(
            name="fdf",
            role="rower",
            summary="First Degree Fitness fluid rowers with a serial console",
            decoder=_fdf,
            serial=SerialProfile(
                baud=9600,
                usb=(UsbId(vendor=0x0403, product=0x6001), UsbId(vendor=0x0403, product=0x6015)),
                hello=b"C\n",
                answer=rb"(?:^|[\r\n])(?:C\d+|\.FDF IPM[^\r\n]*|A\d{28})[\r\n]",
            ),
        ),
        Driver(
            name="kettler",
            role="rower",
            summary="Kettler consoles with a serial port, not tried on a rower yet",
            decoder=_kettler,
            serial=SerialProfile(
                baud=9600,
                hello=b"ST\r\n",
                answer=rb"(?:\d+\t){6}\d+:\d\d\t\d+",
                silence_s=10.0,
            ),
        ),
        Driver(
            name="esp_rowing",
            role="rower",
            summary="ESP Rowing Monitor, by its own services beside FTMS",
            decoder=_esp_rowing,
            # It is taken for an FTMS rower unless the address names this driver.
            bluetooth=Bluetooth(
                services=(),
                notify=(
                    "2ad1",
                    "2ada",
                    "808a0d51-efae-4f0c-b2e0-48bc180d65c3",
                    "3d9c2760-cf91-41ee-87e9-fd99d5f129a4",
                ),
                needs=("2ad1",),
                reads=("2acc", *_ABOUT),
            ),
        ),
        Driver(
            name="impulses",
            role="rower",
            summary="home-made rowers that print the time between two impulses of their wheel",
            decoder=_impulses,
            options={name: _impulse_option(name) for name in ("magnets", "inertia", "drag")},
            serial=SerialProfile(baud=115_200),
        ),
        Driver(
            name="smartrow",
            role="rower",
            summary="SmartRow, the Bluetooth pulley of WaterRowers",
            decoder=_smartrow,
            bluetooth=Bluetooth(services=("1234",), notify=("1236",), needs=("1236",)),
        ),
        Driver(
            name="workout_file",
            role="rower",
            summary="a finished workout that was imported from a file",
            decoder=_workout_file,
        ),
        Driver(
            name="waterrower",
            role="rower",
            summary="WaterRower S4 and S5 monitors on USB",
            decoder=waterrower.S4Decoder,
            # Microchip's number for any serial gadget: the handshake decides.
            serial=SerialProfile(
                baud=115_200,
                usb=(UsbId(vendor=0x04D8, product=0x000A),),
                hello=waterrower.USB,
                answer=rb"_WR_\r?\n?",
                silence_s=10.0,
                goodbye=waterrower.EXIT,
            ),
        ),
        Driver(
            name="waterrower_s3",
            role="rower",
            summary="WaterRower Series 2 and 3 and early S4 monitors on RS-232",
            decoder=waterrower.S3Decoder,
            serial=SerialProfile(baud=1200),
        ),
    )
}
"""The drivers that come with rowlog, by name."""


def find_driver(name: str) -> Driver:
    """The driver called `name`, from rowlog itself or from another distribution.

    Raises UnknownDriverError, naming the known ones.
    """
    driver = DRIVERS.get(name)
    if driver is not None:
        return driver
    driver = _foreign_driver(name)
    if driver is not None:
        return driver
    raise UnknownDriverError(
        f"No driver is called {name!r}.", f"The known ones are: {', '.join(sorted(DRIVERS))}."
    )


def find_quirk(driver: str, advertised_name: str | None) -> Quirk | None:
    """What is known of a machine by its advertised name; None when nothing is."""
    if not advertised_name:
        return None
    fitting = [quirk for quirk in QUIRKS if quirk.driver == driver and quirk.fits(advertised_name)]
    return max(fitting, key=lambda quirk: len(quirk.prefix), default=None)


def make_decoder(driver_name: str, options: Iterable[tuple[str, str]] = ()) -> Decoder:
    """A decoder for one connection, with options as text; given ones go before quirks.

    Raises UnknownDriverError or CallError, saying which options there are.
    """
    driver = find_driver(driver_name)
    given = dict(options)
    quirk = find_quirk(driver.name, given.pop(NAME_OPTION, None))
    texts = {**(quirk.options if quirk is not None else {}), **given}
    values: dict[str, object] = {}
    for key, text in texts.items():
        parser = driver.options.get(key)
        if parser is None:
            known = ", ".join(sorted(driver.options)) or "none"
            raise CallError(f"The driver {driver.name} has no option {key!r}.", f"It has: {known}.")
        try:
            values[key] = parser(text)
        except ValueError as error:
            raise CallError(
                f"The option {key}={text} of {driver.name} is wrong: {error}."
            ) from error
    return driver.decoder(**values)


def make_decoding(sources: Iterable[SourceHeader]) -> Decoding:
    """Decoders for all sources of a recording.

    Raises UnknownDriverError or CallError for a source that cannot be decoded.
    """
    headers = tuple(sources)
    quirks = {
        source.name: find_quirk(source.driver, dict(source.options).get(NAME_OPTION))
        for source in headers
    }
    return Decoding(
        {source.name: make_decoder(source.driver, source.options) for source in headers},
        {name: quirk.treatments for name, quirk in quirks.items() if quirk is not None},
    )


def _foreign_driver(name: str) -> Driver | None:
    from importlib.metadata import entry_points

    for entry_point in entry_points(group=ENTRY_POINTS, name=name):
        try:
            loaded = entry_point.load()
        except Exception as error:  # a stranger's code may raise anything
            raise UnknownDriverError(
                f"The driver {name} of the package {_package(entry_point)} cannot be loaded: "
                f"{error}.",
                "Update or uninstall that package.",
            ) from error
        if isinstance(loaded, Driver):
            return loaded
        raise UnknownDriverError(
            f"The driver {name} of the package {_package(entry_point)} is no Driver.",
            "Its entry point must name a rowlog_drivers.catalog.Driver.",
        )
    return None


def _package(entry_point: object) -> str:
    dist = getattr(entry_point, "dist", None)
    return str(getattr(dist, "name", "of unknown name"))
