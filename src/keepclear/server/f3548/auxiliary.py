"""The DSS auxiliary interface of InterUSS (version 1.1.0): what this instance is, and the pool it is part of."""

from __future__ import annotations

from keepclear import __version__
from keepclear.errors import Malformed
from keepclear.model.base import hidden_in
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.routes import Answer, Call, Route, answer_json
from keepclear.server.reading import instant
from keepclear.utm.ruling import NotAllowed

RID_READ, RID_WRITE = "dss.read.identification_service_areas", "dss.write.identification_service_areas"
POOL_READ, POOL_WRITE = "interuss.pool_status.read", "interuss.pool_status.heartbeat.write"
MAX_SOURCE = 200


async def version(services: Services, call: Call) -> Answer:
    """getVersion."""
    return answer_json({"version": f"keepclear/{__version__}"})


async def validate_oauth(services: Services, call: Call) -> Answer:
    """validateOauth: the token is good, and if an owner is named it is that owner's."""
    owner = call.query.get("owner")
    if owner is not None and owner != call.asker.sub:
        raise NotAllowed("the token is another service's", field="owner", code="utm_not_owner")
    return answer_json({})


async def get_pool(services: Services, call: Call) -> Answer:
    """getPool."""
    return answer_json({"dar_id": services.pool.dar_id})


async def get_instances(services: Services, call: Call) -> Answer:
    """getDSSInstances."""
    return answer_json(services.pool.instances())


async def put_heartbeat(services: Services, call: Call) -> Answer:
    """putDSSInstancesHeartbeat."""
    source = call.query.get("source", "")
    if not 0 < len(source) <= MAX_SOURCE or hidden_in(source) is not None:
        raise Malformed(f"a source has 1 to {MAX_SOURCE} plain characters", field="source", code="utm_source")
    at = instant(call.query.get("timestamp"), "timestamp") or services.desk.now()
    next_before = instant(call.query.get("next_heartbeat_expected_before"), "next_heartbeat_expected_before")
    services.pool.beat(source, call.asker.sub, at, next_before)
    return answer_json(services.pool.instances(), 201)


async def no_certificates(services: Services, call: Call) -> Answer:
    """getAcceptedCAs and getInstanceCAs: no certificates pass between instances."""
    return answer_json({"CAs": []})


async def global_options(services: Services, call: Call) -> Answer:
    """getGlobalOptions: the options of the reference's database, none of which is needed here."""
    return answer_json({"scd_global_lock": False, "scd_hash_lock": False, "time_based_notification_index": False})


async def healthy(services: Services, call: Call) -> Answer:
    """Whether this listener answers, for whoever balances load."""
    return Answer(200, b"ok", "text/plain; charset=utf-8")


ROUTES = (
    Route("GET", "/aux/v1/version", version, None),
    Route("GET", "/aux/v1/validate_oauth", validate_oauth, (RID_READ, RID_WRITE)),
    Route("GET", "/aux/v1/pool", get_pool, (POOL_READ,)),
    Route("GET", "/aux/v1/pool/dss_instances", get_instances, (POOL_READ,)),
    Route("PUT", "/aux/v1/pool/dss_instances/heartbeat", put_heartbeat, (POOL_WRITE,)),
    Route("GET", "/aux/v1/configuration/accepted_ca_certs", no_certificates, None),
    Route("GET", "/aux/v1/configuration/ca_certs", no_certificates, None),
    Route("GET", "/aux/v1/configuration/global_options", global_options, (POOL_READ,)),
    Route("GET", "/healthy", healthy, None),
)
