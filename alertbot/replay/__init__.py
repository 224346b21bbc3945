"""A case of the past, played against the rules: the same road as a real night, on the clock of the case."""
