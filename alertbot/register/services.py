"""The emergency services that a number can stand for."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """A service, its names per language and the short number it usually answers."""

    key: str
    names: Mapping[str, str]
    replaces: str = ""

    def name_in(self, lang: str) -> str:
        """The name in this language, else the English one."""
        return self.names.get(lang) or self.names["en"]


SERVICES: Mapping[str, Service] = {
    service.key: service
    for service in (
        Service("samu", {"fr": "SAMU", "en": "SAMU (medical)"}, "15"),
        Service("police", {"fr": "Police", "en": "Police"}, "17"),
        Service("gendarmerie", {"fr": "Gendarmerie", "en": "Gendarmerie (police)"}, "17"),
        Service("pompiers", {"fr": "Pompiers", "en": "Fire and rescue"}, "18"),
        Service("secours-en-mer", {"fr": "Secours en mer", "en": "Sea rescue"}, "196"),
        Service("toutes-urgences", {"fr": "Toutes urgences", "en": "All emergencies"}),
        Service("prefecture", {"fr": "Préfecture", "en": "Préfecture"}),
    )
}
