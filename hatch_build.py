"""What a wheel brings besides the source: the shipped templates, compiled, and what its YAML says.

A preview compiles eight templates, a fifth of its time, and reads eight files of YAML, a tenth. The code is made here by the very environment in which
it runs (`alertbot/texts/wording/environment.py`) and found again by the template's text and Jinja's version: a
template of a team's own, a changed one and any under another Jinja are compiled when they are used. A checkout
has none of this code. What was read of the YAML is found by the file's text (`alertbot/config/yaml_reader.py`). The code is source, so that one wheel serves every Python; installers compile it with the rest.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShippedHook(BuildHookInterface):  # type: ignore[type-arg]
    """Writes the code to a folder of its own and names it for the wheel; the tree stays as it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raises `TemplateSyntaxError` for a template that cannot be compiled and `ConfigInvalid` for YAML that cannot be
        read: there is no wheel then."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        from alertbot.config import yaml_reader
        from alertbot.texts.wording import environment

        self._folder = tempfile.TemporaryDirectory()
        package = Path(self._folder.name, *environment.CODE.split("."))
        package.mkdir(parents=True)
        for marked in (package, package.parent):
            (marked / "__init__.py").touch()
        texts = (environment.environment(), Path(self.root, "messages").rglob("*.md.j2"))
        pages = (environment.of_pages(), Path(self.root, "alertbot/pages/templates").glob("*.j2"))
        for made, path in ((made, path) for made, paths in (texts, pages) for path in paths):
            text = path.read_bytes().decode("utf-8-sig")
            module = package / f"{environment.code_name(text)}.py"
            module.write_text(environment.code_of(text, path.name, made), encoding="utf-8")
        read = package.parent / yaml_reader.SHIPPED.name
        read.mkdir()
        for path in Path(self.root, "messages").rglob("*.yaml"):
            text = yaml_reader.text_of(path)
            packed = yaml_reader.packed(yaml_reader.parse_written(text, path.name))
            kept = json.dumps(packed, ensure_ascii=False, separators=(",", ":"))
            (read / yaml_reader.packed_name(text)).write_text(kept, encoding="utf-8")
        for made_file in package.parent.rglob("*.*"):
            place = made_file.relative_to(self._folder.name).as_posix()
            build_data["force_include"][str(made_file)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        if version != "editable":
            self._folder.cleanup()
