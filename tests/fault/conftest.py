"""What tests of faults share."""

from tests.support.stack_fixtures import _free_ports, chosen_ports, figures, stack

__all__ = ["_free_ports", "chosen_ports", "figures", "stack"]
