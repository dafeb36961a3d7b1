"""The process of a recording that was started from a page: `python -m rowlog.web.recorded`.

Its call is the first line of its standard input, presses are the others; all that its page shows
goes to its standard output.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rowlog.recording import record
from rowlog.web import wire
from rowlog.web.piping import PipedView, standard_pipes, write_later
from rowlog.web.starting import Call
from rowlog.workouts import plan_of
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.errors import RowlogError


def main() -> int:
    """Record one session; returns the exit code."""
    out, back = standard_pipes()
    call = Call(**json.loads(back.readline()))

    def tell(text: str) -> None:
        write_later(out, wire.line("told", text=text))

    session: int | None = None
    try:
        database = Path(call.database)
        session = record(
            database,
            parse_address(call.rower) if call.rower is not None else None,
            parse_address(call.strap) if call.strap is not None else None,
            plan=plan_of(call.plan, database) if call.plan is not None else None,
            athlete=call.athlete,
            optional=frozenset({"strap"}) if call.strap == "auto" else frozenset(),
            tell=tell,
            views=[PipedView(out, back, alone=True)],
        )
    except RowlogError as error:
        write_later(out, wire.stage("ended", session, str(error))).join()
        return error.exit_code
    write_later(out, wire.stage("ended", session)).join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
