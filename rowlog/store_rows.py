"""Each record as a row of its table and back; the columns are the record's fields."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

from rowlog.crossings import Mark
from rowlog.figures import Figures
from rowlog.intervals import Segment, Split
from rowlog.plan import Target
from rowlog.timeline import Anomaly, Gap
from rowlog.totals import SessionTotals
from rowlog.undoing import TakenBack
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.records import (
    ControlReply,
    HeartRate,
    Link,
    MachineInfo,
    MachineSplit,
    MachineState,
    MachineSummary,
    Marker,
    Record,
    Stroke,
    Undecoded,
)

Row = tuple[Any, ...]
"""Values that SQLite can hold: int, float, str, bytes, None."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A device of a session, as the `sources` table keeps it."""

    name: str
    driver: str
    """Name of the driver in the catalogue."""
    address: str | None = None
    """Where it was found ("ble:AA:BB:...", "serial:/dev/..."); None when nobody said."""
    options: tuple[tuple[str, str], ...] = ()
    """(key, value) pairs in order: the advertised `name`, and decoder options."""

    @property
    def header(self) -> SourceHeader:
        """The same as a `# source:` line of a .frames file, which is what makes a decoder."""
        return SourceHeader(name=self.name, driver=self.driver, options=self.options)


@dataclass(frozen=True, slots=True)
class Shape(Generic[R]):
    """How one type of record lies in its table."""

    table: str
    type: type[R]
    columns: tuple[str, ...]
    """In the order of `pack`; without the session's, segmentation's and seq columns."""
    pack: Callable[[R], Row]
    unpack: Callable[[Sequence[Any]], R]
    numbered: bool = True
    """Whether rows are told apart by a `seq` that the store gives them."""

    @property
    def selected(self) -> str:
        """The columns as they stand in a query."""
        return ", ".join(f'"{column}"' for column in self.columns)


def _pairs_text(pairs: tuple[tuple[str, str | float], ...]) -> str:
    return json.dumps(dict(pairs), separators=(",", ":"))


def _pairs(text: str) -> tuple[tuple[str, Any], ...]:
    return tuple(json.loads(text).items())


def _json_text(value: object) -> str | None:
    return None if value is None else json.dumps(value, separators=(",", ":"))


def _json_tuple(text: str | None) -> Any:
    """JSON with tuples for its arrays, however deep; None for None."""
    return None if text is None else _tuples(json.loads(text))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _floats(values: tuple[float, ...] | None) -> bytes | None:
    return None if values is None else struct.pack(f"<{len(values)}f", *values)


def _from_floats(blob: bytes | None) -> tuple[float, ...] | None:
    return None if blob is None else struct.unpack(f"<{len(blob) // 4}f", blob)


def _bool(value: int | None) -> bool | None:
    return None if value is None else bool(value)


_Pair = tuple[Callable[[Any], Any], Callable[[Any], Any]]

_AS_BOOL: Final[_Pair] = (_bool, _bool)
_AS_JSON: Final[_Pair] = (_json_text, _json_tuple)
_AS_FLOATS: Final[_Pair] = (_floats, _from_floats)


def _plain(
    table: str, record: type[R], special: dict[str, _Pair] | None = None, *, numbered: bool = True
) -> Shape[R]:
    """The shape of a record each of whose fields is one column."""
    names = tuple(field.name for field in fields(record))  # type: ignore[arg-type]
    pick = attrgetter(*names)
    converters = [(names.index(name), *pair) for name, pair in (special or {}).items()]

    def pack(fact: R) -> Row:
        values: Row = pick(fact)
        if not converters:
            return values
        row = list(values)
        for place, there, _ in converters:
            row[place] = there(row[place])
        return tuple(row)

    def unpack(row: Sequence[Any]) -> R:
        values = list(row)
        for place, _, back in converters:
            values[place] = back(values[place])
        return record(**dict(zip(names, values, strict=True)))

    return Shape(table, record, names, pack, unpack, numbered)


# ------------------------------------------------------------------------- marks and figures

_MARK_FIELDS: Final = tuple(field.name for field in fields(Mark))
_FIGURE_FIELDS: Final = tuple(field.name for field in fields(Figures))
_pick_mark = attrgetter(*_MARK_FIELDS)
_pick_figures = attrgetter(*_FIGURE_FIELDS[:-1])


def _mark_columns(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}_{name}" for name in _MARK_FIELDS)


def _mark(values: Sequence[Any]) -> Mark:
    named = dict(zip(_MARK_FIELDS, values, strict=True))
    return Mark(**{**named, "interpolated": bool(named["interpolated"])})


def _figures_row(figures: Figures) -> Row:
    return (*_pick_figures(figures), _pairs_text(figures.origins))


def _figures(values: Sequence[Any]) -> Figures:
    named = dict(zip(_FIGURE_FIELDS, values, strict=True))
    return Figures(**{**named, "origins": _pairs(named["origins"])})


_MARKS_AT: Final = len(_MARK_FIELDS)


def _pack_segment(segment: Segment) -> Row:
    target = segment.target
    return (
        segment.index,
        segment.piece,
        segment.kind,
        segment.activity,
        target.type if target else None,
        target.value if target else None,
        target.at_most_s if target else None,
        segment.ended_by,
        segment.clock,
        segment.round,
        segment.tag,
        *_pick_mark(segment.start),
        *_pick_mark(segment.end),
        *_figures_row(segment.figures),
    )


def _unpack_segment(row: Sequence[Any]) -> Segment:
    index, piece, kind, activity, target_type, value, at_most_s, ended_by, clock, round_, tag = row[
        :11
    ]
    middle, last = 11 + _MARKS_AT, 11 + 2 * _MARKS_AT
    return Segment(
        index=index,
        piece=piece,
        kind=kind,
        activity=activity,
        target=(
            Target(type=target_type, value=value, at_most_s=at_most_s)
            if target_type is not None
            else None
        ),
        start=_mark(row[11:middle]),
        end=_mark(row[middle:last]),
        ended_by=ended_by,
        clock=clock,
        figures=_figures(row[last:]),
        round=round_,
        tag=tag,
    )


def _pack_split(split: Split) -> Row:
    return (
        split.segment_index,
        split.index,
        *_pick_mark(split.start),
        *_pick_mark(split.end),
        *_figures_row(split.figures),
    )


def _unpack_split(row: Sequence[Any]) -> Split:
    middle, last = 2 + _MARKS_AT, 2 + 2 * _MARKS_AT
    return Split(
        segment_index=row[0],
        index=row[1],
        start=_mark(row[2:middle]),
        end=_mark(row[middle:last]),
        figures=_figures(row[last:]),
    )


# ------------------------------------------------------------------------------- the shapes

STROKES: Final = _plain(
    "strokes", Stroke, {"force_curve_n": _AS_FLOATS, "inferred": _AS_BOOL}, numbered=False
)
HEART_RATES: Final = _plain(
    "heart_rates",
    HeartRate,
    {"rr_ms": _AS_JSON, "contact": _AS_BOOL, "truncated": _AS_BOOL},
)
MARKERS: Final = _plain("markers", Marker)
SEGMENTS: Final = Shape(
    "segments",
    Segment,
    (
        *("index", "piece", "kind", "activity", "target_type", "target_value"),
        *("target_at_most_s", "ended_by", "clock", "round", "tag"),
        *_mark_columns("start"),
        *_mark_columns("end"),
        *_FIGURE_FIELDS,
    ),
    _pack_segment,
    _unpack_segment,
    numbered=False,
)
SPLITS: Final = Shape(
    "splits",
    Split,
    (
        *("segment_index", "index"),
        *_mark_columns("start"),
        *_mark_columns("end"),
        *_FIGURE_FIELDS,
    ),
    _pack_split,
    _unpack_split,
    numbered=False,
)

SHAPES: Final[dict[type, Shape[Any]]] = {
    shape.type: shape
    for shape in (
        STROKES,
        HEART_RATES,
        _plain("machine_states", MachineState, {"parameter": _AS_JSON}),
        _plain(
            "machine_infos",
            MachineInfo,
            {"features": _AS_JSON, "target_features": _AS_JSON, "ranges": _AS_JSON},
        ),
        _plain("machine_splits", MachineSplit),
        _plain("machine_summaries", MachineSummary),
        _plain("control_replies", ControlReply),
        _plain("links", Link, {"up": _AS_BOOL}),
        _plain("undecoded", Undecoded),
        _plain("gaps", Gap),
        _plain("anomalies", Anomaly),
        MARKERS,
        SEGMENTS,
        SPLITS,
    )
}
"""Every type of fact that is stored; others (ticks, rower samples) are made from frames anew."""

STRUCTURE: Final = frozenset({Segment, Split})
"""Facts that belong to a segmentation of the session."""

Fact = Record | Segment | Split | TakenBack

TOTALS: Final = _plain(
    "session_totals",
    SessionTotals,
    {"origins": (_pairs_text, _pairs), "derived": (_pairs_text, _pairs)},
)

FRAME_COLUMNS: Final = ("t_ns", "source", "channel", "payload", "sent", "late_ns")
pack_frame: Final[Callable[[Frame], Row]] = attrgetter(*FRAME_COLUMNS)


def unpack_frame(row: Sequence[Any]) -> Frame:
    """The frame of a row whose values stand in the order of FRAME_COLUMNS."""
    t_ns, source, channel, payload, sent, late_ns = row
    return Frame(
        t_ns=t_ns,
        source=source,
        channel=channel,
        payload=payload,
        sent=bool(sent),
        late_ns=late_ns,
    )


def pack_options(options: Iterable[tuple[str, str]]) -> str:
    """A source's options as JSON text: a list of pairs, since a key may stand twice."""
    return json.dumps([list(pair) for pair in options], separators=(",", ":"))


def unpack_options(text: str) -> tuple[tuple[str, str], ...]:
    """A source's options from JSON text."""
    return tuple((key, value) for key, value in json.loads(text))
