"""What services ask of the ledger, as `keepclear.formats.f3548` takes it out of the wire's form."""

from __future__ import annotations

from dataclasses import dataclass

from keepclear.model.utm import IntentState, RidEdition, UtmVolume


@dataclass(frozen=True, slots=True)
class ImplicitAsked:
    """ImplicitSubscriptionParameters."""

    uss_base_url: str
    for_constraints: bool = False


@dataclass(frozen=True, slots=True)
class IntentAsked:
    """PutOperationalIntentReferenceParameters. `subscription` and `ovn_suffix` as given; None where absent."""

    volumes: tuple[UtmVolume, ...]
    state: IntentState
    uss_base_url: str
    key: frozenset[str] = frozenset()
    subscription: str | None = None
    new_subscription: ImplicitAsked | None = None
    ovn_suffix: str | None = None


@dataclass(frozen=True, slots=True)
class ConstraintAsked:
    """PutConstraintReferenceParameters."""

    volumes: tuple[UtmVolume, ...]
    uss_base_url: str


@dataclass(frozen=True, slots=True)
class SubscriptionAsked:
    """PutSubscriptionParameters. A time that was not given is None in the volume."""

    volume: UtmVolume
    uss_base_url: str
    for_intents: bool = False
    for_constraints: bool = False


@dataclass(frozen=True, slots=True)
class RidAsked:
    """What a put of an identification service area, or of a subscription to them, asks (F3411), in either edition.

    A time that was not given is None in the volume.
    """

    volume: UtmVolume
    uss_base_url: str
    edition: RidEdition = RidEdition.V22A


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator may loosen. Strict by default."""

    allow_http_base_urls: bool = False
