"""The clock that is set by hand wakes everybody in time, and nobody early or twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from keepclear.node.clock import HandClock, SystemClock

START = datetime(2017, 9, 8, 5, 10, tzinfo=UTC)


async def let_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_sleepers_wake_in_order_when_their_time_has_come_and_not_before() -> None:
    async def story() -> list[str]:
        clock = HandClock(START)
        woken: list[str] = []

        async def sleeper(name: str, seconds: float) -> None:
            await clock.sleep(seconds)
            woken.append(name)

        tasks = [asyncio.create_task(sleeper(name, s)) for name, s in (("late", 60), ("soon", 10), ("also", 10))]
        await let_run()
        clock.set(START + timedelta(seconds=9.999))
        await let_run()
        assert woken == []
        clock.set(START + timedelta(seconds=10))
        await let_run()
        assert woken == ["soon", "also"]
        clock.set(START)  # put back: nothing fires again
        await let_run()
        assert woken == ["soon", "also"]
        clock.set(START + timedelta(hours=1))
        await asyncio.gather(*tasks)
        return woken

    assert asyncio.run(story()) == ["soon", "also", "late"]


def test_a_cancelled_sleeper_does_not_hold_up_the_others() -> None:
    async def story() -> bool:
        clock = HandClock(START)
        given_up = asyncio.create_task(clock.sleep(1))
        waiting = asyncio.create_task(clock.sleep(1))
        await let_run()
        given_up.cancel()
        await let_run()
        clock.set(START + timedelta(seconds=1))
        await waiting
        return given_up.cancelled()

    assert asyncio.run(story())


def test_no_time_to_sleep_is_one_turn_of_the_loop() -> None:
    async def story() -> None:
        await HandClock(START).sleep(0)
        await SystemClock().sleep(0)

    asyncio.run(story())


def test_a_clock_is_set_in_utc_only() -> None:
    with pytest.raises(ValueError, match="UTC"):
        HandClock(START.replace(tzinfo=None))
    with pytest.raises(ValueError, match="UTC"):
        HandClock(START).set(START.astimezone(timezone(timedelta(hours=3))))


def test_the_system_clock_is_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)
