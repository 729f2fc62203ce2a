"""A receiver of traces for one machine: takes spans as a collector would, and writes a trace as a tree."""

from deploy.traces.received import Hop, Receiver
from deploy.traces.tree import tree

__all__ = ["Hop", "Receiver", "tree"]
