"""Settings that every test shares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres

# "quick" runs on every change: the same cases each time, and no case fails because the machine is busy.
BUSY = [HealthCheck.too_slow]
settings.register_profile("quick", max_examples=60, derandomize=True, deadline=None, suppress_health_check=BUSY)
# "kernels" is for runs of the same tests again, slowed by the sanitizers (tests/geometry/kernels).
settings.register_profile("kernels", max_examples=8, derandomize=True, deadline=None, suppress_health_check=BUSY)
# "long" is for `make fuzz`: fresh cases each time, and a failing one prints how to repeat it.
settings.register_profile(
    "long",
    max_examples=10_000,
    deadline=None,
    print_blob=True,
    suppress_health_check=BUSY,
)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def database() -> Iterator[postgres.Server]:
    """A PostgreSQL server, started when the first test asks for it; its tests are skipped where there is none."""
    if postgres.programs() is None:
        pytest.skip("NO POSTGRESQL ON THIS MACHINE: stores shared by several instances are not tested")
    with postgres.server() as running:
        yield running
