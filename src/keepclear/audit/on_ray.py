"""The slices of an audit on a Ray cluster: bounds of slices travel to the workers, findings travel back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from keepclear.audit.job import Job, Slice
from keepclear.audit.parquet import Tracks
from keepclear.audit.parts import encoded
from keepclear.audit.slice_work import work
from keepclear.errors import Malformed

LOCAL = "local"
TRIES_AGAIN = 5
"""Times Ray tries a slice again whose worker died."""


def worked_on_ray(job: Job, missing: Sequence[Slice], address: str, workers: int) -> Iterator[tuple[Slice, bytes]]:
    """What each slice found, as each is done; at most `workers` slices are in hand for each core of the cluster.

    `address` is that of a cluster, or "local" for `workers` processes on this machine, on loopback only. Raises
    `Malformed` if Ray is not installed.
    """
    try:
        import ray
    except ImportError:
        message = "this needs more packages: pip install 'keepclear[ray]'"
        raise Malformed(message, code="ray_missing") from None
    begun = not ray.is_initialized()
    if begun:
        if address == LOCAL:
            ray.init(
                num_cpus=workers,
                include_dashboard=False,
                log_to_driver=False,
                configure_logging=False,
                _node_ip_address="127.0.0.1",
            )
        else:
            ray.init(address=address, log_to_driver=False, configure_logging=False)
    try:
        paths = [file.path for file in job.files]

        @ray.remote(max_retries=TRIES_AGAIN, num_cpus=1)
        def one(part: Slice) -> bytes:
            return encoded(work(Tracks.of(paths), part, job.rules))

        waiting = iter(missing)
        cores = ray.cluster_resources().get("CPU", workers)  # type: ignore[no-untyped-call]
        most = 2 * max(1, int(cores))
        in_hand: dict[Any, Slice] = {}
        while True:
            while len(in_hand) < most and (part := next(waiting, None)) is not None:
                in_hand[one.remote(part)] = part
            if not in_hand:
                return
            done, _ = ray.wait(list(in_hand), num_returns=1)
            for each in done:
                yield in_hand.pop(each), ray.get(each)
    finally:
        if begun:
            ray.shutdown()
