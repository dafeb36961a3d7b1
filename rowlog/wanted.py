"""Which sessions are meant: by athlete, activity, plan shape, tag, machine and date."""

from __future__ import annotations

from typing import NamedTuple


class Wanted(NamedTuple):
    """Only sessions that are all of this; None: any."""

    athlete: str | None = None
    activity: str | None = None
    plan: str | None = None
    """The shape of the plan, as `shape.shape_of` gives it."""
    tag: str | None = None
    machine: str | None = None
    since: str | None = None
    """First local date, ISO."""
    until: str | None = None
    """Last local date, ISO."""

    @property
    def words(self) -> tuple[str, ...]:
        """What was asked for besides dates, as people write it."""
        return tuple(word for word in self[:5] if word is not None)
