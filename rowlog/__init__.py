"""rowlog: the recorder for rowing machines and heart rate."""

from typing import Final

__version__: Final = "0.1.0"
