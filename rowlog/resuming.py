"""A session that was interrupted, going on: the same plan where it was, a gap between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowlog.notation import parse
from rowlog.plan import Plan
from rowlog.segments import Segment
from rowlog.store_errors import NoDatabaseError, NoSessionError
from rowlog.store_read import Reader, open_reader
from rowlog.store_rows import Source
from rowlog_drivers.addresses import Address, parse_address
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import wall_now
from rowlog_drivers.errors import CallError, RowlogError

if TYPE_CHECKING:
    from rowlog.finding import Ask

BY_ITSELF_S: Final = 600.0
"""A session that was interrupted more recently than this goes on unasked."""
OFFERED_S: Final = 43_200.0
"""One that is older than this is not offered any more."""
ENDED: Final = ("target", "key", "rest_over")
"""What ends a piece for good."""
REASON: Final = "recording interrupted"
"""Why the link of each source went down, as its frame says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The latest session, which nobody closed."""

    id: int
    started_at: datetime
    last_ns: int
    """Session time of its last frame."""
    age_s: float
    """How long ago that was, by the wall clock."""
    plan: Plan | None
    done: bool
    """Whether all of the plan had been rowed; False without one."""
    athlete: str | None
    sources: tuple[Source, ...]

    def address(self, role: str) -> Address | None:
        """Where the device of this role was; None where there was none."""
        for source in self.sources:
            if source.name == role and source.address is not None:
                return parse_address(source.address)
        return None

    def now_ns(self, rate: float) -> int:
        """Session time now, by the wall clock; never before its last frame."""
        passed = (wall_now() - self.started_at) / timedelta(microseconds=1)
        return max(self.last_ns, round(passed * 1000 * rate))

    def same_devices(self, sources: tuple[Source, ...]) -> None:
        """Raises RowlogError where one of these speaks another language than it did then."""
        before = {source.name: source.driver for source in self.sources}
        for source in sources:
            if before.get(source.name, source.driver) != source.driver:
                raise RowlogError(
                    f"Session {self.id}, which was interrupted, has another {source.name}.",
                    "Begin a new one with --new; the other is closed then with what it has.",
                )


def interrupted(database: Path) -> Interrupted | None:
    """The latest session, when it was recorded from devices and nobody closed it.

    None where there is none, or where it cannot be gone on with, whatever the reason.
    """
    try:
        with open_reader(database) as reader:
            return _latest(reader)
    except RowlogError:
        return None


def _latest(reader: Reader) -> Interrupted | None:
    try:
        session = reader.session()
    except (NoDatabaseError, NoSessionError):
        return None
    last_ns = reader.last_ns(session.id)
    if session.status != "interrupted" or session.origin is not None or last_ns is None:
        return None
    try:
        make_decoding(source.header for source in session.sources)
        plan = parse(session.plan) if session.plan is not None else None
        rate = rate_of(session.sources)
    except (CallError, ValueError):
        return None
    ended_at = session.started_at + timedelta(seconds=last_ns / 1e9 / rate)
    return Interrupted(
        id=session.id,
        started_at=session.started_at,
        last_ns=last_ns,
        age_s=(wall_now() - ended_at).total_seconds(),
        plan=plan,
        done=plan is not None and _is_done(plan, reader.segments(session.id)),
        athlete=session.athlete,
        sources=session.sources,
    )


def _is_done(plan: Plan, segments: Sequence[Segment]) -> bool:
    last = len(plan.pieces) - 1
    return any(one.piece == last and one.ended_by in ENDED for one in segments)


def rate_of(sources: Sequence[Source]) -> float:
    """How many of its seconds passed in one of life: 1 but for devices on paper."""
    addresses = [parse_address(source.address) for source in sources if source.address is not None]
    return max((float(address.option("speed") or 1) for address in addresses), default=1.0)


def to_go_on(
    database: Path, plan: Plan | None, athlete: str | None, ask: Ask | None
) -> Interrupted | None:
    """The session that is to go on; None: a new one is to begin.

    One that has another plan or athlete than is asked for never goes on, nor one whose plan had
    been rowed where it is asked for again. One that was interrupted less than ten minutes ago does
    by itself, an older one where `ask` is answered so.
    """
    found = interrupted(database)
    if found is None:
        return None
    if plan is not None and (found.done or found.plan is None or str(plan) != str(found.plan)):
        return None
    if athlete is not None and athlete != found.athlete:
        return None
    if 0 <= found.age_s < BY_ITSELF_S:
        return found
    if ask is None or not 0 <= found.age_s < OFFERED_S:
        return None
    what = "the row" if found.plan is None else str(found.plan)
    ago, at = _ago(found.age_s), _ago(found.last_ns / 1e9)
    answer = ask(
        f"Session {found.id} was interrupted {ago} ago, at {at}.",
        [f"Go on with {what}", "Begin a new session"],
        1,
    )
    return found if answer == 0 else None


def _ago(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def told(found: Interrupted) -> str:
    """That it goes on, in a sentence."""
    return (
        f"Session {found.id} goes on: it was interrupted {_ago(found.age_s)} ago, at "
        f"{_ago(found.last_ns / 1e9)}. A new one begins with --new."
    )
