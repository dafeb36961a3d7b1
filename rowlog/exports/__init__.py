"""The formats that a session can be written in: one table, one file a format.

A format's module has two functions. `write(contents, out)` writes the session;
`differences(contents, path)` reads the file back by another way than it was written, and tells what
is not as it should be. One that cannot hold texts of any length has a third, `shortened(session)`:
the names of those that it holds the beginning of alone.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from rowlog.contents import Contents
    from rowlog.exports.checking import Difference


class Format(NamedTuple):
    """One format."""

    name: str
    """As in --format."""
    suffix: str
    """By which a file's name asks for it; the first format of a suffix is meant by it alone."""
    module: str
    holds: str
    """What is in such a file, for people."""


FORMATS: Final = (
    Format("fit", ".fit", "fit", "an activity with laps, strokes and RR intervals"),
    Format("tcx", ".tcx", "tcx", "an activity with laps, for Garmin and older programs"),
    Format("rowingdata", ".csv", "rowingdata", "a row a stroke, as rowingdata and RowsAndAll read"),
    Format("strokes", ".strokes.csv", "strokes", "every stroke with all that is known of it"),
    Format("heart-rate", ".heart-rate.csv", "heart_rates", "every heart-rate measurement"),
    Format("rr", ".rr.csv", "rr", "every RR interval, one a row"),
    Format("force", ".force.csv", "force_curves", "every point of every force curve"),
    Format("samples", ".samples.csv", "samples", "every record that the rower sent, undigested"),
    Format("json", ".json", "summary_json", "the figures, as rowlog show --json prints them"),
    Format("frames", ".frames", "raw_frames", "every byte that the devices sent"),
    Format("frames.gz", ".frames.gz", "raw_frames", "the same, compressed"),
)


class Exporter(Protocol):
    """What the module of a format has."""

    def write(self, contents: Contents, out: BinaryIO) -> None:
        """Write the session. Raises CannotSay where the format has nothing to hold of it."""

    def differences(self, contents: Contents, path: Path) -> list[Difference]:
        """Read the file back, and compare it with the session; [] when all is as it should be."""


def named(name: str) -> Format | None:
    """The format of that name; None when there is none."""
    return next((known for known in FORMATS if known.name == name.lower()), None)


def by_suffix(file_name: str) -> Format | None:
    """The format that a file's name asks for; None when it asks for none."""
    lower = file_name.lower()
    longest = sorted(FORMATS, key=lambda known: -len(known.suffix))
    return next((known for known in longest if lower.endswith(known.suffix)), None)


def exporter(known: Format) -> Exporter:
    """The module that writes a format, loaded now."""
    return cast(Exporter, import_module(f"rowlog.exports.{known.module}"))
