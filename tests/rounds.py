"""How many cases of a property test are tried, where a case is dear."""

from __future__ import annotations

from hypothesis import settings

ALL = 60
"""As many as the "quick" profile tries (tests/conftest.py)."""


def rounds(many: int) -> settings:
    """So many cases where others have `ALL`; in the same proportion in every other profile, one at least."""
    return settings(max_examples=max(1, many * settings().max_examples // ALL))
