"""The rower as it moves through the pieces: what ends with where it stands now."""

from __future__ import annotations

from rowlog.intervals_pauses import Pauses
from rowlog.intervals_starts import PAUSE_AFTER_NS
from rowlog.timeline import STILL_NS, Position


class Motion(Pauses):
    """Ends what has ended by a position or by the time, and follows the movement."""

    def _stand(self, position: Position) -> None:
        """What ends with where the rower stands, whether that was heard or is concluded."""
        self._track.add(position)
        if position.power_unknown:
            self._power.add(position.t_ns, None)
        elif position.power_w is not None:
            self._power.derived = position.power_derived
            # Machines say 0 W until the first stroke of a piece is measured: that is no value.
            self._powered = self._powered or position.power_w > 0
            self._power.add(position.t_ns, position.power_w if self._powered else None)
        if self.at < 0:
            self._await_start(position)
        self._advance(position.t_ns)
        at, begin = self.at, self.begin
        self._watch_motion(position)
        if self.at != at or self.begin is not begin:  # else nothing ends that did not before
            self._advance(position.t_ns)

    def _await_start(self, position: Position) -> None:
        """The first piece begins with the first movement."""
        if position.moved:
            began_ns = self._began_ns(position)
            self._cut(self._track.start_mark(began_ns))
            self._enter(self.first, self._cut_mark)
            self._motion_ns = began_ns

    def _advance(self, t_ns: int) -> None:
        while True:
            boundary = self._next_boundary(t_ns)
            if self.pauses_ns and self._turns(boundary, t_ns):
                continue
            if boundary is None:
                return
            if (
                self._rowing
                and not self.paused
                and boundary.quantity is None
                and self._stopped_before(boundary.t_ns)
                and not self._rowed_through(boundary.t_ns)
            ):
                self._pause()
            self._apply(boundary)

    def _advance_off_machine(self, t_ns: int) -> None:
        """Without a rower's counters to wait for, boundaries in time are known at once."""
        while True:
            if not 0 <= self.at < len(self.pieces):
                return
            if self._track.corners and not self._on_floor(self.pieces[self.at]):
                return
            boundary = self._next_boundary(t_ns)
            if self.pauses_ns and self._turns(boundary, t_ns):
                continue
            if boundary is None:
                return
            self._apply(boundary)

    def _watch_motion(self, position: Position) -> None:
        piece = self._piece
        if piece is None or self.begin is None:
            self._motion_ns = position.t_ns if position.moved else self._motion_ns
            return
        t_ns = position.t_ns
        if self.held is not None:
            if not position.moved:
                self._still = self._still or t_ns - self._motion_ns > STILL_NS
                return
            if self._on_floor(piece) or not self._rows_again(position, self.held):
                self._motion_ns = t_ns
                return
            before = self._track.before_last()
            if before is None or self._still or self._unseen_stop(position, STILL_NS):
                self._release(self._began_ns(position), standing=True)
            else:  # who never stopped rows again with the stroke that shows it
                self._release(before.t_ns)
        if not position.moved:
            if self._rowing and not self.paused and self._stopped_before(t_ns):
                self._pause()
            if t_ns - self._motion_ns > STILL_NS:
                self._still = True
            return
        if self._rowing:
            if not self.paused and self._unseen_stop(position, PAUSE_AFTER_NS):
                self._pause()
            if self.paused:
                self._resume(self._began_ns(position))
        elif (
            piece.kind == "rest"
            and piece.target.type == "open"
            and not self.device_led
            and (
                self._still
                or self._unseen_stop(position, STILL_NS)
                or self._rows_after_gap(position)
            )
        ):
            self._apply(self._rest_over(position))
        self._still = False
        self._motion_ns = t_ns
