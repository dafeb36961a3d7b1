"""rowlog: the recorder for rowing machines and heart rate."""
