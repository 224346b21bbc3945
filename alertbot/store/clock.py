"""The database's clock. The outbox asks it and never a worker's own, so that machines need not agree."""

from typing import Any

from sqlalchemy import Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _Now(FunctionElement[float]):
    """Epoch seconds at the moment the statement runs (not when its transaction began).

    A function element, because a statement that holds a plain `ColumnElement` is compiled anew at
    every execution.
    """

    type = Float(53)
    inherit_cache = True


@compiles(_Now, "sqlite")
def _sqlite_now(_element: _Now, _compiler: Any, **_options: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(_Now, "postgresql")
def _postgresql_now(_element: _Now, _compiler: Any, **_options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) AS DOUBLE PRECISION)"


NOW = _Now()
