"""The words of the interval notation: times, distances, rests, names and guidance."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import Final, NoReturn

from rowlog.notation.structure import MACHINES, time_text
from rowlog.plan import Band, Quantity, Reference, Tag, Target
from rowlog_drivers.errors import CallError

MAX_SECONDS: Final = 86_400
MAX_METRES: Final = 1_000_000
MIN_METRES: Final = 10
MAX_KCAL: Final = 100_000

OPEN: Final = Target(type="open")
COUNTED: Final = {"run", "cross", "circuit", "other"}  # `Other: 10 Burpees` may follow these


_TIME_UNITS: Final = {
    unit: factor
    for factor, units in (
        (3600, ("h", "hour", "hours")),
        (60, ("min", "mins", "minute", "minutes", "'")),
        (1, ("s", "sec", "secs", "second", "seconds", '"')),
    )
    for unit in units
}
_DISTANCE_UNITS: Final = {
    unit: factor
    for factor, units in (
        (1, ("m", "meter", "meters", "metre", "metres")),
        (1000, ("k", "km", "kilometer", "kilometers", "kilometre", "kilometres")),
    )
    for unit in units
}
_ENERGY_UNITS: Final = ("c", "cal", "cals", "calorie", "calories", "kcal")
_UNITS: Final = {*_TIME_UNITS, *_DISTANCE_UNITS, *_ENERGY_UNITS}
_RESERVED: Final = _UNITS | {
    *("r", "ur", "x", "v", "rest", "until", "max", "open", "on", "off", "work"),
    *("bpm", "spm", "w", "hr"),
}
TAGS: Final[dict[str, Tag]] = {
    "w": "warm_up",
    "warmup": "warm_up",
    "c": "cool_down",
    "cooldown": "cool_down",
    "t": "test",
    "test": "test",
    "benchmark": "test",
}
_REFERENCES: Final[dict[str, Reference]] = {
    "2k": "2k",
    "5k": "5k",
    "6k": "6k",
    "30m": "30min",
    "30min": "30min",
    "60m": "60min",
    "60min": "60min",
}


def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(" *" + source, re.ASCII | re.IGNORECASE)


_END = r"(?![a-z0-9])"
PREFIX: Final = _pattern(rf"({'|'.join(sorted(MACHINES))}) *:")
BLOCK_TAG: Final = _pattern(r"\[ *([wct]) *\]")
HASH_TAG: Final = _pattern(rf"# *({'|'.join(tag for tag in TAGS if len(tag) > 1)}){_END}")
LIST: Final = _pattern(r"v(?= *[0-9:])")
COUNT: Final = _pattern(r"([0-9]+) *[x*]")
OPENING: Final = _pattern(r"\(")
CLOSING: Final = _pattern(r"\)")
PLUS: Final = _pattern(r"\+")
SLASH: Final = _pattern("/")
_CLOCK: Final = _pattern(r"([0-9]*):([0-9]+)(?::([0-9]+))?(\.[0-9]+)?")
_NUMBER: Final = _pattern(r"([0-9]+(?:\.[0-9]+)?) *(['\"]|[a-z]+)?")
_BARE_PAIR: Final = _pattern(r"([0-9]+) */ *([0-9]+)(?![0-9]| *[.:'\"a-z])")
_RATED: Final = _pattern(r"r(?:1[6-9]|[23][0-9]|40)(?![0-9a-z])")
SHORT_RATE: Final = _pattern(r"(r)([0-9]+)(?![0-9a-z])")
REST_MARK: Final = _pattern(rf"(?:r|rest|off){_END}")
REST_WORD: Final = _pattern(rf"rest{_END}(?= *(?:[0-9:.…]|until|ur{_END}))")
ON: Final = _pattern(rf"on{_END}")
_OPEN_WORK: Final = _pattern(rf"open{_END}")
_UNDEFINED: Final = _pattern(rf"(?:(?:\.\.\.|…) *r?|ur){_END}")
_UNTIL: Final = _pattern(rf"(?:work *)?until{_END}")
_PULSE: Final = _pattern(rf"([<>]) *=? *([0-9]+) *(?:bpm)?{_END}")
_MAX: Final = _pattern(rf"(?:(\() *)?max{_END}")
_ZONE: Final = _pattern(rf"(UT2|UT1|AT|TR|AN|Z[1-5]){_END}")
_RANGE = r"([0-9]+)(?: *(?:\.\.|-) *([0-9]+))?"
_RATE: Final = _pattern(rf"r *{_RANGE}{_END}")
_MEASURE: Final = _pattern(
    rf"([<>]?) *=? *{_RANGE} *(spm|w|watts?|bpm|%(?: *(?:hr *max|max *hr|max|hr))?){_END}"
)
_PACE = r"([0-9]+):([0-9][0-9](?:\.[0-9]{1,3})?)"
_PACES: Final = _pattern(rf"([<>]?) *=? *{_PACE}(?: *(?:\.\.|-) *{_PACE})?(?![0-9a-z:])")
FINISH: Final = _pattern(r"([0-9]{2,4}):([0-5][0-9])(?![0-9a-z:]| *(?:\.|-))")
_REFERENCE: Final = _pattern(
    rf"({'|'.join(_REFERENCES)}){_END}(?:([+-])([0-9]{{1,2}}(?:\.[0-9]{{1,3}})?)"
    r"(?![0-9a-z:'\"%]|\.[0-9]| *x))?"
)
_GLUED: Final = re.compile(r"\+[0-9]")
_BETWEEN: Final = _pattern(r"(?:\.\.|-)(?= *[0-9])")
SPLIT_END: Final = _pattern(r"\]")
_SPACES: Final = re.compile(" *")
_WORD: Final = re.compile(  # a letter, then what is neither blank nor digit nor a sign in use
    r"[^\W\d_][^\x00-\x26\x28-\x2c\x2e-\x40\x5b-\x60\x7b-\x7f…\s]*"
)
_TALLY: Final = re.compile(r"[0-9]{1,6}(?= +[^\W\d_])")
_THOUSANDS: Final = re.compile(r",[0-9]{3}")

SLOWEST_S: Final = 600
"""The slowest pace for 500 m that is read."""
LONG: Final = 3
"""Where a rate follows a number that has no unit, one with so many digits is metres, not minutes:
`30r20`, `8x500r28`."""

_LIMITS: Final[dict[Quantity, tuple[float, float, str]]] = {
    "stroke_rate_spm": (10, 60, "A stroke rate lies between 10 and 60."),
    "pace_s_per_500m": (30, SLOWEST_S, "A pace is the time for 500 m, between 0:30 and 10:00."),
    "power_w": (1, 3000, "A power lies between 1 W and 3000 W."),
    "heart_rate_bpm": (30, 250, "A heart rate lies between 30 and 250 bpm."),
}
_NEED_WORK = "Expected work here, such as 500m, 4:00, 20cal or a group in parentheses."
_NEED_REST = "Expected a rest here, such as 1:30r, 90s, 200m, 1:1, ...r or rest until <120bpm."
_NEED_GUIDANCE = "Expected guidance here, such as r24, 2:05..2:10, 2k+10, 180W, 150bpm or UT2."
_TOO_LONG = "A plan lasts at most 24 hours."
ONE_EACH = "This was said once already for the same piece; leave one of the two out."


class NotationError(CallError):
    """A text that is not a plan.

    Attributes:
        text: the text as it was given.
        position: 0-based index of the character that does not fit; len(text) at its end.
        expected: one sentence: what should stand there, or what to write instead.
    """

    def __init__(self, text: str, position: int, expected: str) -> None:
        shown, caret = _excerpt(text, position)
        super().__init__(
            f"Cannot read this plan at character {position + 1}:\n    {shown}\n    {caret}",
            expected,
        )
        self.text = text
        self.position = position
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.what}\n{self.expected}"


class Reader:
    """Reads single words of one text; `pos` is the next character to read."""

    __slots__ = ("pos", "source", "text")

    def __init__(self, source: str) -> None:
        self.source = source
        self.text = _plain(source)
        self.pos = 0

    def _fail(self, position: int, expected: str) -> NoReturn:
        raise NotationError(self.source, position, expected)

    def _here(self) -> int:
        found = _SPACES.match(self.text, self.pos)
        return found.end() if found else self.pos

    def _digit(self, at: int) -> bool:
        return self.text[at : at + 1] in tuple("0123456789:")

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.pos)
        if found:
            self.pos = found.end()
        return found

    def _left_over(self, at: int) -> str:
        sign = self.text[at]
        if sign == ",":
            if _THOUSANDS.match(self.text, at):
                return "Write large numbers without a comma, as in 5000m."
            return "Write + between pieces and / before a rest, without commas."
        if sign == "/":
            return "A piece has one rest; a list of pieces begins with v: v500m/1000m/500m."
        if sign == ")":
            return "No group is open here; leave the parenthesis out."
        if sign in "xX*":
            return "Repetitions are written in front: 8x500m, 3x(500m + 250m)."
        word = _WORD.match(self.text, at)
        if word is not None and _folded(word[0]) in _RESERVED:
            return (
                f"Leave {word[0]} out: it means something of its own in a plan,"
                " and stands in no exercise's name."
            )
        if sign.isalpha():
            return (
                "Leave this text out: the plan is complete before it"
                " (exercises are named after a time, as in 0:30 jumping jacks)."
            )
        if sign.isdigit():
            return (
                "Expected + before another piece, or a unit if this belongs to what is before it."
            )
        return "Expected + and another piece here, or the end of the plan."

    # Work and rest

    def _work(self, at: int, *, counted: bool, pairs: bool = True) -> tuple[Target, Target | None]:
        """What ends the work; and the rest, if both are bare numbers as in 30/30."""
        if self._take(_OPEN_WORK):
            return OPEN, None
        if self._take(_UNTIL):
            return self._until(), None
        if pairs and (found := self._take(_BARE_PAIR)):
            work = self._seconds(float(found[1]), found.start(1))
            return work, self._seconds(float(found[2]), found.start(2))
        if counted and self._exercise_follows(at):
            return OPEN, None
        target = self._quantity(rated=True)
        if target is None:
            self._fail(at, _NEED_WORK)
        return target, None

    def _exercise_follows(self, at: int) -> bool:
        """Whether this is `10 Burpees` or `Plank` and no quantity."""
        if tally := _TALLY.match(self.text, at):
            at = tally.end() + 1
            while self.text[at] == " ":
                at += 1
        word = _WORD.match(self.text, at)
        return word is not None and _folded(word[0]) not in _RESERVED

    def _lone_rest(self) -> Target | None:
        """A rest written as a piece of its own that begins like one."""
        if _UNDEFINED.match(self.text, self.pos) or REST_WORD.match(self.text, self.pos):
            return self._rest(self._here(), ratio=False)
        return None

    def _list_rest_follows(self, slash: int) -> bool:
        """Whether what follows the slash in a list is marked as a rest."""
        start, self.pos = self.pos, slash + (self.text[slash] == "/")
        marked = any(
            pattern.match(self.text, self.pos) for pattern in (REST_WORD, _UNDEFINED, _UNTIL)
        )
        at = self._here()
        if not marked and (target := self._quantity(ratio=True) if self._digit(at) else None):
            marked = target.type == "ratio" or bool(REST_MARK.match(self.text, self.pos))
        self.pos = start
        return marked

    def _rest(self, at: int, ratio: bool = True) -> Target:
        self._take(REST_WORD)
        if self._take(_UNDEFINED):
            return OPEN
        if self._take(_UNTIL):
            return self._until(rest=True)
        target = self._quantity(ratio=ratio)
        if target is None:
            self._fail(at, _NEED_REST)
        self._take(REST_MARK)
        return target

    def _times(self, ratio: Target, work_s: float, at: int) -> Target:
        return self._seconds((ratio.value or 0.0) * work_s, at)

    def _until(self, rest: bool = False) -> Target:
        at = self._here()
        found = self._take(_PULSE)
        if not found or (rest and found[1] != "<"):
            self._fail(
                at,
                "Expected a heart rate to fall below here, such as <120bpm."
                if rest
                else "Expected a heart rate here, such as >165bpm.",
            )
        bpm = self._within(float(found[2]), "heart_rate_bpm", found.start(2))
        at_most: float | None = None
        if limit := self._take(_MAX):
            limit_at = self._here()
            most = self._quantity()
            if most is None or most.type != "time":
                self._fail(limit_at, "Expected the longest time here, such as 2:00.")
            at_most = most.value
            if limit[1] and not self._take(CLOSING):
                self._fail(self._here(), "Expected ) here, after the longest time.")
        return Target(
            type="heart_rate_above" if found[1] == ">" else "heart_rate_below",
            value=bpm,
            at_most_s=at_most,
        )

    def _quantity(self, *, ratio: bool = False, rated: bool = False) -> Target | None:
        """A time, distance or energy; None when no number stands here.

        `ratio`: or a ratio, in a rest; `rated`: or a number whose unit a rate after it tells.
        """
        if found := self._take(_CLOCK):
            return self._clock(found, ratio)
        found = self._take(_NUMBER)
        if not found:
            return None
        at, amount = found.start(1), found[1]
        if len(amount) > 12:
            self._fail(at, "This number is too long; plans need at most 12 digits.")
        unit = self._unit(found)
        if unit is None and rated and _RATED.match(self.text, found.end(1)) and "." not in amount:
            self.pos = found.end(1)
            unit = "m" if len(amount) >= LONG else "min"
        if unit is None:
            self._bare(found)
        if unit in _TIME_UNITS:
            return self._with_smaller_units(float(amount) * _TIME_UNITS[unit], unit, at)
        if unit in _ENERGY_UNITS:
            if "." in amount or not 1 <= int(amount) <= MAX_KCAL:
                self._fail(at, f"Energy is whole kilocalories, from 1 to {MAX_KCAL}.")
            return Target(type="energy", value=float(amount))
        metres = round(float(amount) * _DISTANCE_UNITS[unit], 1)
        if metres < MIN_METRES:
            self._fail(
                at,
                f"A distance is at least {MIN_METRES} m, and m is always metres:"
                " minutes are written 5:00 or 5min.",
            )
        if metres > MAX_METRES:
            self._fail(at, "A distance is at most 1000 km.")
        return Target(type="distance", value=metres)

    def _unit(self, found: re.Match[str]) -> str | None:
        """The unit of a number; the r of a rest or of a rate is left to be read."""
        unit = (found[2] or "").lower()
        if unit in _UNITS:
            return unit
        if unit.endswith("r") and unit[:-1] in _UNITS:
            self.pos -= 1
            return unit[:-1]
        return None

    def _bare(self, found: re.Match[str]) -> NoReturn:
        """Refuse a number without a unit, with what may have been meant."""
        at, number = found.start(1), found[1]
        after = self.text[found.end(1) :][:8]
        rate = re.match(r" *r *([0-9]{2})(?![0-9])", after)
        if after.startswith(","):
            self._fail(found.end(1), self._left_over(found.end(1)))
        if rate:
            meant = f"{number}:00@r{rate[1]} for minutes or {number}m@r{rate[1]} for metres"
        elif re.match(r" *r(?![a-z])", after):
            meant = f"{number}:00r for minutes or {number}sr for seconds"
        elif found[2] and not after.startswith(" "):
            self._fail(
                found.start(2),
                "Expected a unit here: m, km, s, min, h or cal (m is always metres).",
            )
        elif found[2]:
            meant = f"{number}m, {number}s or {number}:00, or open {number} burpees for a count"
        else:
            meant = f"{number}m, {number}s, {number}:00 or {number}cal"
        self._fail(at, f"A number needs its unit: write {meant}.")

    def _with_smaller_units(self, seconds: float, unit: str, at: int) -> Target:
        """A time of several units: 3'30", 1h 30min."""
        while _TIME_UNITS[unit] > 1 and (found := _NUMBER.match(self.text, self.pos)):
            start, self.pos = self.pos, found.end()
            smaller = self._unit(found)
            if smaller not in _TIME_UNITS or _TIME_UNITS[smaller] >= _TIME_UNITS[unit]:
                self.pos = start
                break
            if float(found[1]) >= 60:
                self._fail(found.start(1), "Minutes and seconds after a larger unit stay below 60.")
            seconds += float(found[1]) * _TIME_UNITS[smaller]
            unit = smaller
        return self._seconds(seconds, at)

    def _clock(self, found: re.Match[str], ratio: bool) -> Target:
        first, second, third, fraction = found.groups()
        at = found.start(1)
        if len(second) == 1 and ratio and first and third is None and fraction is None:
            if not (len(first) == 1 and first != "0" and second != "0"):
                self._fail(
                    at,
                    "A ratio of work to rest has one digit from 1 to 9 on each side;"
                    f" a time has two for its seconds: {int(first)}:{second:0>2}.",
                )
            return Target(type="ratio", value=int(second) / int(first))
        for group in (2, 3):
            digits = found[group]
            if digits is not None and (len(digits) != 2 or digits > "59"):
                meant = ""
                if third is None and len(second) < 3 and len(first) < 4:
                    meant = f": write {time_text(int(first or 0) * 60 + int(second))}"
                self._fail(
                    found.start(group),
                    f"Minutes and seconds after a colon have two digits, 00 to 59{meant}"
                    " (only a rest may be a ratio, such as /1:1).",
                )
        if len(first) > 6:
            self._fail(at, _TOO_LONG)
        if fraction and len(fraction) > 4:
            self._fail(found.start(4), "Times are read to thousandths of a second.")
        seconds = int(first or 0) * 60 + int(second)
        if third is not None:
            seconds = seconds * 60 + int(third)
        return self._seconds(seconds + float(fraction or 0), at)

    def _seconds(self, seconds: float, at: int) -> Target:
        if seconds < 1:
            self._fail(at, "A time is at least one second; a rest of none is left out.")
        if seconds > MAX_SECONDS:
            self._fail(at, _TOO_LONG)
        return Target(type="time", value=round(seconds, 3))

    # Names

    def _name(self, counts: bool) -> str | None:
        """An exercise's name in lower case, its words parted by one blank."""
        at = self._here()
        if at == self.pos and self.text[at - 1 : at] not in (" :(x*" if counts else " :"):
            return None
        words: list[str] = []
        first = at
        if counts and (tally := _TALLY.match(self.text, at)):
            words.append(str(int(tally[0])))
            at = _after_blanks(self.text, tally.end())
        while found := _WORD.match(self.text, at):
            word = _folded(found[0])
            if word in _RESERVED:
                break
            if not _WORD.fullmatch(word) or _folded(word) != word or _plain(word) != word:
                self._fail(at, "Expected an exercise's name in plain letters here.")
            words.append(word)
            self.pos = found.end()
            at = _after_blanks(self.text, self.pos)
        return " ".join(words) if self.pos > first else None

    # Guidance

    def _guidance(self, at: int) -> Band | str | None:
        """A band, the name of a zone, or None for `open`."""
        if found := self._take(_ZONE):
            return found[1].upper()
        if self._take(_OPEN_WORK):
            return None
        if found := self._take(_REFERENCE):
            return self._from_best(found)
        if found := self._take(_RATE):
            return self._band("stroke_rate_spm", "", found, 1)
        if found := self._take(_PACES):
            low = self._within(_pace(found[2], found[3]), "pace_s_per_500m", found.start(2))
            high = low
            if found[4]:
                high = self._within(_pace(found[4], found[5]), "pace_s_per_500m", found.start(4))
            return self._sided("pace_s_per_500m", found[1], low, high, bool(found[4]), at)
        found = self._take(_MEASURE)
        if not found:
            self._fail(at, _NEED_GUIDANCE)
        unit = found[4].lower()
        if unit == "spm":
            return self._band("stroke_rate_spm", found[1], found, 2)
        if unit[0] == "w":
            return self._band("power_w", found[1], found, 2)
        if unit == "bpm":
            return self._band("heart_rate_bpm", found[1], found, 2)
        low = float(found[2])
        high = float(found[3]) if found[3] else low
        for value, group in ((low, 2), (high, 3)):
            if not 30 <= value <= 100:
                self._fail(found.start(group), "Per cent of the maximum lie between 30 and 100.")
        band = self._sided("heart_rate_bpm", found[1], low, high, bool(found[3]), at)
        return replace(band, reference="max_heart_rate")

    def _band(self, quantity: Quantity, side: str, found: re.Match[str], group: int) -> Band:
        low = high = self._within(float(found[group]), quantity, found.start(group))
        ranged = found[group + 1] is not None
        if ranged:
            high = self._within(float(found[group + 1]), quantity, found.start(group + 1))
        return self._sided(quantity, side, low, high, ranged, found.start(group))

    def _within(self, value: float, quantity: Quantity, at: int) -> float:
        low, high, expected = _LIMITS[quantity]
        if not low <= value <= high:
            self._fail(at, expected)
        return value

    def _sided(
        self, quantity: Quantity, side: str, low: float, high: float, ranged: bool, at: int
    ) -> Band:
        if side and ranged:
            self._fail(at, "A range has two ends already; leave < or > out.")
        if side == "<":
            return Band(quantity=quantity, high=high)
        if side == ">":
            return Band(quantity=quantity, low=low)
        return Band(quantity=quantity, low=min(low, high), high=max(low, high))

    def _from_best(self, found: re.Match[str]) -> Band:
        """2k, 2k+10, 2k-1..2k-5: seconds per 500 m to add to the pace of a best."""
        reference = _REFERENCES[found[1].lower()]
        self._refuse_glued_plus(found)
        low = high = _offset(found)
        if self._take(_BETWEEN):
            at = self._here()
            other = self._take(_REFERENCE)
            if not other or _REFERENCES[other[1].lower()] != reference:
                self._fail(
                    at,
                    f"Expected {found[1]} at both ends of the range: {found[1]}+5..{found[1]}+10.",
                )
            self._refuse_glued_plus(other)
            high = _offset(other)
        return Band(
            quantity="pace_s_per_500m",
            low=min(low, high),
            high=max(low, high),
            reference=reference,
        )

    def _refuse_glued_plus(self, found: re.Match[str]) -> None:
        if found[2] is None and _GLUED.match(self.text, found.end()):
            self._fail(
                found.end(),
                "Offset or next piece? Write up to 99 seconds (2k+10), or blanks around the +.",
            )


def _excerpt(text: str, position: int) -> tuple[str, str]:
    """The part of a text around a position, and a line with a caret under it."""
    start = max(0, position - 60)
    before = "".join(c if c.isprintable() else " " for c in text[start:position])
    after = "".join(c if c.isprintable() else " " for c in text[position : position + 30])
    before = ("…" if start else "") + before
    width = sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in before
    )
    return before + after + ("…" if position + 30 < len(text) else ""), " " * width + "^"


_PLAIN: Final = dict(
    zip(
        "\u200b\u200c\u200d\u2060\ufeff\u00d7\u2715\u2019\u2032\u2033\u201c\u201d"
        "\u2010\u2011\u2012\u2013\u2014\u2212\u2044\u2215\u2264\u2265",
        '     xx\'\'"""------//<>',
        strict=True,
    )
)


def _plain(text: str) -> str:
    """The text in plain characters, each in its old place."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_plain_character, text))


def _plain_character(character: str) -> str:
    if character.isspace():
        return " "
    if "\uff01" <= character <= "\uff5e":  # full-width forms, in the order of ASCII
        return chr(ord(character) - 0xFEE0)
    return _PLAIN.get(character, character)


def _after_blanks(text: str, at: int) -> int:
    found = _SPACES.match(text, at)
    return found.end() if found else at


def _folded(word: str) -> str:
    return unicodedata.normalize("NFC", word.lower())


def _pace(minutes: str, seconds: str) -> float:
    """Seconds, to thousandths; out of every range when the seconds are no seconds."""
    return round(float(minutes) * 60 + float(seconds), 3) if float(seconds) < 60 else 0.0


def _offset(found: re.Match[str]) -> float:
    value = float(found[3] or 0)
    return -value if found[2] == "-" and value else value
