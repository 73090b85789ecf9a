"""One file a format: bytes of the outside to values and back. Refuses, never repairs."""
