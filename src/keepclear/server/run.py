"""One node with its listeners in one process and one event loop: started, and stopped without losing anything.

The local listener speaks plain http on this machine only. The peer listener speaks HTTPS with the certificate that is
on the node's card (plain http only where the card's own address is http, which peers accept on loopback alone). The
listener for UTM services is there if it is asked for; see `keepclear.server.f3548.listener`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from litestar.types import ASGIApp

from keepclear.errors import Refused, StoreFailed
from keepclear.line.message import Message
from keepclear.node.clock import Clock, SystemClock
from keepclear.node.home import Home, open_record
from keepclear.node.network import HttpNetwork
from keepclear.node.node import Node
from keepclear.server.collector import settled
from keepclear.server.console import built_console, console_paths
from keepclear.server.events import Event, Hub
from keepclear.server.f3548.app import UtmApp
from keepclear.server.f3548.connections import allow_files, limited
from keepclear.server.f3548.listener import tls_context, utm_app
from keepclear.server.f3548.settings import Settings as UtmSettings
from keepclear.server.f3548.settings import read_settings
from keepclear.server.guard import LOOPBACK_NAMES, LocalGuard
from keepclear.server.local import local_app
from keepclear.server.logs import set_up_logs
from keepclear.server.peer import peer_app
from keepclear.server.tokens import Tokens

LOCAL_URL_FILE = "local-url"
STOP_WITHIN_S = 3


class _Listener(uvicorn.Server):
    """A uvicorn server that leaves signals to whoever runs it, and waits at its end for requests, not for idlers."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of connections on which nothing is asked, then stop as uvicorn does."""
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is None or cycle.response_complete:
                # A TLS connection that is only closed waits for the other side to say goodbye, which an idle one won't.
                connection.transport.abort()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Service:
    """A node, its store and its listeners. `start`, then `stop`; Refused if an address cannot be listened on."""

    def __init__(
        self,
        home: Home,
        *,
        local: str = "127.0.0.1:0",
        peers: str | None = None,
        behind_proxy: str | None = None,
        f3548: str | None = None,
        utm: UtmSettings | None = None,
        store: str | None = None,
        clock: Clock | None = None,
        story: Callable[[], dict[str, Any] | None] = lambda: None,
    ) -> None:
        self._home = home
        self._local = host_and_port(local, "local")
        self._peers = host_and_port(peers or urlsplit(home.settings.address).netloc, "peers")
        self._names = (*LOOPBACK_NAMES, *((behind_proxy,) if behind_proxy else ()))
        if not behind_proxy and not _is_loopback(self._local[0]):
            message = "the local listener must be on this machine, or behind a proxy that is named"
            raise Refused(message, field="local", code="not_loopback")
        self._utm_address = host_and_port(f3548, "f3548") if f3548 else None
        self._utm = utm or (read_settings(home.directory) if f3548 else UtmSettings())
        if self._utm_address and not _is_loopback(self._utm_address[0]):
            self._utm.check_may_leave_machine()
        self._store = store
        self._clock = clock or SystemClock()
        self._story = story
        self._opened = contextlib.AsyncExitStack()
        self.local_url = ""
        self.peer_url = ""
        self.utm_url = ""
        """Where UTM services reach this node; "" if they do not."""
        self.node: Node

    @property
    def console_url(self) -> str:
        """The console's address with the token in its fragment, which browsers send to nobody."""
        return f"{self.local_url}/#token={self._home.token}"

    async def start(self) -> None:
        """Open the store, fold it, and listen. When it returns both listeners answer; if it raises nothing is open."""
        async with contextlib.AsyncExitStack() as opened:
            local_socket = opened.enter_context(_listen(self._local, "local"))
            peer_socket = opened.enter_context(_listen(self._peers, "peers"))
            utm_socket = opened.enter_context(_listen(self._utm_address, "f3548")) if self._utm_address else None
            store = opened.enter_context(contextlib.closing(open_record(self._home, self._store)))
            network = HttpNetwork()
            opened.push_async_callback(network.close)
            self.node = Node(self._home.card, self._home.keys, store, self._clock, network)
            opened.push_async_callback(self.node.stop)
            await self.node.start()
            app, local = local_app(self.node, self._story)
            tokens = Tokens(self._home.token, self._home.directory)
            secure = self._home.settings.address.startswith("https://")
            context = _server_context(self._home) if secure else None
            guard = LocalGuard(app, tokens, self._names, console_paths(built_console()))
            await self._listen(opened, guard, local_socket, None)
            await self._listen(opened, peer_app(self.node), peer_socket, context)
            if utm_socket is not None:
                utm_context = tls_context(self._utm, self._home.directory)
                utm = utm_app(self.node, self._utm, self._home.directory)
                if utm.services.uss is not None:
                    opened.push_async_callback(utm.services.uss.close)
                    utm.services.uss.start()
                    local.remote_id = utm.services.uss.display
                if utm.services.bridge is not None:
                    opened.push_async_callback(utm.services.bridge.stop)
                    utm.services.bridge.start()
                allow_files(self._utm.limits)
                await self._listen(opened, utm, utm_socket, utm_context, limited(self._utm.limits))
                self.utm_url = f"{'https' if utm_context else 'http'}://{_shown(utm_socket)}"
            await opened.enter_async_context(_running(self._publish(local.hub, local.event)))
            opened.callback(local.hub.close)
            self.local_url = f"http://{_shown(local_socket)}"
            self.peer_url = f"{'https' if secure else 'http'}://{_shown(peer_socket)}"
            url_file = self._home.directory / LOCAL_URL_FILE
            _write(url_file, self.local_url + "\n")
            opened.callback(url_file.unlink, missing_ok=True)
            self._opened = opened.pop_all()

    async def stop(self) -> None:
        """End the live streams, stop listening, let open requests end, stop the node, close the store."""
        await self._opened.aclose()

    async def _publish(self, hub: Hub, event: Callable[[Message], Event]) -> None:
        while True:
            async for message in self.node.subscribe():
                hub.publish(event(message))
            # We fell behind and missed some: the readers must ask again by number.
            hub.cut_all()

    async def _listen(
        self,
        opened: contextlib.AsyncExitStack,
        app: ASGIApp | UtmApp,
        listening: socket.socket,
        context: ssl.SSLContext | None,
        protocol: type[asyncio.Protocol] | None = None,
    ) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_WITHIN_S,
            http=protocol or "auto",
            ws="none",
            ssl_context_factory=(lambda _config, _default: context) if context else None,
        )
        listener = _Listener(config)
        serving = asyncio.create_task(listener.serve(sockets=[listening]))

        async def stop() -> None:
            listener.should_exit = True
            await serving

        opened.push_async_callback(stop)
        while not listener.started and not serving.done():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """A task that lives as long as the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def run(service: Service, on_start: Callable[[], None]) -> None:
    """Run a service until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    with settled():
        await service.start()
        try:
            on_start()
            await stopped.wait()
        finally:
            await service.stop()


def run_until_stopped(service: Service, on_start: Callable[[], None]) -> None:
    """`run` in an event loop of its own, the quicker one where it is installed, with logs set up."""
    set_up_logs()
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:  # not on Windows
        pass
    else:
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run(service, on_start))


def host_and_port(text: str, field: str) -> tuple[str, int]:
    """`host:port` taken apart; Refused naming the field."""
    parts = urlsplit(f"//{text}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.path or parts.username:
        raise Refused("an address is host:port", field=field, code="address_unreadable")
    return host, port


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(address: tuple[str, int], field: str) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(place)
    except OSError as error:
        why = error.strerror or str(error)
        message = f"{address[0]}:{address[1]} cannot be listened on: {why}"
        raise Refused(
            message,
            field=field,
            code="address_in_use",
            address=f"{address[0]}:{address[1]}",
            option=f"--{field}",
            why=why,
        ) from None
    return listening


def _shown(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _server_context(home: Home) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(home.certificate_file, home.certificate_key_file)
    return context


def _write(file: Path, text: str) -> None:
    try:
        new = file.with_name(file.name + ".new")
        new.write_text(text)
        os.replace(new, file)
    except OSError as error:
        raise StoreFailed(f"{file} cannot be written: {error.strerror}") from error
