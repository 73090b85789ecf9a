"""The DSS of ASTM F3411 (network Remote ID), in both editions: /rid/v2 is F3411-22a, /v1 is F3411-19.

The two differ in their words and scopes only, and see nothing of each other: a display provider of one could not read
what a service provider of the other answers.
"""

from __future__ import annotations

from keepclear.formats.f3411 import areas as says
from keepclear.formats.f3411.areas import V19, V22A, Dialect
from keepclear.formats.f3411.search import read_search
from keepclear.formats.f3548.volumes import entity_id
from keepclear.model.utm import EntityKind, RidArea, RidSubscription
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.own_uss import RID_BASE
from keepclear.server.f3548.routes import Answer, Call, Route, answer_json
from keepclear.server.f3548.writing import Writes, expect
from keepclear.utm import areas, rid_subscriptions
from keepclear.utm.asked import RidAsked
from keepclear.utm.ledger import Ledger
from keepclear.utm.ruling import Ruling
from keepclear.utm.scopes import (
    RID_DISPLAY_PROVIDER,
    RID_SERVICE_PROVIDER,
    RID_V19_READ,
    RID_V19_WRITE,
)


class _Areas:
    """Identification service areas at the DSS, in the words of one edition: five operations, three of them `writes`."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._edition = dialect.edition
        self.writes = Writes(
            name="IdentificationServiceArea",
            kind=EntityKind.AREA,
            id="id",
            version="version",
            read=lambda body: RidAsked(*dialect.read_area(body), dialect.edition),
            creates=areas.create,
            updates=areas.update,
            deletes=lambda ledger, asker, id, version, now: areas.delete(
                ledger, asker, id, version, dialect.edition, now
            ),
            put=self._changed,
            gone=self._changed,
            created=200,
        )

    async def query(self, services: Services, call: Call) -> Answer:
        """searchIdentificationServiceAreas."""
        volume = read_search(call.query)
        found = areas.query(await services.desk.ledger(), volume, self._edition, services.desk.now())
        return answer_json(says.AreasFound(tuple([self._dialect.area(each) for each in found])))

    async def get(self, services: Services, call: Call) -> Answer:
        """getIdentificationServiceArea."""
        id = entity_id(call.path["id"], "id")
        return answer_json(says.AreaGot(self._dialect.area(areas.get(await services.desk.ledger(), id, self._edition))))

    def _changed(self, services: Services, ledger: Ledger, ruling: Ruling, asker: str) -> says.AreaChanged:
        return says.AreaChanged(self._dialect.area(expect(RidArea, ruling.of)), says.subscribers(ruling.told))


class _Subscriptions:
    """Subscriptions at the DSS, in the words of one edition: five operations, three of them `writes`."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._edition = dialect.edition
        self.writes = Writes(
            name="Subscription",
            kind=EntityKind.RID_SUBSCRIPTION,
            id="id",
            version="version",
            read=lambda body: RidAsked(*dialect.read_subscription(body), dialect.edition),
            creates=rid_subscriptions.create,
            updates=rid_subscriptions.update,
            deletes=lambda ledger, asker, id, version, now: rid_subscriptions.delete(
                ledger, asker, id, version, dialect.edition
            ),
            put=self._put,
            gone=self._gone,
            created=200,
        )

    async def query(self, services: Services, call: Call) -> Answer:
        """searchSubscriptions: the asker's own."""
        volume, now = read_search(call.query), services.desk.now()
        found = rid_subscriptions.query(await services.desk.ledger(), call.asker, volume, self._edition, now)
        return answer_json(says.SubscriptionsFound(tuple([self._dialect.subscription(each) for each in found])))

    async def get(self, services: Services, call: Call) -> Answer:
        """getSubscription."""
        id = entity_id(call.path["id"], "id")
        held = rid_subscriptions.get(await services.desk.ledger(), id, self._edition)
        return answer_json(says.SubscriptionGot(self._dialect.subscription(held)))

    def _put(self, services: Services, ledger: Ledger, ruling: Ruling, asker: str) -> says.SubscriptionPut:
        """A subscription that was put, as it is now, and the areas that are in it now."""
        made = expect(RidSubscription, ruling.of)
        held = ledger.rid_subscriptions.get(made.id)
        present = held if held is not None and held.version == made.version else made
        relevant = rid_subscriptions.relevant(ledger, present, services.desk.now())
        return says.SubscriptionPut(
            self._dialect.subscription(present), tuple([self._dialect.area(each) for each in relevant])
        )

    def _gone(self, services: Services, ledger: Ledger, ruling: Ruling, asker: str) -> says.SubscriptionGot:
        return says.SubscriptionGot(self._dialect.subscription(expect(RidSubscription, ruling.of)))


def _routes(
    base: str,
    dialect: Dialect,
    displays: str,
    provides: str,
    reads_area: tuple[str, ...],
    reads_subscription: tuple[str, ...],
) -> tuple[Route, ...]:
    """The table of one edition. `displays` opens what a display provider does, `provides` what a service provider."""
    of_areas, of_subscriptions = _Areas(dialect), _Subscriptions(dialect)
    area, subscription = f"{base}/dss/identification_service_areas", f"{base}/dss/subscriptions"
    return (
        Route("GET", area, of_areas.query, (displays,)),
        Route("GET", f"{area}/{{id}}", of_areas.get, reads_area),
        Route("PUT", f"{area}/{{id}}", of_areas.writes.create, (provides,)),
        Route("PUT", f"{area}/{{id}}/{{version}}", of_areas.writes.update, (provides,)),
        Route("DELETE", f"{area}/{{id}}/{{version}}", of_areas.writes.delete, (provides,)),
        Route("GET", subscription, of_subscriptions.query, (displays,)),
        Route("GET", f"{subscription}/{{id}}", of_subscriptions.get, reads_subscription),
        Route("PUT", f"{subscription}/{{id}}", of_subscriptions.writes.create, (displays,)),
        Route("PUT", f"{subscription}/{{id}}/{{version}}", of_subscriptions.writes.update, (displays,)),
        Route("DELETE", f"{subscription}/{{id}}/{{version}}", of_subscriptions.writes.delete, (displays,)),
    )


_V22A_READS = (RID_DISPLAY_PROVIDER, RID_SERVICE_PROVIDER)
_V19_READS = (RID_V19_READ, RID_V19_WRITE)

ROUTES = (
    *_routes(RID_BASE, V22A, RID_DISPLAY_PROVIDER, RID_SERVICE_PROVIDER, _V22A_READS, _V22A_READS),
    *_routes("/v1", V19, RID_V19_READ, RID_V19_WRITE, (RID_V19_READ,), _V19_READS),
)
