"""Conditions of allocation rules: a tree of all, any and not over what a slice shows.

{"all": [{"field": "service", "op": "is", "values": ["AmazonEC2"]},
         {"not": {"field": "tag:Team", "op": "present"}}]}
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from costs.errors import InvalidRequestError
from costs.queries import TAG_PREFIX
from costs.tags import NO_TEXT, canonical_key, name_key

MAX_DEPTH = 8
MAX_TESTS = 200
MAX_NAME_PATTERN = 60
FIELDS = {
    "account": "Account",
    "payer": "Payer",
    "service": "Service",
    "region": "Region",
    "usage_type": "Usage type",
    "operation": "Operation",
    "category": "Charge category",
    "line_kind": "Line kind",
    "pricing": "Pricing category",
    "commitment": "Commitment status",
}
NAME = "name"


class Op(StrEnum):
    """How a value is looked at. Case and outer space never matter."""

    IS = "is"
    STARTS = "starts"
    ENDS = "ends"
    CONTAINS = "contains"
    LIKE = "like"
    PRESENT = "present"
    ABSENT = "absent"


_WORDS = {
    Op.IS: "is",
    Op.STARTS: "starts with",
    Op.ENDS: "ends with",
    Op.CONTAINS: "contains",
    Op.LIKE: "is like",
    Op.PRESENT: "is there",
    Op.ABSENT: "is missing",
}
_ALONE = (Op.PRESENT, Op.ABSENT)


class Facts(NamedTuple):
    """What rules see of a slice. The order of the first fields is that of `FIELDS`."""

    account: str = ""
    payer: str = ""
    service: str = ""
    region: str = ""
    usage_type: str = ""
    operation: str = ""
    category: str = ""
    line_kind: str = ""
    pricing: str = ""
    commitment: str = ""
    tags: Mapping[str, str] = {}


@dataclass(frozen=True)
class Test:
    """One look at one field. For tags `field` is `tag:KEY`, for resources' names `name`."""

    __test__ = False  # pytest takes every Test… for its own
    field: str
    op: Op
    values: tuple[str, ...] = ()

    @property
    def tag_keys(self) -> tuple[str, ...]:
        """Keys that slices must keep so that it can be answered: one for each pattern of names."""
        if self.field == NAME:
            return tuple(name_key(value) for value in self.values)
        return (self.field[len(TAG_PREFIX) :],) if self.field.startswith(TAG_PREFIX) else ()

    @property
    def text(self) -> str:
        """The same in words."""
        key = self.tag_keys
        name = "Name" if self.field == NAME else FIELDS.get(self.field) or f"Tag {key[0]}"
        return f"{name} {_WORDS[self.op]}" + (f" {' or '.join(self.values)}" if self.values else "")


@dataclass(frozen=True)
class Node:
    """`all`, `any` or `not` of its parts."""

    kind: str
    parts: tuple["Node | Test", ...]

    @property
    def text(self) -> str:
        """The same in words, parts that are several in brackets."""
        texts = [
            f"({part.text})" if isinstance(part, Node) and len(part.parts) > 1 else part.text for part in self.parts
        ]
        return f"not {texts[0]}" if self.kind == "not" else f" {'and' if self.kind == 'all' else 'or'} ".join(texts)


Condition = Node | Test


def parse_condition(tree: Any) -> Condition:
    """The condition of a JSON tree. Raises InvalidRequestError naming the branch that is wrong."""
    counted = [0]
    return _parse(tree, (), counted)


def tests_of(condition: Condition) -> tuple[Test, ...]:
    """All its tests in the order they are written."""
    if isinstance(condition, Test):
        return (condition,)
    return tuple(test for part in condition.parts for test in tests_of(part))


def as_tree(condition: Condition) -> dict[str, Any]:
    """The JSON tree that `parse_condition` reads, with every value trimmed."""
    if isinstance(condition, Test):
        values = {"values": list(condition.values)} if condition.values else {}
        return {"field": condition.field, "op": condition.op.value, **values}
    parts = [as_tree(part) for part in condition.parts]
    return {condition.kind: parts[0] if condition.kind == "not" else parts}


def folded(value: str) -> str:
    """The form in which values are compared."""
    return value.strip().casefold()


Look = Callable[[str], bool]  # at a folded value, '' where there is none


def look_of(test: Test) -> Look:
    """The test as a function of the folded value of its field; of tags for one key, of names for one pattern."""
    return _LOOKS[test.op](tuple(folded(value) for value in test.values))


def _is(wanted: tuple[str, ...]) -> Look:
    values = frozenset(wanted)
    return lambda value: value in values


def _like(wanted: tuple[str, ...]) -> Look:
    pattern = re.compile("|".join(f"(?:{like_pattern(text)})" for text in wanted), re.DOTALL)
    return lambda value: pattern.fullmatch(value) is not None


_LOOKS: Mapping[Op, Callable[[tuple[str, ...]], Look]] = {
    Op.IS: _is,
    Op.STARTS: lambda wanted: lambda value: value.startswith(wanted),
    Op.ENDS: lambda wanted: lambda value: value.endswith(wanted),
    Op.CONTAINS: lambda wanted: lambda value: any(part in value for part in wanted),
    Op.LIKE: _like,
    Op.PRESENT: lambda _: bool,
    Op.ABSENT: lambda _: lambda value: not value,
}


def like_pattern(text: str) -> str:
    """A pattern with `*` for any text and `?` for one letter as a regular expression.

    What stands between two `*` is looked for once, at its first place, which is as good as any later one: there is
    nothing to go back over, so no pattern takes long, however many `*` it has.
    """
    first, *others = ("".join("." if sign == "?" else re.escape(sign) for sign in part) for part in text.split("*"))
    if not others:
        return first
    between = "".join(f"(?>.*?{part})" for part in others[:-1] if part)
    return f"{first}{between}.*{others[-1]}"


Values = Sequence[str]  # the folded values of the fields that a list of rules looks at
Place = Callable[[str], int]  # where a field's value stands among them


def compile_condition(condition: Condition, place: Place) -> Callable[[Values], bool]:
    """The condition as a function of a slice's values."""
    if isinstance(condition, Test):
        return _compile_test(condition, place)
    parts = [compile_condition(part, place) for part in condition.parts]
    if condition.kind == "not":
        negated = parts[0]
        return lambda values: not negated(values)
    if condition.kind == "all":
        return lambda values: all(part(values) for part in parts)
    return lambda values: any(part(values) for part in parts)


def anchors_of(condition: Condition) -> tuple[Test, ...]:
    """Tests of which at least one must hold wherever the condition does; empty where there are none such."""
    if isinstance(condition, Test):
        return (condition,)
    found = [anchors_of(part) for part in condition.parts]
    if condition.kind == "not":
        return ()
    if condition.kind == "any":
        return tuple(test for tests in found for test in tests) if all(found) else ()
    known = [tests for tests in found if tests]
    return min(known, key=lambda tests: (_breadth(tests), not tests[0].tag_keys), default=())


def held_text(condition: Condition, facts: Facts, values: Values, place: Place) -> str:
    """What in the slice the condition matched: the values its tests looked at that hold."""
    held = [test for test in tests_of(condition) if test.op not in _ALONE and _compile_test(test, place)(values)]
    return ", ".join(dict.fromkeys(f"{_label(test)}{_seen(test, facts)}" for test in held))


def _label(test: Test) -> str:
    if test.field == NAME:
        return "Name like "
    return f"{test.tag_keys[0]}=" if test.tag_keys else f"{FIELDS[test.field]} "


def _seen(test: Test, facts: Facts) -> str:
    if test.field == NAME:
        tags = {canonical_key(key) for key in facts.tags}
        return " or ".join(value for value in test.values if canonical_key(name_key(value)) in tags)
    if test.tag_keys:
        wanted = canonical_key(test.tag_keys[0])
        return next((value for key, value in facts.tags.items() if canonical_key(key) == wanted), "")
    return str(getattr(facts, test.field))


def _compile_test(test: Test, place: Place) -> Callable[[Values], bool]:
    if test.field == NAME:
        places = [place(f"{TAG_PREFIX}{key}") for key in test.tag_keys]
        return lambda values: any(values[at] for at in places)
    at, look = place(test.field), look_of(test)
    return lambda values: look(values[at])


def _breadth(tests: Iterable[Test]) -> int:
    """How much such tests let through, roughly: equal values little, what is missing most."""
    order = {Op.IS: 0, Op.STARTS: 1, Op.ENDS: 1, Op.LIKE: 1, Op.CONTAINS: 2, Op.PRESENT: 3, Op.ABSENT: 4}
    return max(order[test.op] for test in tests)


def _parse(tree: Any, path: tuple[str, ...], counted: list[int]) -> Condition:
    if len(path) > 2 * MAX_DEPTH:
        raise _wrong(path, f"it is more than {MAX_DEPTH} levels deep. Make it several rules.")
    if not isinstance(tree, dict):
        raise _wrong(path, 'it must be an object with "all", "any", "not" or "field".')
    kinds = [kind for kind in ("all", "any", "not", "field") if kind in tree]
    if len(kinds) != 1:
        raise _wrong(path, f'it needs exactly one of "all", "any", "not" and "field", it has {_listed(kinds)}.')
    kind = kinds[0]
    if kind == "field":
        return _parse_test(tree, path, counted)
    if unknown := sorted(set(tree) - {kind}):
        raise _wrong(path, f'"{unknown[0]}" does not belong beside "{kind}".')
    if kind == "not":
        return Node("not", (_parse(tree["not"], (*path, "not"), counted),))
    parts = tree[kind]
    if not isinstance(parts, list) or not parts:
        raise _wrong((*path, kind), "it must be a list with at least one condition.")
    return Node(kind, tuple(_parse(part, (*path, kind, str(at)), counted) for at, part in enumerate(parts, start=1)))


def _parse_test(tree: dict[str, Any], path: tuple[str, ...], counted: list[int]) -> Test:
    counted[0] += 1
    if counted[0] > MAX_TESTS:
        raise _wrong(path, f"there are more than {MAX_TESTS} tests. Make it several rules.")
    if unknown := sorted(set(tree) - {"field", "op", "values"}):
        raise _wrong(path, f'"{unknown[0]}" is not part of a test. Use field, op and values.')
    name, op = _field(tree["field"], path), _op(tree.get("op", Op.IS.value), path)
    given = tree.get("values", [])
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, list) or not all(isinstance(value, str) for value in given):
        raise _wrong(path, "values must be a list of texts.")
    values = tuple(dict.fromkeys(value.strip() for value in given if value.strip()))
    if strange := [text for text in (name, *values) if NO_TEXT.search(text)]:
        raise _wrong(path, f"{strange[0]!a} holds a character that no text of a bill has. Take it out.")
    if op in _ALONE and values:
        raise _wrong(path, f'"{op.value}" takes no values.')
    if op not in _ALONE and not values:
        raise _wrong(path, f'"{op.value}" needs at least one value.')
    if name == NAME and op is not Op.LIKE:
        raise _wrong(path, 'names are compared with "like" only; a pattern without * is the whole name.')
    if name == NAME and (long := [value for value in values if len(value) > MAX_NAME_PATTERN]):
        raise _wrong(path, f"the pattern {long[0][:20]}… is longer than {MAX_NAME_PATTERN} letters.")
    return Test(name, op, values)


def _field(name: Any, path: tuple[str, ...]) -> str:
    text = name.strip() if isinstance(name, str) else ""
    if text.lower().startswith(TAG_PREFIX) and text[len(TAG_PREFIX) :].strip():
        return TAG_PREFIX + text[len(TAG_PREFIX) :].strip()
    if text.lower() in FIELDS or text.lower() == NAME:
        return text.lower()
    raise _wrong(path, f"'{name}' is not a field. Use {', '.join((*FIELDS, NAME))} or tag:KEY.")


def _op(op: Any, path: tuple[str, ...]) -> Op:
    try:
        return Op(op)
    except ValueError as error:
        raise _wrong(path, f"'{op}' is not a comparison. Use {', '.join(Op)}.") from error


def _wrong(path: tuple[str, ...], what: str) -> InvalidRequestError:
    return InvalidRequestError(f"Condition, branch {' › '.join(path) or 'at the top'}: {what}")


def _listed(kinds: list[str]) -> str:
    return " and ".join(f'"{kind}"' for kind in kinds) or "none"
