"""A stored session cut in one of several ways: by a plan, by what it looks like, by the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from rowlog.counters import SECOND_NS
from rowlog.cuts import CutTracker, Seen, Watching, with_splits
from rowlog.derivation import Derivation
from rowlog.detecting import cutting
from rowlog.heart import Beats
from rowlog.intervals import Segment, Split, Tracker
from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.plan import Plan, Target
from rowlog.totals import SessionTotals
from rowlog.undoing import without_undone
from rowlog_drivers.device import Decoding
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame
from rowlog_drivers.records import Record

BATCH_FRAMES = 1000

Origin = Literal["device", "plan", "auto", "user"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What one way of cutting leads to."""

    facts: list[Record | Segment | Split]
    totals: SessionTotals
    text: str | None
    """The plan, or the pattern that was recognised."""
    confidence: float | None = None
    relayed: Beats
    """The heart rates that rowers relayed, where no strap was heard."""


def derive(
    frames: Iterable[Frame], decoding: Decoding, plan: Plan | None, end_ns: int | None
) -> Iterator[tuple[tuple[Fact, ...], SessionTotals | None]]:
    """The facts of stored frames, in batches; the last one comes with the session's totals.

    `end_ns` is the session's last instant; None: that of its last frame.
    """
    derivation = Derivation(plan, treatments=decoding.treatments, live=False)
    return _derive(frames, decoding, derivation, end_ns)


def _derive(
    frames: Iterable[Frame], decoding: Decoding, derivation: Derivation, end_ns: int | None
) -> Iterator[tuple[tuple[Fact, ...], SessionTotals | None]]:
    last_ns = 0
    batch = []
    for frame in frames:
        batch.append(decoding.deliver(frame))
        last_ns = frame.t_ns
        if len(batch) >= BATCH_FRAMES:
            yield derivation.take(batch).facts, None
            batch = []
    yield derivation.take(batch).facts, None
    end_ns = last_ns if end_ns is None else max(end_ns, last_ns)
    derived, totals = derivation.finish(end_ns, decoding.finish(end_ns))
    yield derived.facts, totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The frames of a session, to be gone through as often as is needed."""

    frames: Callable[[], Iterable[Frame]]
    """Begins again with the first frame each time."""
    decoding: Callable[[], Decoding]
    end_ns: int | None
    """The last instant; None: that of the last frame."""

    def cut(self, origin: Origin, text: str | None, *, split: Target | None = None) -> Structure:
        """Cut in one way; `text` is the plan where a plan tells, `split` the length of all splits.

        Raises CallError where the machine told no intervals of its own.
        """
        if origin in ("plan", "user"):
            plan = parse(text) if text is not None else None
            if plan is not None and split is not None:
                plan = _split(plan, split)
            return self._cut(plan, None, text)
        if origin == "device":
            tracker = Tracker(None)
            tracker.split_length = split
            told = self._cut(None, tracker, None)
            if not tracker.device_led:
                raise CallError(
                    "In this session the machine told no intervals of its own.",
                    "Cut it by a plan, or by what it looks like: auto.",
                )
            return told
        whole, seen = self.watched()
        found = cutting(seen)
        if found is None:
            if split is None:
                return whole
            return self._cut(_split(parse("open"), split), None, None)
        cuts = found.cuts if split is None else with_splits(found.cuts, split)
        cut = self._cut(None, CutTracker(found.start_ns, cuts), found.text)
        return replace(cut, confidence=found.confidence)

    def unplanned(self) -> tuple[Structure, bool]:
        """As one cuts what nobody planned: as the machine told, else by what it looks like.

        Also whether the machine told.
        """
        tracker = Tracker(None)
        told = self._cut(None, tracker, None)
        return (told, True) if tracker.device_led else (self.cut("auto", None), False)

    def watched(self) -> tuple[Structure, Seen]:
        """As one piece with its pauses, and what is there to find others in."""
        watching = Watching()
        whole = self._cut(None, watching, None)
        end_ns = self.end_ns
        if end_ns is None:
            end_ns = round(whole.totals.duration_s * SECOND_NS)
        return whole, Seen(facts=whole.facts, positions=watching.positions, end_ns=end_ns)

    def _cut(self, plan: Plan | None, tracker: Tracker | None, text: str | None) -> Structure:
        facts: list[Fact] = []
        totals: SessionTotals | None = None
        decoding = self.decoding()
        derivation = Derivation(plan, tracker, treatments=decoding.treatments, live=False)
        for batch, found in _derive(self.frames(), decoding, derivation, self.end_ns):
            facts += batch
            totals = found
        if totals is None:
            raise AssertionError("derive ends with the totals")
        return Structure(
            facts=without_undone(facts),
            totals=totals,
            text=text,
            relayed=derivation.pipeline.relayed.beats,
        )


def _split(plan: Plan, split: Target) -> Plan:
    pieces = tuple(
        replace(piece, split=split) if piece.kind == "work" else piece for piece in plan.pieces
    )
    return replace(plan, pieces=pieces)
