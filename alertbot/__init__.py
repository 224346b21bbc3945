"""alertbot: say it once, have it approved, publish it everywhere, keep it true, take it back, prove it."""

__version__ = "0.1.0"
