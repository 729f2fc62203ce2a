"""What tests of outages share with tests of faults: the whole engine, and the figures for the end of the run."""

from tests.fault.conftest import _free_ports, chosen_ports, figures, stack

__all__ = ["_free_ports", "chosen_ports", "figures", "stack"]
