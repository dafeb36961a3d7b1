"""What a view of a running session shows: one frozen picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from rowlog.plan import PieceKind, Target
from rowlog.standing import Held, Standing
from rowlog.zones import Zones
from rowlog_drivers.interface import Complaint

TRACE_S: Final = 300
"""How many seconds the traces reach back, one value a second."""

PieceState = Literal["done", "now", "next", "later"]
LinkState = Literal["waiting", "heard", "silent", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What is told of a recording once a second."""

    session_id: int
    t_s: float
    """Session time."""
    frames_committed: int
    """How many of the session's frames are in the database."""
    standing: Standing
    guidance: tuple[Held, ...]
    """Whether the piece's guidance is kept; () where it has none."""
    distance_m: float | None
    stroke_count: int | None
    energy_kcal: float | None
    pace_s_per_500m: float | None
    """None when unknown, standing still, or older than a few seconds."""
    stroke_rate_spm: float | None
    power_w: float | None
    heart_rate_bpm: float | None
    trouble: str | None
    """What is wrong with the database at the moment, in a sentence."""
    memory_left_s: float | None
    """How many seconds more are held in memory what cannot be stored; None when nothing is."""
    complaints: tuple[Complaint, ...]
    """Of devices that are not heard at the moment; () when all are."""
    pace_m: float = 500.0
    """The metres that people tell the pace for on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripPiece:
    """One piece of the plan, as a strip of the whole workout shows it."""

    kind: PieceKind
    activity: str
    """"row", or an exercise's name: the user's own text, to be escaped where it is shown."""
    target: Target
    text: str
    """The target in a few characters: "500m", "1:30", "20cal", "<120bpm", "open"."""
    weight_s: float
    """About how long it takes, for the width of its place in the strip; above 0."""
    state: PieceState
    share: float
    """How much of it is done, 0 to 1; 0 for what is open or ends by heart rate until it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rep:
    """One finished stretch of work; None is not known."""

    number: int
    """From 1, among all stretches of work; one that was interrupted by a pause counts twice."""
    activity: str
    target: str | None
    """In a few characters, as in StripPiece; None where nothing was planned."""
    ended_by: str
    duration_s: float
    distance_m: float | None
    pace_s_per_500m: float | None
    stroke_rate_spm: float | None
    power_w: float | None
    mean_heart_rate_bpm: float | None
    max_heart_rate_bpm: float | None
    end_heart_rate_bpm: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How one device is heard."""

    source: str
    """"rower", "strap", ...: its name in frames."""
    state: LinkState
    """"waiting": nothing has come of it yet; "silent": less often than usual; "lost": its link
    is down."""
    heard_s: float | None
    """Session time of its newest frame; None before the first."""
    gaps: int
    """How many stretches without it are over."""
    losses: int
    """How often its link went down."""
    trouble: str | None
    """What is wrong, in a few words; None when nothing is."""
    advice: str | None
    """The one thing to do about it, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The last minutes of one quantity, a value for each whole second of session time."""

    end_s: int
    """The second of the last value."""
    values: tuple[float | None, ...]
    """Oldest first, TRACE_S of them at most; None for a second without a value."""


NO_TRACE: Final = Trace(end_s=0, values=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A running session at one instant: all that any view shows.

    Whoever shows it later than it was made may let its clock run on: `since(seconds)`.
    """

    number: int
    """1 for the first picture of a session, rising: a reader sees by it what is newer."""
    moment: Moment
    """`t_s` is when this was made, by the session's clock: it may be later than any frame."""
    started_at: datetime
    """Wall time of the session's instant 0, with its offset."""
    speed: float
    """Session seconds in one second of life: 1 but in a simulation that runs faster."""
    plan: str | None
    """The plan's canonical text; None where nothing was planned."""
    machine: str | None
    """Manufacturer and model, or the advertised name; from the air, to be escaped; None unknown."""
    strip: tuple[StripPiece, ...]
    """All pieces of the plan, or those of the monitor's own workout so far; () without either."""
    at: int | None
    """The place in `strip` of the piece that goes on; None before the first and after the last."""
    countdown_s: float | None
    """Seconds until time ends this piece; None where time does not. What comes then is
    `moment.standing.next`: into work where this is a rest, out of it where this is work."""
    to_go_s: float | None
    """Seconds that are left of this piece: the countdown, or an estimate by the present pace for
    a distance; None where it cannot be said."""
    zones: Zones | None
    """The athlete's heart-rate zones; None as long as they are not known."""
    zone: int | None
    """The zone of the heart rate: 0 to 4 for `zones.names`, -1 below them; None unknown."""
    ceiling_bpm: float | None
    """Above this the heart is to be given a rest: the upper end of the piece's guidance, else the
    athlete's maximum; None when neither is known."""
    above_ceiling: bool
    reps: tuple[Rep, ...]
    """The latest finished reps, oldest first, REPS at most."""
    rep_count: int
    heart_rate: Trace
    power: Trace
    sources: tuple[Source, ...]
    """The session's devices, in the order in which they were opened."""
    gaps: int
    """How many stretches without a device are over, of all devices."""
    heard_s: float | None
    """Session time of the newest frame of any device; None before the first. What `t_s` is ahead
    of it by is how stale all this is."""
    held: bool
    """Whether a key has paused the piece: its clock and metres stand. (A stop without a key is a
    `pause` by `moment.standing.phase` too, but the clock of a timed piece runs on in it.)"""
    closed: bool
    """Whether the session is over and stored: no picture follows."""

    @property
    def zone_name(self) -> str | None:
        """The zone of the heart rate by name, "below" for under the first; None unknown."""
        if self.zones is None or self.zone is None:
            return None
        return self.zones.names[self.zone] if self.zone >= 0 else "below"

    def since(self, seconds: float) -> Live:
        """The picture as it is so many seconds of life later, if nothing else came: clocks run on.

        Session time, the piece's seconds, the countdown and what is left of a time move; nothing
        goes below 0, and no piece ends by it.
        """
        passed_s = seconds * self.speed
        if self.closed or passed_s <= 0:
            return self
        where = self.moment.standing
        going = where.phase in ("work", "rest", "pause") and not self.held
        timed = self.countdown_s is not None and where.piece is not None
        timed = timed and where.piece.target.type in ("time", "ratio")  # type: ignore[union-attr]
        seconds_in, to_go = where.seconds, where.to_go
        if going:
            most_s = passed_s if self.countdown_s is None else min(passed_s, self.countdown_s)
            seconds_in += most_s
            if timed and to_go is not None:
                to_go = max(0.0, to_go - passed_s)
        strip = self.strip
        if timed and going and self.at is not None and to_go is not None:
            whole_s = to_go + seconds_in
            share = seconds_in / whole_s if whole_s > 0 else 1.0
            strip = put_piece(strip, self.at, replace(strip[self.at], share=min(1.0, share)))
        return replace(
            self,
            moment=replace(
                self.moment,
                t_s=self.moment.t_s + passed_s,
                standing=replace(where, seconds=seconds_in, to_go=to_go),
            ),
            strip=strip,
            countdown_s=_less(self.countdown_s, passed_s),
            to_go_s=_less(self.to_go_s, passed_s) if going else self.to_go_s,
        )


def _less(value: float | None, by: float) -> float | None:
    return None if value is None else max(0.0, value - by)


def put_piece(strip: tuple[StripPiece, ...], at: int, piece: StripPiece) -> tuple[StripPiece, ...]:
    """The strip with another piece in a place."""
    return (*strip[:at], piece, *strip[at + 1 :])


def target_text(target: Target) -> str:
    """A target in a few characters: "500m", "1:30", "20cal", "<120bpm", "open"."""
    value = target.value
    if value is None:
        return "open"
    if target.type == "time":
        return _clock_text(value)
    if target.type == "distance":
        return f"{value:.1f}".removesuffix(".0") + "m"
    if target.type == "energy":
        return f"{value:.0f}cal"
    if target.type == "ratio":
        return f"{value:.2g}x"
    return f"{'>' if target.type == 'heart_rate_above' else '<'}{value:.0f}bpm"


def _clock_text(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return text + (f".{thousandths:03}".rstrip("0") if thousandths else "")
