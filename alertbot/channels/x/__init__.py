"""X: an account that posts by X's API v2."""
