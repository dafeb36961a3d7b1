"""What an import did, or would do, as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowlog.render import began, dated_by_file, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowlog.importing import Imported, Offer

CLOCK_S: Final = 60.0
"""Clocks that are no further apart say the same."""
MOST_OFFERS: Final = 3
"""So many sessions of one file are told with the one that is theirs; the others are counted."""
MOST_NAMED: Final = 3
_HOW: Final = {
    "same": "is the same workout",
    "whole": "is the whole of this workout, of which this is a part",
    "part": "is a part of this workout",
    "heart": "is the same workout, by its heart",
    "time": "is of the same time",
}


def lines(done: Imported, *, would: bool = False, db: str = "") -> list[str]:
    """One file: its sessions, and how they stand to those that are there.

    `would`: nothing was taken in, and the sessions have the numbers that they would get. `db` is
    what commands need to mean the database, see `config.db_option`.
    """
    name = printable(done.file.name, 80)
    if done.known:
        told = [f"{name}: imported before.", *(f"  {told}" for told in done.left_out)]
        if done.deleted:
            verb = "is" if len(done.deleted) == 1 else "are"
            told.append(
                f"  {_named(done.deleted).capitalize()} of it {verb} deleted. "
                f"What brings it back, says: rowlog show {done.deleted[0]}{db}"
            )
        return told
    several = len(done.sessions) > 3
    numbers = ", ".join(map(str, done.sessions))
    if several:
        numbers = f"{done.sessions[0]} to {done.sessions[-1]}"
    to_be = "would be " if would else ""
    told = [f"{name}: {to_be}session{'s' * (len(done.sessions) > 1)} {numbers}."]
    undated = _undated(done, would=would, db=db)
    dated = len(done.sessions) == 1 and bool(undated)  # its line tells a date that is not believed
    left_out = [str(one) for one in done.left_out if not (dated and one.sort == "date")]
    more = [*undated, *left_out, *_twins(done, would=would, db=db)]
    return [*told, *(f"  {line}" for line in more)]


def _twins(done: Imported, *, would: bool, db: str) -> list[str]:
    """The session that is likely one with the new one, and how many others are of its time."""
    if len(done.sessions) > 1:
        return _of_several(done)
    told: list[str] = []
    offered = {one.other for one in done.offers}
    for one in done.offers:
        told.append(f"Session {one.other} {_HOW[one.how]}{_clock(one)}.")
        rest = [twin.session for twin in done.same if twin.session not in offered]
        if rest:
            told.append(f"So {'is' if len(rest) == 1 else 'are'} {_named(rest)}.")
        new = one.session
        then = "When it is in, to make" if would else "To make"
        told.append(f"{then} one of both: rowlog edit merge {one.other} {new}{db}")
        if one.how != "time" and not would:
            told.append(f"To leave this one out: rowlog edit delete {new}{db}")
    twins = {twin.session for twin in done.same}
    others = [number for number in done.overlaps if number not in offered | twins]
    if others:
        which = "other session" if not offered & set(done.overlaps) else "more"
        plural = "s" * (which == "other session" and len(others) > 1)
        verb = "is" if len(others) == 1 else "are"
        told.append(f"{len(others)} {which}{plural} {verb} of the same time.")
    return told


def _of_several(done: Imported) -> list[str]:
    told = [
        f"Session {one.other} {_HOW[one.how]} as {one.session}{_clock(one)}."
        if one.how in ("same", "time")
        else f"Session {one.other} {_HOW[one.how].replace('this', str(one.session), 1)}"
        f"{_clock(one)}."
        for one in done.offers[:MOST_OFFERS]
    ]
    more = len(done.offers) - MOST_OFFERS
    if more > 0:
        told.append(f"{more} more are known likewise: see which with --json.")
    twins = {one.other for one in done.offers} | {twin.session for twin in done.same}
    others = len(set(done.overlaps) - twins)
    if others:
        verb = "session is" if others == 1 else "sessions are"
        told.append(f"{others} {verb} of the same time as some of them.")
    return told


def _named(numbers: Sequence[int]) -> str:
    """Sessions by their numbers, the first few of many."""
    shown = [str(number) for number in numbers[:MOST_NAMED]]
    more = len(numbers) - len(shown)
    if more:
        shown.append(f"{more} more")
    word = "session" if len(numbers) == 1 else "sessions"
    return (
        f"{word} {shown[0]}"
        if len(shown) == 1
        else f"{word} {', '.join(shown[:-1])} and {shown[-1]}"
    )


def _undated(done: Imported, *, would: bool, db: str) -> list[str]:
    """That a file does not say when its workouts were, and what stands for it."""
    unsaid = [
        (number, begun)
        for number, begun in zip(done.sessions, done.starts, strict=True)
        if begun.start_from == "file"
    ]
    if not unsaid:
        return []
    number, (at, start) = unsaid[0]
    when = began(at.isoformat(), start)
    if len(done.sessions) > 1:
        return [f"{len(unsaid)} of them do not say when they were: {when}."]
    doubted = next((one for one in done.left_out if one.sort == "date"), None)
    told = [f"It does not say when it was: {when}."]
    if doubted is not None:
        told = [str(doubted), f"So it stands at {when}."]
    if not would:
        told.append(f"To say when: rowlog edit start {number} {at:%Y-%m-%dT%H:%M}{db}")
    return told


def _clock(offer: Offer) -> str:
    """What is to be said of a session's clock that is so far behind; nothing within a minute."""
    seconds = offer.clock_s
    if offer.how == "time":
        return ""
    if seconds is None:
        return ", though one of them does not say when it was"
    minutes = round(abs(seconds) / 60)
    if abs(seconds) < CLOCK_S:
        return ""
    way = "behind" if seconds > 0 else "ahead"
    if minutes >= 48 * 60:
        return f"; its clock is {round(minutes / 1440)} days {way}"
    hours, rest = divmod(minutes, 60)
    words = [f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest)
    return f"; its clock is {' '.join(words)} {way}"


def total(done: Sequence[Imported], *, would: bool = False) -> str:
    """All files together, in sentences."""
    numbers = [number for one in done for number in one.sessions]
    known, faulty = sum(one.known for one in done), sum(one.fault is not None for one in done)
    what = f"session {numbers[0]}" if len(numbers) == 1 else "no session"
    if len(numbers) > 1:
        what = f"{len(numbers)} sessions, {numbers[0]} to {numbers[-1]}"
    words = [f"{_files(len(done))} read: {'would be ' * would}{what}."]
    if known:
        words.append(f"{_files(known)} imported before.")
    if faulty:
        words.append(f"{_files(faulty)} {'cannot be' if would else 'not'} taken in.")
    undated = sum(begun.start_from == "file" for one in done for begun in one.starts)
    if undated:
        words.append(dated_by_file(undated))
    out = [told for one in done for told in one.left_out]
    for what in ("row", "cell"):
        lacking = sum(told.count for told in out if told.sort == what)
        if lacking:
            words.append(
                f"{lacking} {what}{' was' if lacking == 1 else 's were'} left out: which, and why, "
                + ("says --json." if would else "says the note of each session, and --json.")
            )
    for what, how in (("column", "without metres"), ("date", "of a date that is not believed")):
        short = sum(any(told.sort == what for told in one.left_out) for one in done)
        if short:
            words.append(f"{_files(short)} {how}: see which with --json.")
    again = sum(one.how != "time" for each in done for one in each.offers)
    if again:
        words.append(
            f"{_sessions(again)} of a workout that {'is' if would else 'was'} there: see which "
            "with --json; to make one of two, rowlog edit merge."
        )
    timed = sum(one.how == "time" for each in done for one in each.offers)
    if timed:
        words.append(
            f"{_sessions(timed)} likely to belong to another of the same time: see which with "
            "--json; to make one of two, rowlog edit merge."
        )
    return " ".join(words)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _sessions(count: int) -> str:
    return "1 session is" if count == 1 else f"{count} sessions are"
