"""Figures, side by side with a peer where there is one; no verdicts on time. `make bench` runs them all."""
