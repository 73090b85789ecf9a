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
from keepclear.server.f3548.writing import expect, written
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
    """Identification service areas at the DSS, in the words of one edition: five operations."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._edition = dialect.edition

    async def query(self, services: Services, call: Call) -> Answer:
        """searchIdentificationServiceAreas."""
        volume = read_search(call.query)
        found = areas.query(await services.desk.ledger(), volume, self._edition, services.desk.now())
        return answer_json(says.AreasFound(tuple([self._dialect.area(each) for each in found])))

    async def get(self, services: Services, call: Call) -> Answer:
        """getIdentificationServiceArea."""
        id = entity_id(call.path["id"], "id")
        return answer_json(says.AreaGot(self._dialect.area(areas.get(await services.desk.ledger(), id, self._edition))))

    async def create(self, services: Services, call: Call) -> Answer:
        """createIdentificationServiceArea."""
        id, rules = entity_id(call.path["id"], "id"), services.settings.rules()
        asked = RidAsked(*self._dialect.read_area(call.body), self._edition)
        return await written(
            services,
            call,
            "createIdentificationServiceArea",
            EntityKind.AREA,
            id,
            None,
            lambda ledger, now, nonce: areas.create(ledger, call.asker, id, asked, now, nonce, rules),
            self._changed,
        )

    async def update(self, services: Services, call: Call) -> Answer:
        """updateIdentificationServiceArea."""
        id, version, rules = entity_id(call.path["id"], "id"), call.path["version"], services.settings.rules()
        asked = RidAsked(*self._dialect.read_area(call.body), self._edition)
        return await written(
            services,
            call,
            "updateIdentificationServiceArea",
            EntityKind.AREA,
            id,
            version,
            lambda ledger, now, nonce: areas.update(ledger, call.asker, id, version, asked, now, nonce, rules),
            self._changed,
        )

    async def delete(self, services: Services, call: Call) -> Answer:
        """deleteIdentificationServiceArea."""
        id, version = entity_id(call.path["id"], "id"), call.path["version"]
        return await written(
            services,
            call,
            "deleteIdentificationServiceArea",
            EntityKind.AREA,
            id,
            version,
            lambda ledger, now, nonce: areas.delete(ledger, call.asker, id, version, self._edition, now),
            self._changed,
        )

    def _changed(self, ledger: Ledger, ruling: Ruling, asker: str) -> says.AreaChanged:
        return says.AreaChanged(self._dialect.area(expect(RidArea, ruling.of)), says.subscribers(ruling.told))


class _Subscriptions:
    """Subscriptions at the DSS, in the words of one edition: five operations."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._edition = dialect.edition

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

    async def create(self, services: Services, call: Call) -> Answer:
        """createSubscription."""
        id, rules = entity_id(call.path["id"], "id"), services.settings.rules()
        asked = RidAsked(*self._dialect.read_subscription(call.body), self._edition)

        def put(ledger: Ledger, ruling: Ruling, asker: str) -> says.SubscriptionPut:
            return self._put(services, ledger, ruling)

        return await written(
            services,
            call,
            "createSubscription",
            EntityKind.RID_SUBSCRIPTION,
            id,
            None,
            lambda ledger, now, nonce: rid_subscriptions.create(ledger, call.asker, id, asked, now, nonce, rules),
            put,
        )

    async def update(self, services: Services, call: Call) -> Answer:
        """updateSubscription."""
        id, version, rules = entity_id(call.path["id"], "id"), call.path["version"], services.settings.rules()
        asked = RidAsked(*self._dialect.read_subscription(call.body), self._edition)

        def put(ledger: Ledger, ruling: Ruling, asker: str) -> says.SubscriptionPut:
            return self._put(services, ledger, ruling)

        return await written(
            services,
            call,
            "updateSubscription",
            EntityKind.RID_SUBSCRIPTION,
            id,
            version,
            lambda ledger, now, nonce: rid_subscriptions.update(
                ledger, call.asker, id, version, asked, now, nonce, rules
            ),
            put,
        )

    async def delete(self, services: Services, call: Call) -> Answer:
        """deleteSubscription."""
        id, version = entity_id(call.path["id"], "id"), call.path["version"]

        def deleted(ledger: Ledger, ruling: Ruling, asker: str) -> says.SubscriptionGot:
            return says.SubscriptionGot(self._dialect.subscription(expect(RidSubscription, ruling.of)))

        return await written(
            services,
            call,
            "deleteSubscription",
            EntityKind.RID_SUBSCRIPTION,
            id,
            version,
            lambda ledger, now, nonce: rid_subscriptions.delete(ledger, call.asker, id, version, self._edition),
            deleted,
        )

    def _put(self, services: Services, ledger: Ledger, ruling: Ruling) -> says.SubscriptionPut:
        """A subscription that was put, as it is now, and the areas that are in it now."""
        made = expect(RidSubscription, ruling.of)
        held = ledger.rid_subscriptions.get(made.id)
        present = held if held is not None and held.version == made.version else made
        relevant = rid_subscriptions.relevant(ledger, present, services.desk.now())
        return says.SubscriptionPut(
            self._dialect.subscription(present), tuple([self._dialect.area(each) for each in relevant])
        )


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
        Route("PUT", f"{area}/{{id}}", of_areas.create, (provides,)),
        Route("PUT", f"{area}/{{id}}/{{version}}", of_areas.update, (provides,)),
        Route("DELETE", f"{area}/{{id}}/{{version}}", of_areas.delete, (provides,)),
        Route("GET", subscription, of_subscriptions.query, (displays,)),
        Route("GET", f"{subscription}/{{id}}", of_subscriptions.get, reads_subscription),
        Route("PUT", f"{subscription}/{{id}}", of_subscriptions.create, (displays,)),
        Route("PUT", f"{subscription}/{{id}}/{{version}}", of_subscriptions.update, (displays,)),
        Route("DELETE", f"{subscription}/{{id}}/{{version}}", of_subscriptions.delete, (displays,)),
    )


_V22A_READS = (RID_DISPLAY_PROVIDER, RID_SERVICE_PROVIDER)
_V19_READS = (RID_V19_READ, RID_V19_WRITE)

ROUTES = (
    *_routes(RID_BASE, V22A, RID_DISPLAY_PROVIDER, RID_SERVICE_PROVIDER, _V22A_READS, _V22A_READS),
    *_routes("/v1", V19, RID_V19_READ, RID_V19_WRITE, (RID_V19_READ,), _V19_READS),
)
