"""An athlete and a machine on paper: frames through the protocols' encoders, and their truth.

`Simulator` yields frames in order of time, as many as are asked for, in flat memory;
`simulate` runs a script to its end. Equal arguments give equal frames on every platform.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.protocols.csafe_programs import Interval
from rowlog_drivers.simulator.athlete import Leg, Performance
from rowlog_drivers.simulator.faults import Faults
from rowlog_drivers.simulator.machines import Device, FtmsRower, Strap
from rowlog_drivers.simulator.pm5 import Erg, Pm5Rower
from rowlog_drivers.simulator.s4 import POWER_FACTOR, S4Rower
from rowlog_drivers.simulator.script import (
    FAULTS,
    Athlete,
    Fault,
    FaultTruth,
    Stretch,
    StretchTruth,
    Truth,
)

__all__ = [
    "FAULTS",
    "Athlete",
    "Erg",
    "Fault",
    "FaultTruth",
    "RowerKind",
    "Simulation",
    "Simulator",
    "Stretch",
    "StretchTruth",
    "Truth",
    "simulate",
]

RowerKind = Literal["ftms", "s4", "pm5"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """A whole session on paper."""

    frames: tuple[Frame, ...]
    truth: Truth
    sources: tuple[SourceHeader, ...]


class Simulator:
    """A session on paper, to be iterated once; its truth grows while it is.

    The script may be an iterator without end. `truth` holds the stretches that are over.
    """

    def __init__(
        self,
        script: Iterable[Stretch],
        *,
        rower: RowerKind | None = "ftms",
        strap: bool = True,
        seed: int = 1,
        faults: Iterable[str | Fault] = (),
        rate_hz: float = 2.0,
        athlete: Athlete | None = None,
        relay_heart_rate: bool = False,
        moving_time_only: bool = False,
        stale: bool = False,
        reset_at_s: float | None = None,
        program: Sequence[Interval] = (),
        erg: Erg = "row",
        rower_source: str = "rower",
        strap_source: str = "strap",
    ) -> None:
        """Set the devices up; nothing happens yet.

        Args:
            script: what the athlete does, one stretch after the other.
            rower: an FTMS machine, a WaterRower S4 with the host that polls it, a Concept2 PM5,
                or none.
            strap: whether a heart-rate strap is worn.
            seed: another seed is another session, equally plausible.
            faults: names out of `FAULTS`, at times of the simulator's choice, or `Fault`s.
                drop and silent hit the rower, the strap when there is none.
            rate_hz: records a second of the FTMS machine and the PM5, above 0 and at most 10.
            athlete: who rows; None: an average club rower.
            relay_heart_rate: whether the FTMS machine or the PM5 sends the heart rate too.
            moving_time_only: whether the FTMS machine's time stands still with the wheel.
            stale: whether the S4 still holds counters of a former row.
            reset_at_s: when the host of the S4 sends RESET; None: never.
            program: the workout that the PM5 or the S4 holds, best one that the script follows;
                (): a free row.
            erg: which of Concept2's machines the PM5 is on.
            rower_source: the rower's name in the frames.
            strap_source: the strap's name in the frames.

        Raises CallError for an unknown fault, a rate out of range, or no device at all.
        """
        if not 0 < rate_hz <= 10:
            raise CallError(
                f"A simulated rower sends above 0 and up to 10 records a second, not {rate_hz}."
            )
        if rower is None and not strap:
            raise CallError("A simulation needs a rower or a strap.")
        self._faults = Faults(faults, Random(f"rowlog:{seed}:faults"))
        self._performance = Performance(
            script,
            athlete=athlete if athlete is not None else Athlete(),
            seed=seed,
            power_factor=POWER_FACTOR if rower == "s4" else 1.0,
        )
        self._devices: list[Device] = []
        sources: list[SourceHeader] = []
        random = Random(f"rowlog:{seed}:rower")
        if rower == "ftms":
            self._devices.append(
                FtmsRower(
                    rower_source,
                    random,
                    self._faults,
                    rate_hz=rate_hz,
                    relay_heart_rate=relay_heart_rate,
                    moving_time_only=moving_time_only,
                )
            )
            sources.append(
                SourceHeader(name=rower_source, driver="ftms", options=(("name", "Paper rower"),))
            )
        elif rower == "s4":
            self._devices.append(
                S4Rower(
                    rower_source,
                    random,
                    self._faults,
                    stale=stale,
                    reset_at_s=reset_at_s,
                    program=program,
                )
            )
            sources.append(SourceHeader(name=rower_source, driver="waterrower"))
        elif rower == "pm5":
            self._devices.append(
                Pm5Rower(
                    rower_source,
                    random,
                    self._faults,
                    rate_hz=rate_hz,
                    relay_heart_rate=relay_heart_rate,
                    program=program,
                    erg=erg,
                )
            )
            sources.append(
                SourceHeader(name=rower_source, driver="pm5", options=(("name", "PM5 paper"),))
            )
        if strap:
            self._devices.append(
                Strap(
                    strap_source,
                    Random(f"rowlog:{seed}:strap"),
                    self._faults,
                    faulty=rower is None,
                )
            )
            sources.append(
                SourceHeader(
                    name=strap_source, driver="heart_rate", options=(("name", "Paper strap"),)
                )
            )
        self.sources = tuple(sources)
        """The devices, as they stand in the header of a .frames file."""

    def __iter__(self) -> Iterator[Frame]:
        """Every frame in order of time."""
        waiting: list[tuple[int, int, Frame]] = []
        count = 0
        began = False
        for leg in self._performance.legs():
            if not began and leg.kind in ("work", "exercise"):
                began = True
                self._faults.work_began(leg.start_s)
            self._live(leg)
            for device in self._devices:
                for frame in device.outbox:
                    count += 1
                    heapq.heappush(waiting, (frame.t_ns, count, frame))
                device.outbox.clear()
            # What later legs send is stamped no earlier than their start.
            until_ns = round(leg.end_s * 1e9)
            while waiting and waiting[0][0] < until_ns:
                yield heapq.heappop(waiting)[2]
        end_ns = round(self._performance.t_s * 1e9)
        while waiting and waiting[0][0] <= end_ns:
            yield heapq.heappop(waiting)[2]

    @property
    def truth(self) -> Truth:
        """What really happened, up to now."""
        return Truth(
            stretches=tuple(self._performance.stretches),
            faults=self._faults.truth,
            end_s=self._performance.t_s,
        )

    def _live(self, leg: Leg) -> None:
        for device in self._devices:
            device.on_leg(leg)
        while True:
            device = min(self._devices, key=_next_s)
            if device.next_s >= leg.end_s:
                return
            device.tick(device.next_s, leg)


def simulate(
    script: Iterable[Stretch],
    *,
    rower: RowerKind | None = "ftms",
    strap: bool = True,
    seed: int = 1,
    faults: Iterable[str | Fault] = (),
    rate_hz: float = 2.0,
    athlete: Athlete | None = None,
    relay_heart_rate: bool = False,
    moving_time_only: bool = False,
    stale: bool = False,
    reset_at_s: float | None = None,
    program: Sequence[Interval] = (),
    erg: Erg = "row",
) -> Simulation:
    """Run a script that ends; the arguments are those of `Simulator`."""
    simulator = Simulator(
        script,
        rower=rower,
        strap=strap,
        seed=seed,
        faults=faults,
        rate_hz=rate_hz,
        athlete=athlete,
        relay_heart_rate=relay_heart_rate,
        moving_time_only=moving_time_only,
        stale=stale,
        reset_at_s=reset_at_s,
        program=program,
        erg=erg,
    )
    frames = tuple(simulator)
    return Simulation(frames=frames, truth=simulator.truth, sources=simulator.sources)


def _next_s(device: Device) -> float:
    return device.next_s
