"""The number card: a picture of provisional numbers for people who share pictures; text goes beside it."""
