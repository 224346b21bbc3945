"""Faults on purpose, and what the receiving end counts afterwards: `python -m benchmarks.chaos`."""
