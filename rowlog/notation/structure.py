"""A plan's structure: intervals and groups, unrolled into pieces or written as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from rowlog.plan import ROW, Band, Piece, Quantity, Tag, Target

_QUANTITIES: Final[tuple[Quantity, ...]] = (
    "stroke_rate_spm",
    "pace_s_per_500m",
    "power_w",
    "heart_rate_bpm",
)
MACHINES: Final = {ROW, "ski", "bike", "run", "cross", "circuit", "other"}
NOTED: Final = "run"
"""On this machine, words after a quantity are a note; elsewhere they name an exercise."""
_TAG_TEXT: Final[dict[Tag, str]] = {"warm_up": "[w]", "cool_down": "[c]", "test": "[t]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """What to stay within: at most one band for a quantity, in their customary order."""

    bands: tuple[Band, ...] = ()
    zone: str | None = None
    free: bool = False

    def within(self, outer: Guidance) -> Guidance:
        """What holds in a group whose guidance is `outer`: what is said nearest wins."""
        if self.free or outer is NO_GUIDANCE:
            return self
        own = {band.quantity for band in self.bands}
        bands = (*self.bands, *(band for band in outer.bands if band.quantity not in own))
        return Guidance(
            bands=tuple(sorted(bands, key=band_order)),
            zone=self.zone or outer.zone,
            free=outer.free and self == NO_GUIDANCE,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Work and its rest, so many times; `at` is the position in the text that it came from."""

    at: int
    count: int
    target: Target
    activity: str
    guidance: Guidance
    split: Target | None
    rest: Target | None
    tag: Tag | None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Parts in parentheses, so many times; `rest` replaces the rest at the end of each time."""

    at: int
    count: int
    parts: tuple[Node, ...]
    guidance: Guidance
    rest: Target | None
    tag: Tag | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A rest that is no interval's own."""

    at: int
    target: Target
    tag: Tag | None


Node = Interval | Group | Rest


NO_GUIDANCE: Final = Guidance()


def band_order(band: Band) -> int:
    """Where a band stands among others: rate, pace, power, heart rate."""
    return _QUANTITIES.index(band.quantity)


# Structure into pieces


def size(node: Node) -> int:
    """How many intervals a node becomes; a rest of its own counts as one."""
    if isinstance(node, Interval):
        return node.count
    if isinstance(node, Group):
        return node.count * sum(size(part) for part in node.parts)
    return 1


def unroll(node: Node, outer: Guidance, tag: Tag | None, round_: int | None) -> list[Piece]:
    """All pieces of a node, within the guidance, tag and round of the group around it."""
    tag = node.tag or tag
    if isinstance(node, Rest):
        return [Piece(kind="rest", target=node.target, tag=tag, round=round_)]
    guidance = node.guidance.within(outer)
    if isinstance(node, Interval):
        work = Piece(
            kind="work",
            target=node.target,
            activity=node.activity,
            bands=guidance.bands,
            zone=guidance.zone,
            free=guidance.free,
            round=round_,
            split=node.split,
            tag=tag,
            note=node.note,
        )
        if node.rest is None:
            return [work] * node.count
        return [work, _rest_after(work, node.rest, tag, round_)] * node.count
    pieces: list[Piece] = []
    for number in range(1, node.count + 1):
        inner = number if node.count > 1 else round_
        for part in node.parts:
            pieces += unroll(part, guidance, tag, inner)
        if node.rest:
            if pieces[-1].kind == "rest":
                del pieces[-1]
            pieces.append(_rest_after(pieces[-1], node.rest, tag, inner))
    return pieces


def _rest_after(piece: Piece, target: Target, tag: Tag | None, round_: int | None) -> Piece:
    """A rest on the machine of the piece before it, or beside the rowing machine."""
    activity = piece.activity if piece.activity in MACHINES else ROW
    return Piece(kind="rest", target=target, activity=activity, round=round_, tag=tag)


def work_total(parts: tuple[Node, ...], like: Target) -> float | None:
    """All work of the parts, in the measure of `like`; None when some has another measure."""
    total = 0.0
    for part in parts:
        for piece in unroll(part, NO_GUIDANCE, None, None):
            if piece.kind == "work":
                if piece.target.type != like.type:
                    return None
                total += piece.target.value or 0.0
    return total


def with_splits(parts: tuple[Node, ...], split: Target) -> tuple[Node, ...]:
    """The parts, all work of theirs that says nothing of its splits with these."""
    return tuple(
        replace(part, parts=with_splits(part.parts, split))
        if isinstance(part, Group)
        else replace(part, split=part.split or split)
        if isinstance(part, Interval)
        else part
        for part in parts
    )


def flattened(group: Group) -> tuple[Node, ...]:
    """The parts alone where the parentheses say nothing."""
    if group.count > 1 or group.tag or group.guidance != NO_GUIDANCE:
        return (group,)
    last = group.parts[-1]
    if group.rest is None:
        return group.parts
    if isinstance(last, Interval) and last.count == 1:
        return (*group.parts[:-1], replace(last, rest=group.rest))
    return (group,)


# Structure into text


def sequence_text(nodes: tuple[Node, ...], machine: str) -> str:
    """The canonical text; `machine` is the one that needs no naming here."""
    texts: list[str] = []
    for node in nodes:
        prefix = ""
        used = set(_machines(node))
        if machine == NOTED and isinstance(node, Interval) and not used:
            used = {"other"}  # else the exercise would be read as a run's note
        if len(used) == 1 and machine not in used:
            machine = used.pop()
            prefix = machine.capitalize() + ": "
        texts.append(prefix + _node_text(node, machine))
    return " + ".join(texts)


def _machines(node: Node) -> Iterator[str]:
    """The machines that a prefix must have named for the node's work."""
    if isinstance(node, Interval):
        if node.activity in MACHINES:
            yield node.activity
    elif isinstance(node, Group):
        for part in node.parts:
            yield from _machines(part)


def _node_text(node: Node, machine: str) -> str:
    text = _TAG_TEXT[node.tag] if node.tag else ""
    if isinstance(node, Rest):
        mark = "rest " if node.target.type == "heart_rate_below" else ""
        return text + mark + _target_text(node.target) + ("" if mark else "r")
    if isinstance(node, Group):
        work = f"({sequence_text(node.parts, machine)})"
    else:
        work = _target_text(node.target)
        if node.target.type == "open":
            work = "open"
        if node.activity not in MACHINES:
            work += " " + node.activity
        if node.note:
            work += " " + node.note
    if node.count > 1:
        text += f"{node.count}x" + (" " if work[0].isalpha() else "")
    text += work + guidance_text(node.guidance)
    if node.rest:
        text += "/" + _rest_text(node.rest)
    if isinstance(node, Interval) and node.split:
        text += f" [{_target_text(node.split)}]"
    return text


def _rest_text(rest: Target) -> str:
    if rest.type == "heart_rate_below":
        return "rest " + _target_text(rest)
    return _target_text(rest) + ("r" if rest.type in ("time", "open") else "")


def _target_text(target: Target) -> str:
    value = target.value or 0.0
    if target.type == "time":
        return time_text(value)
    if target.type == "distance":
        return f"{value:.1f}".removesuffix(".0") + "m"
    if target.type == "energy":
        return f"{value:.0f}cal"
    if target.type == "ratio":
        ratio = Fraction(value).limit_denominator(9)
        return f"{ratio.denominator}:{ratio.numerator}"
    if target.type == "open":
        return "..."
    most = "" if target.at_most_s is None else f" max {time_text(target.at_most_s)}"
    return f"until {'>' if target.type == 'heart_rate_above' else '<'}{value:.0f}bpm{most}"


def time_text(seconds: float) -> str:
    """Seconds as they are written: 1:30, 1:00:00, 0:08.571; thousandths where there are any."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    minutes, rest = divmod(whole, 60)
    hours, left = divmod(minutes, 60)
    text = f"{hours}:{left:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return text + (f".{thousandths:03}".rstrip("0") if thousandths else "")


def guidance_text(guidance: Guidance) -> str:
    """Guidance as it is written, each with its @."""
    text = "".join("@" + _band_text(band) for band in guidance.bands)
    if guidance.zone:
        text += "@" + guidance.zone
    return text + "@open" if guidance.free else text


def _band_text(band: Band) -> str:
    """r18..22, 2:05..2:10, 2k+5..2k+10, 180W, <150bpm, 80..85%max."""
    if band.reference and band.reference != "max_heart_rate":
        ends = [_offset_text(band.reference, value or 0.0) for value in (band.low, band.high)]
    else:
        paced = band.quantity == "pace_s_per_500m"
        ends = [
            "" if value is None else time_text(value) if paced else f"{value:.0f}"
            for value in (band.low, band.high)
        ]
    low, high = ends
    text = f"<{high}" if not low else f">{low}" if not high else low
    if low and high and low != high:
        text = f"{low}..{high}"
    if band.quantity == "stroke_rate_spm":
        return f"r{text}" if low and high else f"{text}spm"
    if band.quantity == "power_w":
        return text + "W"
    if band.quantity == "heart_rate_bpm":
        return text + ("%max" if band.reference else "bpm")
    return text


def _offset_text(reference: str, offset: float) -> str:
    if not offset:
        return reference
    return f"{reference}{offset:+.3f}".rstrip("0").rstrip(".")
