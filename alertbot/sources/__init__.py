"""What other systems report, made into signals: one file for each kind of source, each a pure `parse`."""
