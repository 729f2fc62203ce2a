"""The invariants of the engine, as SQL with a name each, and the runner that counts what violates them."""

from deploy.check.invariants import Invariant, invariants
from deploy.check.runner import CheckResult, check_databases, run_checks, wait_for_checks

__all__ = ["CheckResult", "Invariant", "check_databases", "invariants", "run_checks", "wait_for_checks"]
