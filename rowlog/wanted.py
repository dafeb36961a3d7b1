"""Which sessions are meant: by athlete, activity, plan shape, tag, machine and date."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from rowlog_drivers.errors import CallError


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


ANY: Final = Wanted()
"""All sessions."""


class Names(Protocol):
    """Who knows the names that there are."""

    def names(self, what: str) -> list[str]:
        """Those of "athlete", "activity", "plan", "tag" or "machine"."""


def check_names(known: Names, wanted: Wanted) -> None:
    """Refuse names that no session has, which would only find nothing. Raises CallError."""
    for what in ("athlete", "activity", "plan", "tag", "machine"):
        name = getattr(wanted, what)
        if name is None or name in (there := known.names(what)):
            continue
        listed = ", ".join(there[:12]) + (", ..." if len(there) > 12 else "")
        says = f"There is: {listed}." if there else "No session names one."
        raise CallError(f"No session is of {what} {name!r}.", says)
