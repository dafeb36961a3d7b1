"""rowlog: the recorder for rowing machines and heart rate."""

__version__ = "0.1.0"
