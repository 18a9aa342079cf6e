"""The effective settings as a file: defaults filled in, includes and tables put in their places, no secrets.

What is shown can be loaded again and means the same. There is nothing secret in settings: passwords never get there.
"""

from typing import Any

import yaml

from config.layouts import built_in_text
from config.settings import INTERNAL, Settings


def effective(settings: Settings) -> str:
    """Write all settings in force, in the order of the schema."""
    internal = {name for name, info in Settings.model_fields.items() if (info.alias or name).startswith(INTERNAL)}
    document = settings.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=internal)
    return yaml.safe_dump(_shown(document), sort_keys=False, allow_unicode=True, width=120, indent=2)


def layout(settings: Settings, name: str) -> str:
    """Write one layout as a configuration would say it: the file's own, else the built-in one.

    Raises:
        KeyError: there is no such layout.

    """
    if name not in settings.layouts:
        return built_in_text(name)
    rules = [rule.model_dump(mode="json", by_alias=True, exclude_unset=True) for rule in settings.layouts[name]]
    return yaml.safe_dump({"layouts": {name: _shown(rules)}}, sort_keys=False, allow_unicode=True, width=120, indent=2)


def _shown(value: Any) -> Any:
    """Leave out what no file can say: internal values, and keys that this version does not do."""
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if not isinstance(value, dict):
        return value
    is_rule = "match" in value and INTERNAL + "mark" in value
    shown = {key: _shown(inner) for key, inner in value.items() if not key.startswith(INTERNAL)}
    return _shown_rule(shown) if is_rule else shown


def _shown_rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in rule.items() if value not in ([], {})}
