"""The rules of the line: what may be said, what it does, and what the node owes to say. Pure: no clock, disk or network."""
