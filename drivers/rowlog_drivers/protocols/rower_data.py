"""Rower Data (0x2AD1): the notification that makes a fitness machine a rower.

Layout: Bluetooth SIG, Fitness Machine Service 1.0, section 4.8 and its characteristic
`rower_data`; the one-byte resistance level is that of the later GATT Specification Supplement.
Public names are offered by `ftms`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import accumulate
from math import isfinite
from struct import Struct
from typing import Any, Final

from rowlog_drivers.fields import Packer
from rowlog_drivers.records import RowerSample, Undecoded

ROWER_DATA_CHANNEL: Final = "2ad1"

DEFAULT_STROKE_RATE_SCALE: Final = 0.5
"""Strokes per minute of one count, by the standard."""

DEFAULT_PAYLOAD_LIMIT: Final = 20
"""Bytes that a notification holds at the default ATT_MTU of 23."""

_FLAGS_BYTES: Final = 2
_MORE_DATA: Final = 0x0001
_MET_PER_COUNT: Final = 10


_WIDTHS: Final = {"B": 1, "H": 2, "h": 2, "3s": 3}
"""Bytes of each struct format used below."""


@dataclass(frozen=True, slots=True)
class _Field:
    bit: int
    """The flag that announces it; bit 0 announces by being clear, all others by being set."""
    name: str
    code: str
    """Its struct format; the 24-bit distance is taken as three bytes."""
    unavailable: int | None = None
    """The value that stands for "not available"."""

    @property
    def width(self) -> int:
        return _WIDTHS[self.code]


_FIELDS: Final = (
    _Field(0, "stroke_rate_spm", "B"),
    _Field(0, "stroke_count", "H"),
    _Field(1, "average_stroke_rate_spm", "B"),
    _Field(2, "distance_m", "3s"),
    # The service text defines no such value for pace; several makers and clients use it.
    _Field(3, "pace_s_per_500m", "H", 0xFFFF),
    _Field(4, "average_pace_s_per_500m", "H", 0xFFFF),
    # By analogy with the other signed fields of the service, where it is defined.
    _Field(5, "power_w", "h", 0x7FFF),
    _Field(6, "average_power_w", "h", 0x7FFF),
    _Field(7, "resistance", "h", 0x7FFF),
    _Field(8, "energy_kcal", "H", 0xFFFF),
    _Field(8, "energy_kcal_per_hour", "H", 0xFFFF),
    _Field(8, "energy_kcal_per_minute", "B", 0xFF),
    _Field(9, "heart_rate_bpm", "B"),
    _Field(10, "met", "B"),
    _Field(11, "elapsed_s", "H"),
    _Field(12, "remaining_s", "H"),
)
"""Every field in the order in which it is sent."""

_GROUPS: Final = tuple(tuple(f for f in _FIELDS if f.bit == bit) for bit in range(13))
"""The fields of each flag bit, by bit."""

_RESISTANCE_BIT: Final = 7


@dataclass(frozen=True, slots=True)
class _Layout:
    """How to read every payload of one flags word and one length."""

    unpack: Callable[[bytes, int], tuple[Any, ...]]
    names: tuple[str, ...]
    unavailable: tuple[tuple[str, int], ...]
    convert: tuple[tuple[str, Callable[[Any], float | None]], ...]
    complete: bool
    truncated: bool
    extra_bytes: int


class RowerDataReader:
    """Reads Rower Data payloads of one machine.

    A payload's layout depends on its flags word and its length alone, so each pair is worked out
    once; a machine uses a handful. The options are those of `ftms.RowerDecoder`. Raises
    ValueError for an option that is out of range.
    """

    __slots__ = ("_energy_divisor", "_layouts", "_payload_limit", "_rates", "_use_distance")

    _MOST_LAYOUTS: Final = 512

    def __init__(
        self,
        *,
        stroke_rate_scale: float = DEFAULT_STROKE_RATE_SCALE,
        energy_scale: float = 1.0,
        use_distance: bool = True,
        payload_limit: int = DEFAULT_PAYLOAD_LIMIT,
    ) -> None:
        for name, value in (
            ("stroke_rate_scale", stroke_rate_scale),
            ("energy_scale", energy_scale),
            ("payload_limit", payload_limit),
        ):
            if not (isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, not {value}")
        self._rates = tuple(count * stroke_rate_scale for count in range(256))
        # Dividing by 10 is exact where multiplying by 0.1 is not.
        self._energy_divisor = 1 / energy_scale
        self._use_distance = use_distance
        self._payload_limit = payload_limit
        self._layouts: dict[int, _Layout] = {}

    def read(self, payload: bytes, t_ns: int, source: str) -> RowerSample | Undecoded:
        """As `decode_rower_data`."""
        size = len(payload)
        if size < _FLAGS_BYTES:
            reason = f"2ad1: {_FLAGS_BYTES} bytes or more expected, got {size}"
            return Undecoded(t_ns=t_ns, source=source, reason=reason)
        key = payload[0] | payload[1] << 8 | size << 16
        layout = self._layouts.get(key) or self._learn(key)
        values = dict(zip(layout.names, layout.unpack(payload, _FLAGS_BYTES), strict=True))
        for name, unavailable in layout.unavailable:
            if values[name] == unavailable:
                values[name] = None
        for name, convert in layout.convert:
            values[name] = convert(values[name])
        return RowerSample(
            t_ns=t_ns,
            source=source,
            complete=layout.complete,
            truncated=layout.truncated,
            extra_bytes=layout.extra_bytes,
            **values,
        )

    def _learn(self, key: int) -> _Layout:
        """Work out a layout and keep it; forget all others when there are suspiciously many."""
        if len(self._layouts) >= self._MOST_LAYOUTS:
            self._layouts.clear()
        layout = self._layouts[key] = self._layout(key & 0xFFFF, key >> 16)
        return layout

    def _layout(self, flags: int, size: int) -> _Layout:
        announced = [f for f in _FIELDS if (flags ^ _MORE_DATA) >> f.bit & 1]
        length = _FLAGS_BYTES + sum(f.width for f in announced)
        if flags >> _RESISTANCE_BIT & 1 and size == length - 1 and size != self._payload_limit:
            # One byte short and not cut by the link: the supplement's one-byte resistance level.
            announced = [
                _Field(f.bit, f.name, "B") if f.bit == _RESISTANCE_BIT else f for f in announced
            ]
        ends = accumulate((f.width for f in announced), initial=_FLAGS_BYTES)
        next(ends)
        fitting = [f for f, end in zip(announced, ends, strict=True) if end <= size]
        used = _FLAGS_BYTES + sum(f.width for f in fitting)
        truncated = len(fitting) < len(announced)
        kept = [f for f in fitting if self._use_distance or f.name != "distance_m"]
        packing = "<" + "".join(f.code if f in kept else f"{f.width}x" for f in fitting)
        converters: dict[str, Callable[[Any], float | None]] = {
            "stroke_rate_spm": self._rates.__getitem__,
            "average_stroke_rate_spm": self._rates.__getitem__,
            "distance_m": _unsigned24,
            "met": _MET.__getitem__,
        }
        if self._energy_divisor != 1:
            converters["energy_kcal"] = self._energy
        return _Layout(
            unpack=Struct(packing).unpack_from,
            names=tuple(f.name for f in kept),
            unavailable=tuple((f.name, f.unavailable) for f in kept if f.unavailable is not None),
            convert=tuple((f.name, converters[f.name]) for f in kept if f.name in converters),
            complete=not flags & _MORE_DATA,
            truncated=truncated,
            extra_bytes=0 if truncated else size - used,
        )

    def _energy(self, kcal: int | None) -> float | None:
        return None if kcal is None else kcal / self._energy_divisor


def decode_rower_data(
    payload: bytes,
    *,
    t_ns: int,
    source: str,
    stroke_rate_scale: float = DEFAULT_STROKE_RATE_SCALE,
    energy_scale: float = 1.0,
    use_distance: bool = True,
    payload_limit: int = DEFAULT_PAYLOAD_LIMIT,
) -> RowerSample | Undecoded:
    """The sample that one Rower Data (0x2AD1) notification carries; no payload raises.

    Fewer than two bytes are Undecoded. A field that does not fit whole is absent with all after
    it, and the sample is marked truncated; surplus bytes are counted; reserved flag bits are
    ignored. `complete` is False when the machine announces more notifications of this record.

    The resistance level is two bytes signed. It is read as one byte when the payload is exactly
    one byte shorter than announced and was not cut by the link, that is, is not `payload_limit`
    bytes long. The level is reported as sent.

    The options are those of `ftms.RowerDecoder`; one out of range raises ValueError.
    """
    reader = _reader(stroke_rate_scale, energy_scale, use_distance, payload_limit)
    return reader.read(payload, t_ns, source)


def encode_rower_data(
    sample: RowerSample,
    *,
    more_data: bool = False,
    stroke_rate_scale: float = DEFAULT_STROKE_RATE_SCALE,
    narrow_resistance: bool = False,
) -> bytes:
    """One Rower Data (0x2AD1) notification, the inverse of `decode_rower_data`.

    Fields that are not None are sent, rounded to the field's resolution and clamped to what it
    can hold short of "not available". Of the three energies, which share a flag, those that are
    None are sent as "not available". Stroke rate and stroke count are sent exactly when
    `more_data` is clear, as 0 when None; with `more_data` they are left out. Fields that the
    standard has no place for (drag factor, speed) are left out too, and so are surplus bytes.

    Args:
        sample: what to send; its `complete` is not looked at.
        more_data: whether further notifications of this record follow.
        stroke_rate_scale: strokes per minute of one count of both stroke rates; 1 acts like a
            machine that does not double them.
        narrow_resistance: whether the resistance level takes one byte, unsigned.

    Raises ValueError for a value that is not a finite number.
    """
    groups = [
        group for group in _GROUPS[1:] if any(getattr(sample, f.name) is not None for f in group)
    ]
    return _encode_part(sample, groups, more_data, stroke_rate_scale, narrow_resistance)


def encode_split(
    sample: RowerSample,
    limit: int = DEFAULT_PAYLOAD_LIMIT,
    *,
    stroke_rate_scale: float = DEFAULT_STROKE_RATE_SCALE,
) -> tuple[bytes, ...]:
    """One record as the notifications that carry it, each of at most `limit` bytes.

    A record that fits is one notification. Else, as the standard asks, all parts but the last
    have "more data" set, and the last carries stroke rate and stroke count. Fields keep their
    order, each is sent once, and `assemble` joins them again.

    Raises ValueError for a limit below 7, which cannot hold the energies, and for a value that is
    not a finite number.
    """
    room = limit - _FLAGS_BYTES
    if room < max(map(_width, _GROUPS)):
        raise ValueError(f"a limit of {limit} bytes cannot hold every field; use 7 or more")
    waiting = [g for g in _GROUPS[1:] if any(getattr(sample, f.name) is not None for f in g)]
    parts: list[bytes] = []
    while sum(map(_width, waiting)) + _width(_GROUPS[0]) > room:
        count = sum(end <= room for end in accumulate(map(_width, waiting)))
        parts.append(_encode_part(sample, waiting[:count], True, stroke_rate_scale, False))
        del waiting[:count]
    parts.append(_encode_part(sample, waiting, False, stroke_rate_scale, False))
    return tuple(parts)


def assemble(samples: Iterable[RowerSample]) -> Iterator[RowerSample]:
    """Join the parts of split records; give it the samples of one source and one connection.

    A record ends with the part that has "more data" clear (`complete`), and is cut short when a
    part repeats one of its fields or when the samples end (not `complete`). A record has the
    time stamp of its last part, is truncated when any part was, and counts all surplus bytes.
    A field that was sent as "not available" is None in a sample and cannot repeat another.

    For what to show now, look at the samples: some machines send the closing part only once a
    stroke, and none in a pause.
    """
    pending: RowerSample | None = None
    held: dict[str, Any] = {}
    for sample in samples:
        said = {name: value for name in _VALUES if (value := getattr(sample, name)) is not None}
        if pending is not None and not held.keys().isdisjoint(said):
            yield replace(pending, complete=False, **held)
            pending, held = None, {}
        held |= said
        pending = replace(
            sample,
            truncated=sample.truncated or (pending is not None and pending.truncated),
            extra_bytes=sample.extra_bytes + (pending.extra_bytes if pending is not None else 0),
        )
        if sample.complete:
            yield replace(pending, **held)
            pending, held = None, {}
    if pending is not None and held:
        yield replace(pending, complete=False, **held)


_NOT_VALUES: Final = frozenset({"t_ns", "source", "complete", "truncated", "extra_bytes"})
_VALUES: Final = tuple(f.name for f in fields(RowerSample) if f.name not in _NOT_VALUES)
_MET: Final = tuple(count / _MET_PER_COUNT for count in range(256))


@lru_cache(maxsize=64)
def _reader(
    stroke_rate_scale: float, energy_scale: float, use_distance: bool, payload_limit: int
) -> RowerDataReader:
    return RowerDataReader(
        stroke_rate_scale=stroke_rate_scale,
        energy_scale=energy_scale,
        use_distance=use_distance,
        payload_limit=payload_limit,
    )


def _unsigned24(payload: bytes) -> int:
    return int.from_bytes(payload, "little")


def _width(group: tuple[_Field, ...]) -> int:
    return sum(f.width for f in group)


def _encode_part(
    sample: RowerSample,
    groups: Iterable[tuple[_Field, ...]],
    more_data: bool,
    stroke_rate_scale: float,
    narrow_resistance: bool,
) -> bytes:
    """A notification with these groups of fields, and the stroke fields unless more follows."""
    sent = [f for group in groups for f in group]
    flags = 0
    for field in sent:
        flags |= 1 << field.bit
    if more_data:
        flags |= _MORE_DATA
    else:
        sent = [*_GROUPS[0], *sent]
    packer = Packer().unsigned(flags, _FLAGS_BYTES)
    scales = {
        "stroke_rate_spm": stroke_rate_scale,
        "average_stroke_rate_spm": stroke_rate_scale,
        "met": 1 / _MET_PER_COUNT,
    }
    for field in sent:
        value = getattr(sample, field.name)
        if value is None:
            packer.unsigned(field.unavailable or 0, field.width)
            continue
        count = _nearest(field.name, value / scales.get(field.name, 1))
        if field.unavailable is not None:
            count = min(count, field.unavailable - 1)
        if field.name == "resistance" and narrow_resistance:
            packer.unsigned(count, 1)
        elif field.code == "h":
            packer.signed(count, field.width)
        else:
            packer.unsigned(count, field.width)
    return packer.bytes()


def _nearest(name: str, value: float) -> int:
    if not isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value}")
    return round(value)
