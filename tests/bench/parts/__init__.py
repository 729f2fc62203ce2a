"""The parts of the benchmark, one per figure or family of figures."""
