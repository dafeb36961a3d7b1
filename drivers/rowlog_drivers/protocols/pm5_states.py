"""What a Concept2 monitor says of its own state, told when it changes."""

from __future__ import annotations

from collections.abc import Mapping

from rowlog_drivers.protocols.pm5_names import (
    INTERVAL_TYPES,
    OPERATIONAL_STATES,
    ROWING_STATES,
    TARGETS,
    WORKOUT_STATES,
    WORKOUT_TYPES,
    erg_name,
    pace_distance_m,
)
from rowlog_drivers.protocols.pm5_workout import Began
from rowlog_drivers.records import MachineState

_NO_TYPE = 255
UNKNOWN = "unknown"


class States:
    """MachineState records of one connection: each state once, and again when it differs."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: dict[str, object] = {}

    def forget(self) -> None:
        """The connection is gone: the next one tells all states again."""
        self._said.clear()

    def workout_state(
        self, code: int, t_ns: int, source: str, began: Began | None = None
    ) -> list[MachineState]:
        """The monitor's state machine: its own word for it as `state`.

        `began` makes it worth telling even when the word is the same.
        """
        if not self.changed("workout_state", code) and began is None:
            return []
        return [
            MachineState(
                t_ns=t_ns,
                source=source,
                state=WORKOUT_STATES.get(code, UNKNOWN),
                code=code,
                parameter=None if began is None else began.parameter,
            )
        ]

    def rowing_state(self, code: int, t_ns: int, source: str) -> list[MachineState]:
        """Whether someone rows: "rowing_active" or "rowing_inactive"."""
        return self._named("rowing_state", ROWING_STATES, code, t_ns, source)

    def operational_state(self, code: int, t_ns: int, source: str) -> list[MachineState]:
        """What the monitor as a whole is doing, as "monitor_..."."""
        return self._named("operational_state", OPERATIONAL_STATES, code, t_ns, source)

    def workout_type(self, code: int, t_ns: int, source: str) -> list[MachineState]:
        """State "program"; the kind of workout is its text."""
        if not self.changed("workout_type", code):
            return []
        text = WORKOUT_TYPES.get(code, UNKNOWN)
        return [MachineState(t_ns=t_ns, source=source, state="program", code=code, text=text)]

    def interval_type(self, code: int, t_ns: int, source: str) -> list[MachineState]:
        """State "interval_type", its text "time", "distance", "rest", ...; not for 255, none."""
        if not self.changed("interval_type", code) or code == _NO_TYPE:
            return []
        text = INTERVAL_TYPES.get(code, UNKNOWN)
        return [MachineState(t_ns=t_ns, source=source, state="interval_type", code=code, text=text)]

    def interval_count(self, count: int, t_ns: int, source: str) -> list[MachineState]:
        """State "interval"; `interval_number` is that of the split or interval under way, from 1.

        `code` is the count as sent: how many are over.
        """
        if not self.changed("interval", count):
            return []
        return [
            MachineState(
                t_ns=t_ns, source=source, state="interval", interval_number=count + 1, code=count
            )
        ]

    def target(self, kind: int, raw: int, t_ns: int, source: str) -> list[MachineState]:
        """How long the workout or interval is: "target_distance_m", ... with its `parameter`."""
        if not self.changed("target", (kind, raw)):
            return []
        name, per = TARGETS.get(kind, (UNKNOWN, 1))
        parameter = raw if per == 1 else raw / per
        return [MachineState(t_ns=t_ns, source=source, state=name, code=kind, parameter=parameter)]

    def erg_machine(self, code: int, t_ns: int, source: str) -> list[MachineState]:
        """State "erg_machine", its text "RowErg", "SkiErg", "BikeErg" or "Dyno".

        `parameter` is the distance in metres that the monitor's own pace display is for.
        """
        if not self.changed("erg_machine", code):
            return []
        text = erg_name(code) or UNKNOWN
        return [
            MachineState(
                t_ns=t_ns,
                source=source,
                state="erg_machine",
                code=code,
                text=text,
                parameter=pace_distance_m(code),
            )
        ]

    def changed(self, what: str, value: object) -> bool:
        """Whether `value` is not what was said of it last."""
        changed = what not in self._said or self._said[what] != value
        self._said[what] = value
        return changed

    def _named(
        self, what: str, names: Mapping[int, str], code: int, t_ns: int, source: str
    ) -> list[MachineState]:
        if not self.changed(what, code):
            return []
        state = names.get(code, UNKNOWN)
        return [MachineState(t_ns=t_ns, source=source, state=state, code=code)]
