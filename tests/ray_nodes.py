"""Several Ray nodes on this machine, all on 127.0.0.1, for tests and benchmarks; nodes can be killed.

with nodes(2, cores=2) as cluster:
    with RayEngine(cluster.address) as engine:
        ...
        kill(cluster.nodes[1])
"""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from lexigrad.engines.ray.connection import import_ray

if TYPE_CHECKING:
    from collections.abc import Iterator

HEALTH = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 1_000,
    "health_check_timeout_ms": 10_000,
    "health_check_failure_threshold": 3,
}
"""Settings with which Ray sees after seconds, not after half a minute, that a node is gone."""


class Nodes:
    """Nodes that are up; the first one is the head."""

    def __init__(self) -> None:
        import_ray(local=True)
        from ray.cluster_utils import Cluster

        self.cluster: Any = Cluster()
        self.nodes: list[Any] = []

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def add(self, cores: int) -> Any:
        """Start one more node; wait until it is up."""
        options = {} if self.nodes else {"include_dashboard": False, "_system_config": HEALTH}
        handler = signal.getsignal(signal.SIGTERM)
        node = self.cluster.add_node(num_cpus=cores, **options)
        signal.signal(signal.SIGTERM, handler)  # Ray sets its own handler, which other tests would meet
        self.nodes.append(node)
        return node


def kill(node: Any) -> None:
    """Kill a node's processes, as a power cut does; its workers end with them."""
    for processes in list(node.all_processes.values()):
        for each in processes:
            with suppress(ProcessLookupError):
                each.process.kill()


@contextmanager
def nodes(count: int, cores: int) -> Iterator[Nodes]:
    """A cluster of ``count`` nodes with ``cores`` cores each, until the block ends."""
    started = Nodes()
    try:
        for _ in range(count):
            started.add(cores)
        yield started
    finally:
        started.cluster.shutdown()
