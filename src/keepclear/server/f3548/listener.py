"""The UTM listener put together: the tables of all its interfaces, who verifies tokens, and TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

from keepclear.errors import Malformed
from keepclear.node.access_tokens import development_key
from keepclear.node.node import Node
from keepclear.node.utm_desk import UtmDesk
from keepclear.server.f3548 import auxiliary, conflicts, dss, planning, rid, rid_display, rid_flights, uss, versioning
from keepclear.server.f3548.app import Services, UtmApp
from keepclear.server.f3548.issuer import development_routes
from keepclear.server.f3548.on_line import open_bridge
from keepclear.server.f3548.openapi import with_page
from keepclear.server.f3548.outgoing import Outgoing, open_outgoing
from keepclear.server.f3548.own_uss import OwnUss, Push, UssSettings, open_uss
from keepclear.server.f3548.routes import Route
from keepclear.server.f3548.settings import FILE, Settings, verifier_of
from keepclear.utm.demands import check_url

ROUTES = (*dss.ROUTES, *conflicts.ROUTES, *auxiliary.ROUTES, *versioning.ROUTES, *rid.ROUTES)


def utm_app(node: Node, settings: Settings, directory: Path) -> UtmApp:
    """The application for UTM services of a node that is started. Malformed naming the setting that is at fault.

    Where the node is a USS too, `services.uss` is to be started, and closed before the node stops; so is
    `services.bridge`, where the services take part in a line.
    """
    verifier = verifier_of(settings, directory)
    routes: tuple[Route, ...] = ROUTES
    if settings.development_tokens:
        routes += development_routes(development_key(directory))
    desk = UtmDesk(node, pushes=settings.uss is not None and settings.uss.push is Push.ALL)
    own = None
    if settings.uss is not None:
        own = _own_uss(desk, settings, settings.uss, directory)
        routes += (*uss.ROUTES, *planning.ROUTES, *rid_flights.ROUTES, *rid_display.ROUTES)
    bridge = None
    if own is not None and settings.line is not None:
        bridge = open_bridge(node, settings.line, own.uss, settings.rules(), FILE)
    services = Services(desk=desk, settings=settings, node=node, verifier=verifier, uss=own, bridge=bridge)
    return UtmApp(services, with_page(routes))


def _own_uss(desk: UtmDesk, settings: Settings, wanted: UssSettings, directory: Path) -> OwnUss:
    rules = settings.rules()
    check_url(wanted.base_url, f"{FILE}.uss.base_url", rules)
    outbound, tokens = open_outgoing(
        settings.outgoing or Outgoing(),
        directory,
        wanted.manager,
        allow_http=settings.allow_http_base_urls,
        development=settings.development_tokens,
    )
    return open_uss(desk.node, wanted, rules, outbound, tokens, desk)


def tls_context(settings: Settings, directory: Path) -> ssl.SSLContext | None:
    """TLS 1.2 or newer with the certificate of the settings; None if they name none. Malformed if it cannot be used."""
    if settings.certificate is None or settings.certificate_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(directory / settings.certificate, directory / settings.certificate_key)
    except (OSError, ssl.SSLError) as error:
        message = f"the certificate and its key cannot be used: {error.strerror or error}"
        raise Malformed(message, field=f"{FILE}.certificate", code="utm_certificate") from None
    return context
