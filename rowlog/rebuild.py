"""Stored frames through the same buffer and pipeline: the derived rows, made anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rowlog.derivation import Derivation
from rowlog.pipeline import Fact
from rowlog.plan import Plan
from rowlog.totals import SessionTotals
from rowlog_drivers.device import Decoding
from rowlog_drivers.frames import Frame

BATCH_FRAMES = 1000


def derive(
    frames: Iterable[Frame], decoding: Decoding, plan: Plan | None, end_ns: int | None
) -> Iterator[tuple[tuple[Fact, ...], SessionTotals | None]]:
    """The facts of stored frames, in batches; the last one comes with the session's totals.

    `end_ns` is the session's last instant; None: that of its last frame.
    """
    derivation = Derivation(plan)
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
