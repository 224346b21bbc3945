"""alertbot's own pages: served by `alertbot serve`, and the only room that knows the web libraries.

One router per subject, put together in `app`; every answer leaves through `headers`.
"""
