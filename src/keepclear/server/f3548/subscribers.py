"""Subscriptions at the DSS of F3548-21: five of its operations."""

from __future__ import annotations

from keepclear.formats.f3548 import answers as says
from keepclear.formats.f3548.requests import read_query, read_subscription
from keepclear.formats.f3548.volumes import entity_id, volume_of
from keepclear.model.utm import EntityKind, UtmSubscription
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.references import constraints_shown, intents_shown
from keepclear.server.f3548.routes import Answer, Call, answer_json
from keepclear.server.f3548.writing import Said, expect, written
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


async def create_subscription(services: Services, call: Call) -> Answer:
    """createSubscription."""
    id = entity_id(call.path["subscriptionid"], "subscriptionid")
    asked = _subscription_asked(call.body)
    rules = services.settings.rules()
    return await written(
        services,
        call,
        "createSubscription",
        EntityKind.SUBSCRIPTION,
        id,
        None,
        lambda ledger, now, nonce: subscriptions.create(ledger, call.asker, id, asked, now, nonce, rules),
        _subscription_put(services),
    )


async def update_subscription(services: Services, call: Call) -> Answer:
    """updateSubscription."""
    id, version = entity_id(call.path["subscriptionid"], "subscriptionid"), call.path["version"]
    asked = _subscription_asked(call.body)
    rules = services.settings.rules()
    return await written(
        services,
        call,
        "updateSubscription",
        EntityKind.SUBSCRIPTION,
        id,
        version,
        lambda ledger, now, nonce: subscriptions.update(ledger, call.asker, id, version, asked, now, nonce, rules),
        _subscription_put(services),
    )


async def delete_subscription(services: Services, call: Call) -> Answer:
    """deleteSubscription."""
    id, version = entity_id(call.path["subscriptionid"], "subscriptionid"), call.path["version"]

    def deleted(ledger: Ledger, ruling: Ruling, asker: str) -> says.SubscriptionGot:
        return says.SubscriptionGot(says.subscription_shown(expect(UtmSubscription, ruling.of), ()))

    return await written(
        services,
        call,
        "deleteSubscription",
        EntityKind.SUBSCRIPTION,
        id,
        version,
        lambda ledger, now, nonce: subscriptions.delete(ledger, call.asker, id, version, now),
        deleted,
    )


def _subscription_asked(body: bytes) -> SubscriptionAsked:
    put = read_subscription(body)
    volume = volume_of(put.extents, "extents")
    return SubscriptionAsked(volume, put.uss_base_url, put.notify_for_operational_intents, put.notify_for_constraints)


def _subscription(ledger: Ledger, subscription: UtmSubscription) -> says.Subscription:
    return says.subscription_shown(subscription, subscriptions.dependents(ledger, subscription.id))


def _subscription_put(services: Services) -> Said:
    """What is said of a subscription that was put: itself, and what is in it now of the kinds it is for."""

    def said(ledger: Ledger, ruling: Ruling, asker: str) -> says.SubscriptionPut:
        made = expect(UtmSubscription, ruling.of)
        held = ledger.subscriptions.get(made.id)
        present = held if held is not None and held.version == made.version else made
        relevant = subscriptions.relevant(ledger, present, services.desk.now())
        return says.SubscriptionPut(
            _subscription(ledger, present),
            None if relevant.intents is None else intents_shown(ledger, relevant.intents, asker),
            None if relevant.constraints is None else constraints_shown(ledger, relevant.constraints, asker),
        )

    return said
