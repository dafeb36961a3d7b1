"""Text of strangers made harmless: whatever is in it, it stays text where it is shown."""

from __future__ import annotations

import json


def harmless(text: str, keep: str = "\n") -> str:
    """Text in which nothing acts on a terminal: controls as escapes, but for those in `keep`.

    Marks of direction, surrogates and what has no width are controls, too.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def printable(text: str, width: int = 32) -> str:
    """Text from the air or a file in one line, safe for a terminal, at most `width` long."""
    shown = harmless(text[: width * 4], keep="")
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def json_text(value: object, indent: int | None = None) -> str:
    """A value as JSON that acts on no terminal: what is not printable is an escape.

    Raises ValueError for NaN, which JSON does not know.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else _escape(c) for c in text)


def _escape(character: str) -> str:
    """A character as JSON has it; two escapes beyond the first 65,536."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
