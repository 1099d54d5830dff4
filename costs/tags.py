"""Tags as text, columns and maps: one reading of keys, values and blanks for every source."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

# What exports write where there is no value. Compared without case and outer space.
BLANKS = frozenset({"", "null", "none", "(none)", "nan", "n/a", "-", "(not set)"})
NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")  # NUL and halves of a letter: no database keeps them
_PROVIDER_PREFIX = re.compile(r"^(resourcetags/)?(user[:_](?=.))?", re.IGNORECASE)
_NOT_WORD = re.compile(r"[\W_]+")


# Stands for a pattern of names among the keys that slices keep: the pattern in hexadecimal survives every spelling.
NAME_KEY_PREFIX = "namelike"
YES = "yes"  # its value where the name is like the pattern


def name_key(pattern: str) -> str:
    """The key under which slices keep that the Name tag is like the pattern (`*` any text, `?` one letter)."""
    return NAME_KEY_PREFIX + pattern.strip().lower().encode().hex()


def name_pattern(key: str) -> str:
    """The pattern a key stands for; '' for the keys of real tags."""
    text = key.casefold()
    if not text.startswith(NAME_KEY_PREFIX):
        return ""
    try:
        return bytes.fromhex(text.removeprefix(NAME_KEY_PREFIX)).decode()
    except ValueError:
        return ""


def like_sql(pattern: str) -> str:
    """The pattern as SQL's LIKE takes it with ESCAPE '!'."""
    escaped = re.sub("([!%_])", r"!\1", pattern)
    return escaped.replace("*", "%").replace("?", "_")


def key_label(key: str) -> str:
    """The key for people: a pattern of names in words."""
    pattern = name_pattern(key)
    return f"Name like {pattern}" if pattern else key


def clean_value(value: object) -> str:
    """The value without outer space; '' for what only stands for nothing (`NULL`, `nan`, `-`, …)."""
    text = "" if value is None else str(value).strip()
    return "" if text.casefold() in BLANKS else text


def strip_prefix(key: str) -> str:
    """The key as people wrote it: the provider's `resourceTags/`, `user:` or `user_` goes, `aws:` stays."""
    return _PROVIDER_PREFIX.sub("", key.strip(), count=1)


@lru_cache(maxsize=20_000)
def canonical_key(key: str) -> str:
    """The form under which keys are compared: no prefix, no case, no punctuation.

    Columns of Parquet exports have lost case and spacing (`user_cost_center` for `CostCenter`), so
    nothing finer can be told from every source.
    """
    text = strip_prefix(key)
    return _NOT_WORD.sub("", text).casefold() or text.casefold()


def canonical_value(value: str) -> str:
    """The form under which values that mean the same are found: no case, space or punctuation."""
    return _NOT_WORD.sub("", value).casefold() or value.strip().casefold()


def parse_tag_text(text: object) -> dict[str, str]:
    """Read `Key=Value,Key2=Value2`. Later parts without `=` belong to the value before (`A=x, y`).

    Only the first `=` separates, so values may hold `=`. Blanks are dropped; of a key given twice the
    last value counts.
    """
    parts: list[tuple[str, str]] = []
    for part in clean_value(text).split(","):
        key, separator, value = part.partition("=")
        if separator and key.strip():
            parts.append((key, value))
        elif parts and part.strip():
            parts[-1] = (parts[-1][0], f"{parts[-1][1]},{part}")
    return clean_tags(parts)


def clean_tags(pairs: Mapping[str, object] | Iterable[tuple[str, object]]) -> dict[str, str]:
    """Tags from columns or a map: prefixes stripped, outer space gone, blanks dropped."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    cleaned = {strip_prefix(key): clean_value(value) for key, value in items}
    return {key: value for key, value in cleaned.items() if key and value}


def tag_value(tags: Mapping[str, str], key: str, *aliases: str) -> str:
    """The value under `key` or, failing that, its aliases; '' where there is none.

    The exact spelling comes first, then the canonical form.
    """
    wanted_keys = (key, *aliases)
    for wanted in wanted_keys:
        if found := clean_value(tags.get(wanted)):
            return found
    for wanted in map(canonical_key, wanted_keys):
        for name, value in tags.items():
            if canonical_key(name) == wanted and (found := clean_value(value)):
                return found
    return ""
