"""The supervisor of the engine on one machine: starts the parts in order, keeps them alive, stops them in reverse."""

from deploy.local.stack.options import StackOptions, default_data
from deploy.local.stack.stack import Stack

__all__ = ["Stack", "StackOptions", "default_data"]
