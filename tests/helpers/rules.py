"""Makes the settings of one root from a few rules, without a file."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from config.rules import RootRules, compile_root
from config.settings import DefaultOwner, RuleSettings, Settings, SourceMark, WatchSettings

MARK = SourceMark(file="coverslip.yaml", line=10, column=16)


def rule(match: str | tuple[str, ...] = (), **fields: Any) -> RuleSettings:
    """Make a rule; its match stands at line 10, column 16, everything else at line 20, column 8."""
    matches = (match,) if isinstance(match, str) else match
    marks = {f"match.{n}": _quoted(MARK, text) for n, text in enumerate(matches)}
    marks |= {"match": marks["match.0"]} if matches else {}
    other = SourceMark(file="coverslip.yaml", line=20, column=8)
    for section in ("set", "where", "key_values"):
        value = fields.get(section)
        marks |= (
            {f"{section}.{name}": _quoted(other, text) for name, text in value.items()}
            if isinstance(value, dict)
            else {}
        )
    return RuleSettings(match=matches, mark=other, marks=marks, **fields)


def _quoted(mark: SourceMark, text: str) -> SourceMark:
    return mark.model_copy(update={"written": f"'{text}'"})


def rules_of(
    *rules: RuleSettings,
    lookups: dict[str, dict[str, str]] | None = None,
    default: DefaultOwner | None = None,
    **watch: Any,
) -> RootRules:
    """Compile the rules of a root called `confocal`."""
    root = WatchSettings(
        root=Path("/data/confocal"),
        name="confocal",
        rules=rules,
        default=default or DefaultOwner(),
        settle=timedelta(seconds=10),
        mark=MARK,
        **watch,
    )
    settings = Settings(
        file=Path("coverslip.yaml"), watch=(root,), lookups=lookups or {}, source_text="", digest=b"\0" * 32
    )
    return compile_root(root, settings)
