"""AWS Organizations tag policies: several documents, from the root down, as one policy; and the way back.

What has no counterpart on the other side is named, never dropped in silence.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from costs.errors import InvalidRequestError
from costs.tags import NO_TEXT, canonical_key
from tagging.policy.keys import AllowedValue, KeyPolicy
from tagging.terms import ValueKind, ValueMatch

ASSIGN, APPEND, REMOVE = "@@assign", "@@append", "@@remove"
ALLOWED_BELOW = "@@operators_allowed_for_child_policies"
EVERY_KEY = ""
OPERATORS = (ASSIGN, APPEND, REMOVE)
_PARTS = ("tag_key", "tag_value", "enforced_for", "report_required_tag_for")
NO_JSON = "Document {} is no JSON: {}. Copy the policy as AWS shows it."
MOST_BYTES, MOST_DOCUMENTS = 1_000_000, 20


@dataclass(frozen=True)
class AwsKey:
    """A key as the documents together have it. None: the documents say nothing of it."""

    key: str
    values: tuple[str, ...] | None = None
    enforced_for: tuple[str, ...] = ()
    required_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Imported:
    """The documents' keys in their order, and what of them has no counterpart here."""

    keys: tuple[AwsKey, ...]
    notes: tuple[str, ...]


class _Part:
    """One part of a key (its spelling, its values, …), as documents change it one after the other."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self.is_said = False
        self.allowed = frozenset(OPERATORS)

    def apply(self, said: Any, where: str, notes: list[str], above: frozenset[str]) -> None:
        """Take over what one document says; operators that a document above forbids change nothing.

        `above` are those that are allowed for the whole key.
        """
        operators = said if isinstance(said, dict) else {ASSIGN: said}
        allowed = self.allowed & above
        for name, given in operators.items():
            if name == ALLOWED_BELOW:
                self.allowed = self.allowed & _operators(_texts(given, f"{where}.{name}"), f"{where}.{name}")
                continue
            if name not in OPERATORS:
                raise InvalidRequestError(f"{where}: '{name}' is no operator. Use {', '.join(OPERATORS)}.")
            values = _texts(given, f"{where}.{name}")
            if name not in allowed:
                notes.append(f"{where}: {name} is left out, because a policy above does not allow it.")
                continue
            self.is_said = True
            if name == ASSIGN:
                self.values = list(dict.fromkeys(values))
            elif name == APPEND:
                self.values = list(dict.fromkeys([*self.values, *values]))
            else:
                self.values = [value for value in self.values if value not in values]


class _Limits(dict[str, frozenset[str]]):
    """Which operators the documents below may use, by key and for all of them."""

    def of(self, plain: str) -> frozenset[str]:
        """The operators allowed for a key."""
        return self.get(EVERY_KEY, frozenset(OPERATORS)) & self.get(plain, frozenset(OPERATORS))

    def narrow(self, plain: str, name: str, given: Any, where: str) -> None:
        """Take over what a document says of those below it; never more than what it may use itself."""
        if name != ALLOWED_BELOW:
            raise InvalidRequestError(f"{where}: '{name}' cannot stand beside keys. Use {ALLOWED_BELOW}.")
        self[plain] = self.of(plain) & _operators(_texts(given, f"{where}.{name}"), f"{where}.{name}")


def read_documents(texts: Sequence[str]) -> Imported:
    """The effective policy of these documents, the one nearest to the root first. Raises InvalidRequestError."""
    if not 0 < len(texts) <= MOST_DOCUMENTS:
        raise InvalidRequestError(f"Give one to {MOST_DOCUMENTS} documents, the one nearest to the root first.")
    parts: dict[str, dict[str, _Part]] = {}
    names: dict[str, str] = {}
    limits = _Limits()
    notes: list[str] = []
    for number, text in enumerate(texts, start=1):
        above = _Limits(limits)
        for name, said in _tags_of(text, number).items():
            where, plain = f"Document {number}, {name}", name.casefold()
            if name.startswith("@@"):
                limits.narrow(EVERY_KEY, name, said, where)
            elif plain not in names and ASSIGN not in above.of(EVERY_KEY):
                notes.append(f"{where}: the key is left out, because a policy above allows no keys below it.")
            else:
                names.setdefault(plain, name)
                _apply_key(parts.setdefault(plain, {}), said, where, notes, above.of(plain))
                if isinstance(said, dict) and ALLOWED_BELOW in said:
                    limits.narrow(plain, ALLOWED_BELOW, said[ALLOWED_BELOW], where)
    found = tuple(_aws_key(names[plain], mine, notes) for plain, mine in parts.items())
    _refuse_doubles(found)
    return Imported(found, tuple(dict.fromkeys(notes)))


def split_documents(text: str) -> list[str]:
    """One text with one document, several after one another, or a list of them, as single documents."""
    if len(text.encode()) > MOST_BYTES:
        raise InvalidRequestError(f"The documents have over {MOST_BYTES // 1000} kB. Tag policies are far smaller.")
    found: list[str] = []
    decoder, rest, number = json.JSONDecoder(), text.strip().lstrip("\ufeff"), 1
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except (ValueError, RecursionError) as error:
            raise InvalidRequestError(NO_JSON.format(number, error)) from error
        found += [json.dumps(each) for each in (value if isinstance(value, list) else [value])]
        rest, number = rest[end:].strip().lstrip(","), number + 1
        rest = rest.strip()
    return found


def key_policies(imported: Imported, present: Sequence[KeyPolicy]) -> tuple[tuple[KeyPolicy, ...], tuple[str, ...]]:
    """The imported keys as keys of our policy, and notes on what is not expressed here.

    A key that is there already keeps what documents say nothing of: aliases, teams, months, and whether it is
    required where no document reports it as required.
    """
    known = {plain: key for key in present for plain in key.canonical_spellings}
    notes, keys = list(imported.notes), []
    for aws in imported.keys:
        before = known.get(canonical_key(aws.key))
        keys.append(_key_policy(aws, before))
        if aws.enforced_for:
            notes.append(f"{aws.key}: enforced_for is kept for the export; this product reports, AWS is what prevents.")
    return tuple(keys), tuple(notes)


def to_document(keys: Iterable[tuple[KeyPolicy, Sequence[str]]]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(key, enforced_for) pairs as one tag-policy document, and notes on what AWS cannot express."""
    tags: dict[str, Any] = {}
    notes: list[str] = []
    for key, enforced_for in keys:
        entry: dict[str, Any] = {"tag_key": {ASSIGN: key.key}}
        values = _aws_values(key, notes)
        if values is not None:
            entry["tag_value"] = {ASSIGN: values}
        if enforced_for:
            entry["enforced_for"] = {ASSIGN: list(enforced_for)}
        if key.is_required and key.resource_types:
            entry["report_required_tag_for"] = {ASSIGN: list(key.resource_types)}
        notes += _not_in_aws(key)
        tags[key.key.lower()] = entry
    return {"tags": tags}, tuple(notes)


def _aws_values(key: KeyPolicy, notes: list[str]) -> list[str] | None:
    if key.kind is ValueKind.NONE:
        return []
    if not key.allowed:
        return None
    if any(each.match is ValueMatch.PATTERN or each.value.count("*") > 1 for each in key.allowed):
        notes.append(f"{key.key}: AWS has no patterns and one * in a value; its values are left open.")
        return None
    return [each.value for each in key.allowed]


def _not_in_aws(key: KeyPolicy) -> Iterable[str]:
    if key.aliases or any(each.aliases for each in key.allowed):
        yield f"{key.key}: AWS has no aliases; they are not exported."
    if not (key.exact_key and (key.exact_value or not key.allowed)):
        yield f"{key.key}: AWS always minds letter case; here it is only pointed out."
    if key.teams or key.from_period or key.to_period:
        yield f"{key.key}: teams and months it applies to are not exported."
    if key.kind is ValueKind.DATE:
        yield f"{key.key}: AWS knows no dates; any value is allowed there."
    if key.is_required and not key.resource_types:
        yield f"{key.key}: AWS reports required tags for named resource types only; name them to export that."


def _key_policy(aws: AwsKey, before: KeyPolicy | None) -> KeyPolicy:
    base = before or KeyPolicy(aws.key, is_required=False, is_tracked=False)
    aliases = tuple(alias for alias in (*base.aliases, base.key) if alias != aws.key)
    changed = replace(base, key=aws.key, aliases=aliases if before else (), exact_key=True)
    if aws.required_for:
        changed = replace(changed, is_required=True, resource_types=tuple(_type(each) for each in aws.required_for))
    if aws.values is None:
        return changed
    if not aws.values:
        return replace(changed, kind=ValueKind.NONE, allowed=())
    known = {each.value: each for each in base.allowed}
    allowed = tuple(known.get(value) or AllowedValue(value, (), _match(value)) for value in aws.values)
    return replace(changed, kind=ValueKind.TEXT, allowed=allowed, exact_value=True)


def _match(value: str) -> ValueMatch:
    return ValueMatch.WILDCARD if "*" in value else ValueMatch.EXACT


def _type(text: str) -> str:
    """AWS's `ec2:ALL_SUPPORTED` means every type of the service."""
    service, _, kind = text.partition(":")
    return f"{service}:*" if kind == "ALL_SUPPORTED" else text


def _aws_key(name: str, parts: Mapping[str, _Part], notes: list[str]) -> AwsKey:
    def values(part: str) -> tuple[str, ...]:
        return tuple(parts[part].values) if part in parts else ()

    spelled = values("tag_key") or tuple(_texts(name, "tags"))
    if len(spelled) > 1:
        raise InvalidRequestError(f"{name}: tag_key has several spellings ({', '.join(spelled)}); one is needed.")
    said = "tag_value" in parts and parts["tag_value"].is_said
    allowed = values("tag_value") if said else None
    if many := [value for value in allowed or () if value.count("*") > 1]:
        notes.append(f"{name}: AWS takes one * in a value; '{many[0]}' is read with all of its own.")
    return AwsKey(spelled[0], allowed, values("enforced_for"), values("report_required_tag_for"))


def _apply_key(parts: dict[str, _Part], said: Any, where: str, notes: list[str], above: frozenset[str]) -> None:
    if not isinstance(said, dict):
        raise InvalidRequestError(f"{where} is no object. A key holds tag_key, tag_value and the like.")
    for part, content in said.items():
        if part == ALLOWED_BELOW:
            continue  # is for the documents below
        if part.startswith("@@"):
            notes.append(f"{where}: {part} for a whole key is left out; give it inside tag_key or tag_value.")
        elif part not in _PARTS:
            notes.append(f"{where}: '{part}' is not known here and left out.")
        else:
            parts.setdefault(part, _Part()).apply(content, f"{where}, {part}", notes, above)


def _tags_of(text: str, number: int) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(NO_JSON.format(number, error)) from error
    tags = document.get("tags") if isinstance(document, dict) else None
    if not isinstance(tags, dict):
        raise InvalidRequestError(f'Document {number} is no tag policy: it has no object "tags".')
    return tags


def _texts(given: Any, where: str) -> list[str]:
    values = given if isinstance(given, list) else [given]
    if not all(isinstance(value, str) for value in values):
        raise InvalidRequestError(f"{where} holds something that is no text. Write values in quotes.")
    if strange := [value for value in values if NO_TEXT.search(value)]:
        raise InvalidRequestError(f"{where} holds {strange[0]!a}, half of a letter. Write the whole letter.")
    return list(values)


def _operators(names: Sequence[str], where: str) -> frozenset[str]:
    known = {"@@all": OPERATORS, "@@none": (), **{name: (name,) for name in OPERATORS}}
    if unknown := [name for name in names if name not in known]:
        raise InvalidRequestError(f"{where}: '{unknown[0]}' is no operator. Use {', '.join(known)}.")
    return frozenset(operator for name in names for operator in known[name])


def _refuse_doubles(keys: Sequence[AwsKey]) -> None:
    seen: dict[str, str] = {}
    for key in keys:
        plain = canonical_key(key.key)
        if plain in seen:
            raise InvalidRequestError(
                f"'{seen[plain]}' and '{key.key}' are the same but for case and punctuation. Keep one of them."
            )
        seen[plain] = key.key
