"""What a configuration file may hold. `alertbot.config` is the face of this room."""
