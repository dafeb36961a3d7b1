"""What the tracker of a session knows at any moment: the piece under way, and all around it."""

from __future__ import annotations

from dataclasses import dataclass, field

from rowlog.crossings import Mark, Track
from rowlog.figures import Stream, Sums, Total
from rowlog.outset import Dated, Rested
from rowlog.plan import ROW, Piece, Plan, Target
from rowlog.programmed import Step
from rowlog.segments import Recovery, Segment, Split
from rowlog.timeline import STILL_NS, Position


@dataclass(slots=True)
class Open:
    """A segment or split that has begun."""

    start: Mark
    unseen: bool = False
    """Whether it began in a stretch that nobody saw: its counters there are estimated."""
    missed: bool = False
    """Whether the rower was not heard in part of it."""
    total: Total = field(default_factory=Total)
    segment_index: int = 0
    index: int = 0


Found = list[Segment | Split]


class State:
    """What is remembered from one thing that comes in to the next, and follows from it at once."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan
        self.pieces: tuple[Piece, ...] = (
            plan.pieces if plan is not None else (Piece(kind="work", target=Target(type="open")),)
        )
        self.segments: list[Segment] = []
        self.work = Total()
        self.rowed = Total()
        """Of the work, what was on the machine."""
        self.rest = Total()
        self.session_heart_rate: dict[str, Sums] = {}
        self.straps: set[str] = set()
        self._heart_rates: dict[str, Stream] = {}
        self._power = Stream()
        self._drag = Stream()
        self._powered = False
        self._track = Track()
        self.first = 0
        """The piece that a session begins with: not the plan's first where a key left that out."""
        self.at = -1
        self.begin: Mark | None = None
        self._from_zero = False
        self._cursor_ns = 0
        self._nothing_until_ns = 0
        """No boundary comes before this, whatever is fed but keys; 0: not known."""
        self._exact_elapsed = False
        self._cut_mark = Mark(t_ns=0)
        self._segment: Open | None = None
        self._split: Open | None = None
        self._split_count = 0
        self._split_step: Target | None = None
        self._split_target: Target | None = None
        self.paused = False
        self._still = False
        self._motion_ns = 0
        self.held: Mark | None = None
        """Where the piece stood when a key paused it; None while none has."""
        self.pauses_ns: list[int] = []
        """Keys that begin and end pauses in turn from now on: the next sample is to show where."""
        self.key_ns: int | None = None
        """When a key ended the piece, while the next sample is to show where; else None."""
        self._heart_rate_near_ns: int | None = None
        """The first reading that reached the piece's heart rate, while it is doubted."""
        self._heart_rate_hit_ns: int | None = None
        self.last_work_s = 0.0
        self._recoveries: list[Recovery] = []
        self._now_ns = 0
        self._found: Found = []
        self._started = False
        self._first_ns = 0
        self.device_led = False
        """Whether the segments are the monitor's own: it holds a workout, and there is no plan."""
        self.workout: list[list[int]] = []
        """The segments of each interval of the monitor's latest workout: several with pauses."""
        self.split_length: Target | None = None
        """Of the splits of the monitor's intervals; None: the customary ones."""
        self._workout_over = True
        self._monitors: Target | None = None
        """What the monitor's work ends with; None while it has none."""
        self._programmed = False
        """Whether the monitor's workout is more than a free row."""
        self._unheard: Step | None = None
        """A step that was told after a gap, until it is told how far the rower went in that."""
        self._back: Position | None = None
        """Where the rower was heard again in a rest whose start was not seen."""
        self._counted_again = False
        """Whether its strokes have been counted since then."""
        self._uncounted: int | None = None
        """How many strokes were counted when others, that nobody saw, were not yet: those are told
        with the next one alone. None: all have been told."""
        self._waiting: list[Position] = []
        """What was heard since a stretch in which all began that nobody saw, until it is told how
        fast somebody rows."""
        self._lost_ns = 0
        """When the rower was heard last before that stretch."""
        self._dated: Dated | None = None
        """The piece in which somebody is after that stretch, as far as can be told."""
        self.hindsight: Dated | None = None
        """When a piece began in a stretch that nobody saw, where that was found out later, and
        this goes through it again."""
        self.hindsight_serves = False
        """Whether the stretch could be gone through with it."""
        self._rested: Rested | None = None
        """A rest that began in a stretch that nobody saw, until it is seen when it ends."""
        self._resumed: list[Position] = []
        """What was heard since a stretch at whose end somebody is thought to row again, until it is
        seen whether that is so."""
        self.found_out: Dated | None = None
        """When that rest began, or that somebody is in it still."""

    def _told(self) -> Found:
        found, self._found = self._found, []
        return found

    @property
    def _piece(self) -> Piece | None:
        return self.pieces[self.at] if 0 <= self.at < len(self.pieces) else None

    @property
    def _rowing(self) -> bool:
        """Whether a piece of work on the machine is going on."""
        piece = self._piece
        return piece is not None and piece.kind == "work" and piece.activity == ROW

    @property
    def _several(self) -> bool:
        """Whether pieces are told apart by their number."""
        return self.plan is not None or self.device_led

    @property
    def _number(self) -> int:
        """The number of the piece under way."""
        return self.at

    @property
    def _starts_at_once(self) -> bool:
        """Whether the first piece waits for no stroke."""
        first = self.pieces[self.first]
        return first.activity != ROW or first.kind == "rest"

    @property
    def _heart_rate_source(self) -> str | None:
        """The source that is believed: a strap before the machine's relayed value."""
        for source in self._heart_rates:
            if source in self.straps:
                return source
        return next(iter(self._heart_rates), None)

    def _on_floor(self, piece: Piece) -> bool:
        if piece.kind == "work":
            return piece.activity != ROW
        return self.at > 0 and self.pieces[self.at - 1].activity != ROW

    def _on_machine_time(self, piece: Piece) -> bool:
        return piece.kind == "work" and piece.activity == ROW and self._track.exact_elapsed

    @property
    def paused_by_key(self) -> bool:
        """Whether a key has paused the piece, and nothing has ended that yet."""
        return (self.held is not None) ^ (len(self.pauses_ns) % 2 == 1)

    def _unseen_since(self, t_ns: int) -> bool:
        """Whether the rower was not heard for so long that it may have stopped."""
        last = self._track.last
        return last is not None and t_ns - last.t_ns > STILL_NS
