"""What all charts of a report share: colours, sizes and scales."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from rowlog.render import clock_time, duration, pace

INK, SOFT, LINE, SHADE, GAP = "#1b2530", "#5b6672", "#d9dee3", "#e1ebf5", "#f6e3c8"
PAPER = "#fffffe"
"""What is drawn on, where it must cover something."""
PACE, RATE, POWER, HEART = "#1f66a8", "#2c7a4b", "#8a5a00", "#b8322a"
"""Each is at least 4.5 : 1 against white; a page puts its own in their place."""

_RAMP: Final = LinearSegmentedColormap.from_list("reps", ("#2f86c9", "#8a6fc8", "#dd5a3c"))
MARGIN_IN: Final = 0.45
"""Of paper round a picture."""
SMALL: Final = 8.5
"""Size of the words within a drawing, in points."""
_CHARACTER_IN: Final = 0.085
"""About how wide a character of them is."""
_TITLE_IN: Final = 0.1
"""Of a title's."""
_PACE_STEPS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)


@contextmanager
def drawing() -> Iterator[None]:
    """Text as it is (no formula in a name), in the fonts that there are, the same bytes twice."""
    settings: Any = {
        "text.parse_math": False, "svg.hashsalt": "rowlog", "font.size": 9.5,
        "font.family": "sans-serif", "axes.edgecolor": LINE, "axes.labelcolor": SOFT,
        "text.color": INK, "xtick.color": SOFT, "ytick.color": SOFT, "axes.titlesize": 10.5,
        "axes.titleweight": "bold", "axes.titlecolor": INK, "pdf.fonttype": 42,
        "xtick.major.size": 3, "axes.titlelocation": "left",
    }  # fmt: skip
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script without a font
        yield


def shade(place: int, count: int) -> str:
    """The colour of one rep of several: blue is the first, red the last."""
    return to_hex(_RAMP(place / max(count - 1, 1)))


def characters(width_in: float) -> int:
    """How many small characters stand beside each other in a drawing so wide, beside its scale."""
    return max(1, int((width_in - 0.6) / _CHARACTER_IN))


def finish(axis: Axes) -> None:
    """Faint lines across, and no box round the drawing."""
    axis.grid(axis="y", color=LINE, linewidth=0.7)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.tick_params(axis="y", length=0)


def headline(axis: Axes, width_in: float, *texts: str, **look: Any) -> None:
    """A drawing's title: the first of several that has room above it, else the last."""
    room = (width_in - 0.6) / _TITLE_IN
    axis.set_title(
        next((text for text in texts if len(text) <= room), texts[-1]), loc="left", **look
    )


def pace_scale(axis: Axes, low: float, high: float, most: int = 5) -> None:
    """A scale of paces, the fast ones at the top, with marks at round ones."""
    step = next((step for step in _PACE_STEPS if (high - low) / step <= most), high - low)
    marks = np.arange(ceil(low / step - 1e-9), (high + 1e-9) / step) * step
    axis.set_ylim(high, low)
    axis.set_yticks(marks)
    said = duration if step >= 1 else pace
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: said(value + 1e-6)))


def whole_scale(axis: Axes, low: float, high: float, most: int = 4) -> None:
    """A scale with marks at whole numbers."""
    axis.set_ylim(low, high)
    axis.yaxis.set_major_locator(MaxNLocator(most, integer=True, steps=[1, 2, 5, 10]))


def time_scale(axis: Axes, last_s: float, most: int) -> None:
    """Ticks at whole minutes, or parts of one in a short session."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
    step = next((step for step in steps if last_s / step <= most), steps[-1])
    axis.set_xticks(np.arange(0, last_s + 1e-6, step))
    axis.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: clock_time(value).removesuffix(".0"))
    )


def legend(axis: Axes, count: int) -> None:
    """Names of the lines: all of a few; the first, a middle one and the last of many."""
    handles, names = axis.get_legend_handles_labels()
    if count > 6:
        chosen = (0, (count - 1) // 2, count - 1)
        handles, names = [handles[at] for at in chosen], [names[at] for at in chosen]
    if count > 1:
        axis.legend(handles, names, frameon=False, loc="best", fontsize=SMALL, labelcolor=INK)


def figure(width: float, heights: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Axes one above the other, all in inches."""
    made = Figure(figsize=(width, sum(heights)), layout="constrained")
    axes: Any = made.subplots(len(heights), 1, squeeze=False, height_ratios=list(heights))
    return made, list(axes[:, 0])
