"""Platforms on loopback, to rehearse with and to test against.

`server.Sandbox` runs an X API v2, a Telegram Bot API, an SMTP server and the wall that shows what the
public saw. Each is as strict as the real one; `faults` makes them fail on demand. Nothing is kept
after it stops, and nothing here ever opens a connection to the outside.
"""
