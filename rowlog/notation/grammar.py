"""The grammar of the interval notation: sequences, groups, lists and what follows a piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from rowlog.notation.structure import (
    NO_GUIDANCE,
    NOTED,
    Group,
    Guidance,
    Interval,
    Node,
    Rest,
    band_order,
    flattened,
    size,
    with_splits,
    work_total,
)
from rowlog.notation.words import (
    BLOCK_TAG,
    CLOSING,
    COUNT,
    COUNTED,
    FINISH,
    HASH_TAG,
    LIST,
    ON,
    ONE_EACH,
    OPEN,
    OPENING,
    PLUS,
    PREFIX,
    REST_MARK,
    REST_WORD,
    SHORT_RATE,
    SLASH,
    SLOWEST_S,
    SPLIT_END,
    TAGS,
    Reader,
)
from rowlog.plan import ROW, Band, Tag, Target

MAX_INTERVALS: Final = 1_000
MAX_DEPTH: Final = 8
MAX_SPLITS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suffixes:
    """What followed a piece or group; `rest_at` is the position of its rest."""

    guidance: Guidance
    rest: Target | None
    rest_at: int
    split: Target | None
    tag: Tag | None


class Parser(Reader):
    """Recursive descent over one text: `plan` reads it all."""

    __slots__ = ("depth", "machine")

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.depth = 0
        self.machine: str = ROW

    def plan(self) -> tuple[Node, ...]:
        """The whole text as a sequence; raises NotationError where it is none."""
        if self._here() == len(self.text):
            self._fail(0, "Expected a plan here, such as 8x500m/1:30r, 30:00 or 5000m.")
        nodes = self._sequence()
        at = self._here()
        if at < len(self.text):
            self._fail(at, self._left_over(at))
        return nodes

    def _sequence(self) -> tuple[Node, ...]:
        nodes: list[Node] = []
        works = 0
        while True:
            at = self._here()
            for node in self._element():
                works += size(node)
                if works > MAX_INTERVALS:
                    self._fail(at, f"A plan has at most {MAX_INTERVALS} intervals.")
                last = nodes[-1] if nodes else None
                if (
                    isinstance(node, Rest)
                    and node.tag is None
                    and isinstance(last, Interval)
                    and last.count == 1
                    and last.rest is None
                ):
                    nodes[-1] = replace(last, rest=node.target)
                else:
                    nodes.append(node)
            if not self._take(PLUS):
                break
        ended = not self.text.startswith(tuple("@/[#"), self._here())
        if ended and all(isinstance(node, Rest) for node in nodes):
            self._fail(nodes[0].at, "Expected work here: a plan or group is more than rests.")
        return tuple(nodes)

    def _element(self) -> tuple[Node, ...]:
        at = self._here()
        tag: Tag | None = None
        prefix: str | None = None
        while at < len(self.text):
            if self.text[at] == "[":
                found = self._take(BLOCK_TAG)
                if not found:
                    self._fail(
                        at, "Expected [w], [c] or [t] here; the length of splits follows a piece."
                    )
                if tag:
                    self._fail(at, ONE_EACH)
                tag = TAGS[found[1].lower()]
            elif self.text[at].isalpha() and (found := self._take(PREFIX)):
                if prefix:
                    self._fail(at, ONE_EACH)
                self.machine = prefix = found[1].lower()
            else:
                break
            at = self._here()
        if self._take(LIST):
            return self._list(tag)
        return self._interval(at, tag)

    def _list(self, tag: Tag | None) -> tuple[Node, ...]:
        """`500m/1000m/500m` after its v: work, unless marked as a rest."""
        nodes: list[Node] = []
        unmarked: int | None = None
        while True:
            at = self._here()
            if nodes and unmarked is None:
                unmarked = at
            target, rest = self._work(at, counted=False, pairs=False)
            nodes.append(self._finished(at, 1, target, rest, tag, in_list=True))
            if not self._take(SLASH):
                break
        if unmarked is not None and PLUS.match(self.text, self.pos):
            self._fail(
                unmarked,
                "Work or rest? Write r after a rest (v500m/1:00r+1000m/2:00r),"
                " and + alone between pieces.",
            )
        return tuple(nodes)

    def _interval(self, at: int, tag: Tag | None) -> tuple[Node, ...]:
        count = 1
        if found := self._take(COUNT):
            count = int(found[1]) if len(found[1]) < 7 else 0
            if not 1 <= count <= MAX_INTERVALS:
                self._fail(found.start(1), f"Repetitions are counted from 1 to {MAX_INTERVALS}.")
            inner = self._here()
            if COUNT.match(self.text, inner):
                self._fail(inner, "Write repetitions of repetitions as a group: 3x(4x500m/1:00r).")
        elif rest := self._lone_rest():
            return (self._rest_node(at, rest, tag),)
        if OPENING.match(self.text, self.pos):
            return self._group(at, count, tag, None)
        target, rest = self._work(self._here(), counted=self.machine in COUNTED)
        if rest is None and target.type in ("time", "distance", "energy"):
            mark = self._here()
            if not REST_WORD.match(self.text, mark) and self._take(REST_MARK):
                if count > 1:
                    self._fail(mark, "Repeat work, with its rest after a slash: 8x500m/1:30r.")
                return (self._rest_node(at, target, tag),)
            if OPENING.match(self.text, mark):
                return self._group(at, count, tag, target)
        return (self._finished(at, count, target, rest, tag),)

    def _rest_node(self, at: int, target: Target, tag: Tag | None) -> Rest:
        suffixes = self._suffixes(None, NO_GUIDANCE, target, tag, work=False)
        return Rest(at=at, target=target, tag=suffixes.tag)

    def _finished(
        self,
        at: int,
        count: int,
        target: Target,
        rest: Target | None,
        tag: Tag | None,
        in_list: bool = False,
    ) -> Interval:
        """The interval whose work was just read, with all that may follow it."""
        guidance = NO_GUIDANCE
        if found := self._take(SHORT_RATE):
            rate = int(found[2]) if len(found[2]) < 4 else 0
            if not 16 <= rate <= 40:
                self._fail(
                    found.start(1),
                    "Expected a rate from 16 to 40; others are written @r12, a rest /1:30r.",
                )
            guidance = Guidance(bands=(Band(quantity="stroke_rate_spm", low=rate, high=rate),))
        activity, note = self.machine, None
        if activity == NOTED:
            note = self._name(counts=target is OPEN)
        elif target.type not in ("distance", "energy"):
            activity = self._name(counts=target is OPEN) or activity
        self._take(ON)
        suffixes = self._suffixes(target, guidance, rest, tag, in_list=in_list)
        rest = suffixes.rest
        if rest and rest.type == "ratio" and target.type == "time":
            rest = self._times(rest, target.value or 0.0, suffixes.rest_at)
        return Interval(
            at=at,
            count=count,
            target=target,
            activity=activity,
            guidance=suffixes.guidance,
            split=suffixes.split,
            rest=rest,
            tag=suffixes.tag,
            note=note,
        )

    def _group(
        self, at: int, count: int, tag: Tag | None, whole: Target | None
    ) -> tuple[Node, ...]:
        opening = self._here()
        self._take(OPENING)
        if self.depth == MAX_DEPTH:
            self._fail(opening, f"Groups are at most {MAX_DEPTH} deep.")
        self.depth += 1
        machine = self.machine
        parts = self._sequence()
        self.machine = machine
        self.depth -= 1
        if not self._take(CLOSING):
            end = self._here()
            if end < len(self.text):
                self._fail(end, self._left_over(end))
            self._fail(end, "Expected ) here: a group is still open.")
        if count * sum(size(part) for part in parts) > MAX_INTERVALS:
            self._fail(at, f"A plan has at most {MAX_INTERVALS} intervals.")
        if whole:
            total = work_total(parts, whole)
            if total is None or abs(total - (whole.value or 0.0)) > 0.0005:
                self._fail(
                    opening, "The parts in parentheses must add up to the piece they divide."
                )
        suffixes = self._suffixes(None, NO_GUIDANCE, None, tag, parts=parts)
        if suffixes.split:
            parts = with_splits(parts, suffixes.split)
        rest = suffixes.rest
        if rest and rest.type == "ratio":
            total = work_total(parts, Target(type="time"))
            if total is None:
                self._fail(
                    suffixes.rest_at,
                    "A ratio after a group needs work by time alone; write this rest as a time.",
                )
            rest = self._times(rest, total, suffixes.rest_at)
        group = Group(
            at=at,
            count=count,
            parts=parts,
            guidance=suffixes.guidance,
            rest=rest,
            tag=suffixes.tag,
        )
        return flattened(group)

    def _suffixes(
        self,
        target: Target | None,
        guidance: Guidance,
        rest: Target | None,
        tag: Tag | None,
        *,
        work: bool = True,
        in_list: bool = False,
        parts: tuple[Node, ...] = (),
    ) -> _Suffixes:
        """Rest, guidance, splits and tag, in any order, of a piece or of a group of `parts`."""
        bands = {band.quantity: band for band in guidance.bands}
        zone: str | None = None
        free = False
        split: Target | None = None
        rest_at = self.pos
        while True:
            at = self._here()
            sign = self.text[at : at + 1]
            if sign == "#":
                found = self._take(HASH_TAG)
                if not found:
                    self._fail(at, "Expected #warmup, #cooldown or #test here.")
                if tag:
                    self._fail(at, ONE_EACH)
                tag = TAGS[found[1].lower()]
            elif not work:
                break
            elif sign == "@":
                self.pos = at + 1
                said_at = self._here()
                said = self._finish(target) or self._guidance(said_at)
                if isinstance(said, Band):
                    if said.quantity in bands:
                        self._fail(said_at, ONE_EACH)
                    bands[said.quantity] = said
                elif said is None:
                    free = True
                elif zone:
                    self._fail(said_at, ONE_EACH)
                else:
                    zone = said
                if free and (bands or zone):
                    self._fail(
                        said_at, "Work is either @open or has guidance; leave one of them out."
                    )
            elif sign == "[" and not BLOCK_TAG.match(self.text, at):
                if split:
                    self._fail(at, ONE_EACH)
                split = self._split(at, [target] if target else _targets(parts))
            elif sign == "/" or REST_WORD.match(self.text, at):
                if in_list and (rest or not self._list_rest_follows(at)):
                    break
                if rest:
                    self._fail(at, self._left_over(at))
                self._take(SLASH)
                rest_at = self._here()
                rest = self._rest(rest_at)
            else:
                break
        if bands or zone or free:
            ordered = tuple(sorted(bands.values(), key=band_order))
            guidance = Guidance(bands=ordered, zone=zone, free=free)
        return _Suffixes(guidance=guidance, rest=rest, rest_at=rest_at, split=split, tag=tag)

    def _finish(self, target: Target | None) -> Band | None:
        """The time for the whole of a run, `Run: 5k @20:00`, as the pace that it takes."""
        if self.machine != NOTED or target is None or target.type != "distance":
            return None
        start, found = self.pos, self._take(FINISH)
        seconds = int(found[1]) * 60 + int(found[2]) if found else 0
        if not found or seconds <= SLOWEST_S:  # so far it is a pace for 500 m
            self.pos = start
            return None
        pace = round(500 * seconds / (target.value or 0.0), 3)
        self._within(pace, "pace_s_per_500m", found.start(1))
        return Band(quantity="pace_s_per_500m", low=pace, high=pace)

    def _split(self, at: int, targets: Sequence[Target]) -> Target:
        self.pos = at + 1
        value_at = self._here()
        split = self._quantity()
        if split is None:
            self._fail(value_at, "Expected the length of the splits here, as in [2000m] or [5:00].")
        if not self._take(SPLIT_END):
            self._fail(self._here(), "Expected ] here, after the length of the splits.")
        for target in targets:
            if split.type == target.type and split.value and target.value:
                if split.value > target.value:
                    self._fail(value_at, "A split cannot be longer than its piece.")
                if target.value / split.value > MAX_SPLITS:
                    self._fail(value_at, f"A piece has at most {MAX_SPLITS} splits.")
        return split


def _targets(parts: Sequence[Node]) -> list[Target]:
    """Of all work of a group that says nothing of its splits."""
    found: list[Target] = []
    for part in parts:
        if isinstance(part, Group):
            found += _targets(part.parts)
        elif isinstance(part, Interval) and part.split is None:
            found.append(part.target)
    return found
