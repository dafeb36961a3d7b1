"""The browser view: pages of history, and of the recording that goes on."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from rowlog_drivers.errors import RowlogError

NEEDED: Final = ("starlette", "uvicorn", "jinja2", "websockets", "segno")
"""What the extra `rowlog[web]` installs."""


class WebError(RowlogError):
    """Pages that cannot be served."""


def check_installed() -> None:
    """Raises WebError where something of the extra is missing."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise WebError(
            f"Pages for a browser take {', '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed.",
            'Install it with: pip install "rowlog[web]"',
        )
