"""The benchmark: `python -m tests.bench [PART...]` measures the engine beside what it is compared with."""
