"""Figures, each beside the bare cost of the same work on the same machine in the same run. Believe the ratios."""
