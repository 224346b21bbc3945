"""A page in an object store: Amazon S3 and what speaks like it, Google Cloud Storage, Azure. Imported on first use.

Nothing can be moved at once there. Each file is whole or absent; files that nobody sees without the pages go first,
then the pages, the pointer last; what a killed export left is put right by the next one.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from alertbot.channels.page.places import (
    ASSETS,
    POINTER,
    EditionFiles,
    PlaceFailed,
    PlaceOvertaken,
    Stood,
    Sums,
    cache_control,
    media_type,
    overtaken,
    require_standing,
    stood_of,
    sum_of,
)
from alertbot.core.errors import safe
from alertbot.core.words import _

LISTING = "files.json"  # path -> SHA-256 of what this program has put there


class BucketPlace:
    """A bucket, or what begins with a path in it. `options`: keys and endpoint, as the store's library names
    them; without them it looks in the environment, as the store's own tools do."""

    def __init__(self, url: str, options: Mapping[str, str], *, seconds: float) -> None:
        self._url = url
        timeouts = {"timeout": f"{seconds:.0f}s", "connect_timeout": "5s"}
        plain = {"allow_http": True} if options.get("endpoint", "").startswith("http://") else {}
        client: Any = {**timeouts, **plain}
        config: Any = dict(options)  # which keys there are depends on the store
        with self._told():
            self._store: Any = from_url(
                url, config=config, client_options=client, retry_config={"max_retries": 2}
            )

    @property
    def name(self) -> str:
        return self._url

    def stands(self) -> Stood | None:
        return stood_of(self.read(POINTER))

    def read(self, path: str) -> bytes | None:
        with self._told():
            try:
                return bytes(obstore.get(self._store, path).bytes())
            except FileNotFoundError:
                return None

    def paths(self) -> Sums:
        found = ((path, self.read(path)) for path in self._listed())
        return {path: sum_of(content) for path, content in found if content is not None}

    def prepare(self, edition: EditionFiles) -> None:
        """Put what no reader asks for before a page that names it: the hashed assets."""
        known = self._listed()
        with self._told():
            for path, content in edition.files.items():
                if path.startswith(ASSETS) and known.get(path) != sum_of(content):
                    self._put(path, content)

    def switch(self, edition: EditionFiles) -> None:
        stands = self.stands()
        if stands and stands.sequence > edition.sequence:
            raise PlaceOvertaken(overtaken(self.name, edition, stands))
        known, files = self._listed(), edition.files
        sums = {path: sum_of(content) for path, content in files.items()}
        changed = sorted((path for path in files if known.get(path) != sums[path]), key=_order)
        kept = {path: known[path] for path in known if path.startswith(ASSETS)}
        with self._told():
            self._list(
                {**known, **dict.fromkeys(changed, "")}
            )  # of what comes now nothing is sure if this is killed
            for path in changed:
                if path != POINTER:
                    self._put(path, files[path])
            self._list({**kept, **sums})
            self._put(POINTER, files[POINTER])
            for path in known.keys() - kept.keys() - sums.keys():
                obstore.delete(self._store, path)
        require_standing(self, edition)

    def probe(self) -> None:
        with self._told():
            self._list(self._listed())

    def tidy(self) -> None:
        """Nothing is left over: what is no longer in the page is deleted with the switch."""

    def _list(self, sums: Sums) -> None:
        self._put(LISTING, json.dumps(dict(sums), sort_keys=True).encode())

    def _listed(self) -> dict[str, str]:
        try:
            found = json.loads(self.read(LISTING) or b"{}")
        except ValueError:
            return {}
        return {str(path): str(sum_) for path, sum_ in found.items()} if isinstance(found, dict) else {}

    def _put(self, path: str, content: bytes) -> None:
        told = {"Content-Type": media_type(path), "Cache-Control": cache_control(path)}
        obstore.put(self._store, path, content, attributes=told, use_multipart=False)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            sentence = _(
                "The page cannot be written to {place}: {why}. See to the bucket and its keys, and it goes on by itself."
            )
            why = safe(str(error).partition("\n")[0])
            raise PlaceFailed(sentence.format(place=self._url, why=why)) from None


def _order(path: str) -> tuple[int, str]:
    """Assets, then pages and feeds, then the first page of each language and of all, which lead to them."""
    rank = 0 if path.startswith(ASSETS) else 2 if path.endswith("index.html") else 1
    return rank, path
