"""The shape of a plan: its bare structure, by which like is compared with like."""

from __future__ import annotations

import re
from typing import Final

_GUIDANCE: Final = re.compile(r"@[^\s()/]+")
_TAG: Final = re.compile(r"\[[a-z]\]\s*")


def shape_of(plan: str | None) -> str | None:
    """A plan's canonical text without guidance and tags; None where nothing was planned.

    8x500m/1:30r@r28 and 8x500m/1:30r@180W have one shape. Raises nothing.
    """
    if plan is None:
        return None
    return " ".join(_TAG.sub("", _GUIDANCE.sub("", plan)).split()) or None
