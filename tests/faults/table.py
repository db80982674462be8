"""Every fault, by name: a context in which something is wrong, with a bot that people talk to.

A fault does its harm when it is entered, or shortly after, and takes it back when it is left. It
may be entered while others are: ``soak.py`` mixes them.
"""

from tests.faults import api_faults, gateway_faults, machine_faults, network_faults
from tests.faults.registry import FAULTS

__all__ = ["FAULTS", "api_faults", "gateway_faults", "machine_faults", "network_faults"]
