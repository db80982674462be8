"""``qq.faults``: everything that can go wrong on demand, at both faces of the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qqgroup_sync.simulator import Simulator


class AllFaults:
    """Faults of requests, of gateway connections, and of tokens.

    Of requests: ``fail``, ``delay``, ``drop``, ``audit``, ``clear`` (see ``simulator.faults``).
    Of connections that live: ``close``, ``reset``, ``silence``, ``unsilence``,
    ``send_reconnect``, ``invalid_session``, ``duplicate_events``. Of the next ones:
    ``refuse_connections``, ``refuse_identifies``, ``refuse_resumes`` (see
    ``simulator.gateway_faults``).

    Args:
        simulator: The platform.
    """

    def __init__(self, simulator: Simulator) -> None:
        requests, gateway = simulator.faults, simulator.gateway
        self.fail = requests.fail
        self.delay = requests.delay
        self.drop = requests.drop
        self.audit = requests.audit
        self.clear = requests.clear
        self.close = gateway.close
        self.reset = gateway.reset
        self.silence = gateway.silence
        self.unsilence = gateway.unsilence
        self.send_reconnect = gateway.send_reconnect
        self.invalid_session = gateway.invalid_session
        self.duplicate_events = gateway.duplicate_events
        self.refuse_connections = gateway.refuse_connections
        self.refuse_identifies = gateway.refuse_identifies
        self.refuse_resumes = gateway.refuse_resumes
        self.expire_tokens = simulator.platform.expire_tokens
