"""What the network between bot and platform may do, the resolver of names included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.registry import fault, wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.bench import Bench


@fault("gateway connection reset")
def reset_gateway(bench: Bench) -> Iterator[None]:
    """RST on the gateway's connection."""
    bench.records.note("broke")
    bench.gateway.cut()
    yield


@fault("API connections reset")
def reset_api(bench: Bench) -> Iterator[None]:
    """RST on every connection that answers are sent on."""
    bench.api.cut()
    yield


@fault("half-open gateway")
def half_open(bench: Bench) -> Iterator[None]:
    """The connection looks alive and carries nothing: heartbeats have to tell."""
    bench.records.note("broke")
    bench.gateway.lose()
    yield


@fault("network held")
def held(bench: Bench) -> Iterator[None]:
    """Packets get lost for a while, then TCP delivers them."""
    bench.gateway.hold()
    bench.api.hold()
    try:
        wait(0.3)
        yield
    finally:
        bench.api.flow()
        bench.gateway.flow()


@fault("network gone")
def gone(bench: Bench) -> Iterator[None]:
    """No route: connections break and new ones are refused."""
    bench.records.note("broke")
    bench.gateway.refuse()
    bench.api.refuse()
    try:
        wait(0.3)
        yield
    finally:
        bench.api.flow()
        bench.gateway.flow()


@fault("DNS fails")
def no_names(bench: Bench) -> Iterator[None]:
    """The connections break, and no name can be resolved."""
    bench.records.note("broke")
    bench.world.dns_fails = True
    bench.gateway.cut()
    bench.api.cut()
    try:
        wait(0.3)
        yield
    finally:
        bench.world.dns_fails = False


@fault("slow frames")
def slow(bench: Bench) -> Iterator[None]:
    """Everything from and to the gateway comes in pieces of 9 bytes."""
    bench.gateway.slow(9, 0.0005)
    try:
        for _ in range(3):
            bench.say()
        wait(0.5)
        yield
    finally:
        bench.gateway.flow()


@fault("truncated frame")
def truncated(bench: Bench) -> Iterator[None]:
    """The connection breaks amid a frame."""
    bench.wait_online()
    bench.records.note("broke")
    bench.gateway.cut_after(300)  # a READY that is still on its way is shorter
    bench.say()
    bench.say()
    yield
