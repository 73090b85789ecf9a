"""The shell around the rules: one writer, a clock, the way to the peers, and a folder on disk."""

from __future__ import annotations
