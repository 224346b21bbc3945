"""What happened, decided: signals and history in, an action with a named reason out. Pure."""
