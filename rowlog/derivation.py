"""Buffer and pipeline as one: what recording, replaying and rebuilding all go through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rowlog.believing import Believing
from rowlog.buffer import Buffer
from rowlog.intervals import Tracker
from rowlog.pipeline import Fact, Pipeline
from rowlog.plan import Plan
from rowlog.totals import SessionTotals
from rowlog_drivers.interface import Delivery
from rowlog_drivers.records import Record


@dataclass(frozen=True, slots=True)
class Derived:
    """What a batch of deliveries led to."""

    deliveries: tuple[Delivery, ...]
    """Those with frames, in processing order and under the times that are stored."""
    facts: tuple[Fact, ...]


class Derivation:
    """Takes deliveries as they come, gives them back in order with the facts they tell."""

    def __init__(
        self,
        plan: Plan | None = None,
        tracker: Tracker | None = None,
        *,
        treatments: Mapping[str, tuple[str, ...]] | None = None,
        live: bool = True,
    ) -> None:
        """`tracker` cuts the session in another way than by `plan`; None: by the plan.

        `treatments`: by source, what is not believed of it; None: all is. `live`: whether anybody
        watches, and asks the buffer for recent readings.
        """
        treated = any((treatments or {}).values())
        judge = Believing(treatments or {}).judge if treated else None
        self.buffer = Buffer(judge, windows=live)
        self.pipeline = Pipeline(plan, tracker)

    def take(self, deliveries: Iterable[Delivery], until_ns: int | None = None) -> Derived:
        """Process deliveries; `until_ns` is the time now, None where the frames tell the time."""
        for delivery in deliveries:
            self.buffer.push(delivery)
        return self._process(until_ns)

    def finish(self, end_ns: int, pending: Sequence[Record] = ()) -> tuple[Derived, SessionTotals]:
        """End the session at `end_ns`; `pending` is what the decoders still held."""
        last = self._process(None)
        ticked = self._process(end_ns)
        facts: list[Fact] = []
        if pending:
            facts += self.pipeline.feed(Delivery(None, tuple(pending)))
        ended, totals = self.pipeline.finish(end_ns)
        derived = Derived(
            last.deliveries + ticked.deliveries,
            (*last.facts, *ticked.facts, *facts, *ended),
        )
        return derived, totals

    def _process(self, until_ns: int | None) -> Derived:
        ordered: list[Delivery] = []
        facts: list[Fact] = []
        feed = self.pipeline.feed
        for delivery in self.buffer.drain(until_ns):
            facts += feed(delivery)
            if delivery.frame is not None:
                ordered.append(delivery)
        return Derived(tuple(ordered), tuple(facts))
