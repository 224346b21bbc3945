"""Loading a library without another one that it uses where it finds it, for what nobody asks of it here."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """What is imported here does not find these libraries, unless they are loaded already. For libraries that can do
    without them; a service that runs for months keeps whatever it has loaded."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
