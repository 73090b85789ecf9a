"""The rules of the line: what may be said, what it does, what the node owes to say. No clock, disk or network."""
