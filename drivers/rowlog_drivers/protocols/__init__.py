"""Pure decoders and encoders: bytes to records and back, no I/O, no clock."""
