"""A live set of plans that takes them in any shape."""

from __future__ import annotations

from keepclear.conflict import airspace
from keepclear.conflict.breaches import Breaches
from keepclear.conflict.suggest import Limits, Suggestions
from keepclear.engine.sources import plans as plans_of


class Airspace(airspace.Airspace):
    """`conflict.airspace.Airspace`, whose page tells what each call does; plans are all that `engine.sources.plans`
    takes."""

    def put(self, plans: object) -> None:
        """Put plans in, each in place of one with its id."""
        super().put(plans_of(plans))

    def check(self, plans: object) -> Breaches:
        """What plans would breach if they were put in; they are not."""
        return super().check(plans_of(plans))

    def check_and_put(self, plans: object, *, only_free: bool = False) -> Breaches:
        """Check plans and put each in, one after the other."""
        return super().check_and_put(plans_of(plans), only_free=only_free)

    def suggest(self, plan: object, *, limits: Limits | None = None) -> Suggestions:
        """The smallest changes of one plan after which it breaches nothing in here, and what was not looked through."""
        return super().suggest(plans_of(plan), limits=limits)
