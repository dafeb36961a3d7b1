"""An address as a code that a telephone reads off the terminal."""

from __future__ import annotations

from io import StringIO

import segno

WHITE_ON_BLACK = "\x1b[97;40m"
PLAIN = "\x1b[0m"


def code(url: str, *, colour: bool) -> list[str]:
    """The code, a string a line, two of its rows in each; below 40 columns wide.

    `colour`: whether the terminal can be told to show it white on black, as most readers want it.
    """
    out = StringIO()
    segno.make(url, error="l", micro=False).terminal(out, compact=True, border=2)
    lines = out.getvalue().splitlines()
    return [f"{WHITE_ON_BLACK}{line}{PLAIN}" for line in lines] if colour else lines
