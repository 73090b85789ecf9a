"""Subscriptions at the DSS of F3548-21: five of its operations."""

from __future__ import annotations

from keepclear.formats.f3548 import answers as says
from keepclear.formats.f3548.requests import read_query, read_subscription
from keepclear.formats.f3548.volumes import entity_id, volume_of
from keepclear.model.utm import EntityKind, UtmSubscription
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.references import constraints_shown, intents_shown
from keepclear.server.f3548.routes import Answer, Call, answer_json
from keepclear.server.f3548.writing import Writes, expect
from keepclear.utm import subscriptions
from keepclear.utm.asked import SubscriptionAsked
from keepclear.utm.ledger import Ledger
from keepclear.utm.ruling import Ruling


async def query_subscriptions(services: Services, call: Call) -> Answer:
    """querySubscriptions: the asker's own."""
    volume = read_query(call.body)
    ledger = await services.desk.ledger()
    found = subscriptions.query(ledger, call.asker, volume, services.desk.now())
    return answer_json(says.SubscriptionsFound(tuple([_subscription(ledger, each) for each in found])))


async def get_subscription(services: Services, call: Call) -> Answer:
    """getSubscription: the asker's own."""
    id = entity_id(call.path["subscriptionid"], "subscriptionid")
    ledger = await services.desk.ledger()
    return answer_json(says.SubscriptionGot(_subscription(ledger, subscriptions.get(ledger, call.asker, id))))


def _subscription_asked(body: bytes) -> SubscriptionAsked:
    put = read_subscription(body)
    volume = volume_of(put.extents, "extents")
    return SubscriptionAsked(volume, put.uss_base_url, put.notify_for_operational_intents, put.notify_for_constraints)


def _subscription(ledger: Ledger, subscription: UtmSubscription) -> says.Subscription:
    return says.subscription_shown(subscription, subscriptions.dependents(ledger, subscription.id))


def _put(services: Services, ledger: Ledger, ruling: Ruling, asker: str) -> says.SubscriptionPut:
    """A subscription that was put, as it is now, and what is in it now of the kinds it is for."""
    made = expect(UtmSubscription, ruling.of)
    held = ledger.subscriptions.get(made.id)
    present = held if held is not None and held.version == made.version else made
    relevant = subscriptions.relevant(ledger, present, services.desk.now())
    return says.SubscriptionPut(
        _subscription(ledger, present),
        None if relevant.intents is None else intents_shown(ledger, relevant.intents, asker),
        None if relevant.constraints is None else constraints_shown(ledger, relevant.constraints, asker),
    )


def _gone(services: Services, ledger: Ledger, ruling: Ruling, asker: str) -> says.SubscriptionGot:
    return says.SubscriptionGot(says.subscription_shown(expect(UtmSubscription, ruling.of), ()))


SUBSCRIPTION = Writes(
    name="Subscription",
    kind=EntityKind.SUBSCRIPTION,
    id="subscriptionid",
    version="version",
    read=_subscription_asked,
    creates=subscriptions.create,
    updates=subscriptions.update,
    deletes=subscriptions.delete,
    put=_put,
    gone=_gone,
    created=200,
)
