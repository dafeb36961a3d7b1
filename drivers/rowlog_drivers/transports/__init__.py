"""I/O without meaning: bytes in and out of devices and files."""
