"""The board of a running session: keeps what views show of it, and makes pictures of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.derivation import Derivation, Derived
from rowlog.live import (
    NO_TRACE,
    TRACE_S,
    LinkState,
    Live,
    Moment,
    PieceState,
    Rep,
    Source,
    StripPiece,
    Trace,
    put_piece,
    target_text,
)
from rowlog.plan import ROW, Piece, Plan
from rowlog.segments import Segment
from rowlog.standing import Standing
from rowlog.timeline import Gap
from rowlog.zones import Zones
from rowlog_drivers.records import Link, MachineInfo

FRESH_S: Final = 5
"""After a longer time without pictures the traces have a hole: a value stands for no longer."""
REPS: Final = 40
"""So many finished reps are kept for the table; `rep_count` counts all."""


@dataclass(slots=True)
class _Heard:
    """What the board keeps of one device."""

    heard_ns: int | None = None
    gaps: int = 0
    losses: int = 0
    down: str | None = None


@dataclass(slots=True)
class _Traced:
    """One quantity, second by second."""

    values: deque[float | None] = field(default_factory=lambda: deque(maxlen=TRACE_S))
    told: Trace = NO_TRACE


class Board:
    """Keeps what views show of one session, and makes pictures of it.

    Takes everything that a session's derivation takes, in the same order; its memory does not
    grow with the session. Pure: the same feed gives the same pictures.
    """

    def __init__(
        self,
        *,
        started_at: datetime,
        plan: Plan | None = None,
        zones: Zones | None = None,
        sources: Sequence[str] = (),
        machine: str | None = None,
        speed: float = 1.0,
    ) -> None:
        """`sources` are the names of the devices; `machine` what the rower is called until it
        says so itself.
        """
        self._started_at = started_at
        self._plan = plan
        self._zones = zones
        self._speed = speed
        self._heard = {source: _Heard() for source in sources}
        self._machine = machine
        self._maker: str | None = None
        self._model: str | None = None
        self._newest_ns: int | None = None
        self._traced_s = 0
        self._heart_rate = _Traced()
        self._power = _Traced()
        self._reps: tuple[Rep, ...] = ()
        self._rep_count = 0
        self._reps_of: tuple[int, int] = (0, 0)
        self._strip: tuple[StripPiece, ...] = ()
        self._strip_of: tuple[int, tuple[Piece, ...]] = (-2, ())
        self._number = 0

    def take(self, derivation: Derivation, derived: Derived, moment: Moment) -> None:
        """What came in, and the moment that it led to."""
        for delivery in derived.deliveries:
            frame = delivery.frame
            if frame is None or frame.sent or frame.channel in ("link", "key"):
                continue
            heard = self._heard.setdefault(frame.source, _Heard())
            heard.heard_ns = max(heard.heard_ns or 0, frame.t_ns)
            heard.down = None
            self._newest_ns = max(self._newest_ns or 0, frame.t_ns)
        for fact in derived.facts:
            if isinstance(fact, Link):
                heard = self._heard.setdefault(fact.source, _Heard())
                heard.down = None if fact.up else fact.reason or "link lost"
                heard.losses += not fact.up
            elif isinstance(fact, Gap):
                self._heard.setdefault(fact.source, _Heard()).gaps += 1
            elif isinstance(fact, MachineInfo) and fact.source == derivation.pipeline.rower:
                self._maker = fact.manufacturer or self._maker
                self._model = fact.model or self._model
        self._trace(moment)
        self._count_reps(derivation.pipeline.tracker.segments)

    def live(self, derivation: Derivation, moment: Moment, *, closed: bool = False) -> Live:
        """A picture of the session as `moment` has it."""
        where = moment.standing
        pipeline = derivation.pipeline
        self._number += 1
        at = self._place(derivation, where)
        held = pipeline.tracker.paused_by_key
        countdown_s = None if held else _countdown_s(where)
        zone = zone_of(self._zones, moment.heart_rate_bpm)
        ceiling_bpm = self._ceiling_bpm(moment)
        bpm = moment.heart_rate_bpm
        named = " ".join(filter(None, (self._maker, self._model)))
        return Live(
            number=self._number,
            moment=moment,
            started_at=self._started_at,
            speed=self._speed,
            plan=None if self._plan is None else self._plan.text,
            machine=named or self._machine,
            strip=self._strip_at(derivation, where, at),
            at=at,
            countdown_s=countdown_s,
            to_go_s=countdown_s if countdown_s is not None else _estimated_s(moment),
            zones=self._zones,
            zone=zone,
            ceiling_bpm=ceiling_bpm,
            above_ceiling=bpm is not None and ceiling_bpm is not None and bpm > ceiling_bpm,
            reps=self._reps,
            rep_count=self._rep_count,
            heart_rate=self._heart_rate.told,
            power=self._power.told,
            sources=tuple(
                self._source(name, heard, derivation, moment) for name, heard in self._heard.items()
            ),
            gaps=pipeline.timeline.gap_count,
            heard_s=None if self._newest_ns is None else self._newest_ns / SECOND_NS,
            held=held,
            closed=closed,
        )

    def _trace(self, moment: Moment) -> None:
        """A value for every whole second that has begun since the last one."""
        now_s = int(moment.t_s)
        missing = now_s - self._traced_s
        if missing <= 0:
            return
        self._traced_s = now_s
        for traced, value in (
            (self._heart_rate, moment.heart_rate_bpm),
            (self._power, moment.power_w),
        ):
            unseen = max(0, missing - FRESH_S)
            traced.values.extend([None] * min(unseen, TRACE_S))
            traced.values.extend([value] * (missing - unseen))
            traced.told = Trace(end_s=now_s, values=tuple(traced.values))

    def _count_reps(self, segments: Sequence[Segment]) -> None:
        """The table of reps anew where there are other segments; a key may take some back."""
        mark = (len(segments), hash(segments[-1].end.t_ns) if segments else 0)
        if mark == self._reps_of:
            return
        self._reps_of = mark
        self._rep_count = sum(one.kind == "work" for one in segments)
        latest = islice((one for one in reversed(segments) if one.kind == "work"), REPS)
        self._reps = tuple(_rep(self._rep_count - back, one) for back, one in enumerate(latest))[
            ::-1
        ]

    def _place(self, derivation: Derivation, where: Standing) -> int | None:
        """The place of the piece that goes on in the strip."""
        tracker = derivation.pipeline.tracker
        if where.piece is None:
            return None
        if where.index is not None:
            return where.index
        return tracker.at if tracker.device_led and tracker.at < len(tracker.pieces) else None

    def _strip_at(
        self, derivation: Derivation, where: Standing, at: int | None
    ) -> tuple[StripPiece, ...]:
        tracker = derivation.pipeline.tracker
        if tracker.plan is None and not tracker.device_led:
            return ()
        ended = len(tracker.pieces)
        place = at if at is not None else -1 if where.phase == "waiting" else ended
        if self._strip_of[0] != place or self._strip_of[1] is not tracker.pieces:
            self._strip_of = (place, tracker.pieces)
            self._strip = strip_of(tracker.pieces, place)
        if at is None or at >= len(self._strip):
            return self._strip
        return put_piece(self._strip, at, replace(self._strip[at], share=_share(where)))

    def _ceiling_bpm(self, moment: Moment) -> float | None:
        for held in moment.guidance:
            if held.quantity == "heart_rate_bpm" and held.high is not None:
                return held.high
        return None if self._zones is None else self._zones.top_bpm

    def _source(self, name: str, heard: _Heard, derivation: Derivation, moment: Moment) -> Source:
        complaint = next((one for one in moment.complaints if one.source == name), None)
        state: LinkState = "waiting" if heard.heard_ns is None else "heard"
        if heard.down is not None:
            state = "lost"
        elif complaint is not None or derivation.pipeline.timeline.silent(name):
            state = "silent"
        return Source(
            source=name,
            state=state,
            heard_s=None if heard.heard_ns is None else heard.heard_ns / SECOND_NS,
            gaps=heard.gaps,
            losses=heard.losses,
            trouble=complaint.trouble if complaint is not None else heard.down,
            advice=complaint.advice if complaint is not None else None,
        )


def zone_of(zones: Zones | None, bpm: float | None) -> int | None:
    """The zone that a heart rate lies in: 0 for the first, -1 below it; None unknown."""
    if zones is None or bpm is None:
        return None
    return sum(bpm >= limit for limit in zones.limits_bpm) - 1


def strip_of(pieces: Sequence[Piece], at: int) -> tuple[StripPiece, ...]:
    """The plan as a strip, with the piece at `at` going on; -1: none has begun."""
    strip: list[StripPiece] = []
    work_s = 60.0
    for place, piece in enumerate(pieces):
        weight_s = _about_s(piece, work_s)
        if piece.kind == "work":
            work_s = weight_s
        state: PieceState = "done" if place < at else "later"
        if place == at:
            state = "now"
        elif place == at + 1:
            state = "next"
        strip.append(
            StripPiece(
                kind=piece.kind,
                activity=piece.activity,
                target=piece.target,
                text=target_text(piece.target),
                weight_s=weight_s,
                state=state,
                share=1.0 if state == "done" else 0.0,
            )
        )
    return tuple(strip)


def _about_s(piece: Piece, work_s: float) -> float:
    """About how long a piece takes, in seconds."""
    target = piece.target
    if target.value is None:
        return target.at_most_s or 60.0
    if target.type == "time":
        return max(1.0, target.value)
    if target.type == "distance":
        return max(1.0, target.value / 500.0 * 120.0)
    if target.type == "energy":
        return max(1.0, target.value * 4.5)  # about 800 kcal an hour
    if target.type == "ratio":
        return max(1.0, target.value * work_s)
    return target.at_most_s or 60.0


def _share(where: Standing) -> float:
    """How much of the piece that goes on is done; 0 where that cannot be said."""
    piece, to_go = where.piece, where.to_go
    if piece is None or to_go is None or piece.target.value is None:
        return 0.0
    if piece.target.type in ("distance", "energy"):
        whole = piece.target.value
    elif piece.target.type in ("time", "ratio"):
        whole = to_go + where.seconds
    else:
        return 0.0
    return min(1.0, max(0.0, 1.0 - to_go / whole)) if whole > 0 else 1.0


def _countdown_s(where: Standing) -> float | None:
    """Seconds until time ends the piece; its limit where it has one."""
    piece = where.piece
    if piece is None or where.phase not in ("work", "rest", "pause"):
        return None
    left: list[float] = []
    if piece.target.type in ("time", "ratio") and where.to_go is not None:
        left.append(where.to_go)
    if piece.target.at_most_s is not None:
        left.append(max(0.0, piece.target.at_most_s - where.seconds))
    return min(left, default=None)


def _estimated_s(moment: Moment) -> float | None:
    """Seconds that are left of a distance at the present pace."""
    where, pace = moment.standing, moment.pace_s_per_500m
    piece = where.piece
    if piece is None or piece.target.type != "distance" or where.to_go is None or not pace:
        return None
    return where.to_go / 500.0 * pace


def _rep(number: int, segment: Segment) -> Rep:
    figures = segment.figures
    rowed = segment.activity == ROW
    return Rep(
        number=number,
        activity=segment.activity,
        target=None if segment.target is None else target_text(segment.target),
        ended_by=segment.ended_by,
        duration_s=figures.duration_s,
        distance_m=figures.distance_m if rowed else None,
        pace_s_per_500m=figures.mean_pace_s_per_500m if rowed else None,
        stroke_rate_spm=figures.mean_stroke_rate_spm if rowed else None,
        power_w=figures.mean_power_w if rowed else None,
        mean_heart_rate_bpm=figures.mean_heart_rate_bpm,
        max_heart_rate_bpm=figures.max_heart_rate_bpm,
        end_heart_rate_bpm=figures.end_heart_rate_bpm,
    )
