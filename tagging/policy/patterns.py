"""Patterns of allowed values: a small, safe part of regular expressions, and wildcards.

A pattern is matched by walking all its states at once, so the time is bounded by length of value × states, whatever
the pattern: there is nothing to backtrack over. What the grammar does not know is refused with its place.

    letters, \\-escapes, .  [a-z0-9_-] [^…]  \\d \\w \\s   ( | )   ? * + {n} {n,m}

The whole value has to match. `^` and `$` may stand at the ends and change nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from costs.errors import InvalidRequestError

LONGEST_PATTERN = 200
LONGEST_VALUE = 512  # AWS allows 256 characters; other providers up to 512
MOST_REPEATS = 100
MOST_STATES = 600
DEEPEST = 20
_CLASSES: dict[str, Callable[[str], bool]] = {
    "d": lambda sign: "0" <= sign <= "9",
    "w": lambda sign: sign.isalnum() or sign == "_",
    "s": str.isspace,
}
_PLAIN_ESCAPES = frozenset(".^$*+?()[]{}|\\/-_ :@=#&,;<>!~'\"%")
Test = Callable[[str], bool]


class PatternError(InvalidRequestError):
    """A pattern that cannot be used; says where and why."""


@dataclass(frozen=True)
class _Node:
    """A piece of a pattern: `sign` (test), `join` and `either` (parts), `repeat` (part, least, most or -1)."""

    kind: str
    test: Test | None = None
    parts: tuple["_Node", ...] = ()
    least: int = 0
    most: int = 0


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def fail(self, what: str) -> PatternError:
        return PatternError(f"The pattern {self.text!r} cannot be used: {what} at character {self.at + 1}.")

    def next(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def take(self, sign: str) -> bool:
        if self.next() != sign:
            return False
        self.at += 1
        return True

    def either(self, depth: int = 0) -> _Node:
        if depth > DEEPEST:
            raise self.fail(f"more than {DEEPEST} brackets inside one another")
        options = [self.join(depth)]
        while self.take("|"):
            options.append(self.join(depth))
        return options[0] if len(options) == 1 else _Node("either", parts=tuple(options))

    def join(self, depth: int) -> _Node:
        parts: list[_Node] = []
        while (sign := self.next()) and sign not in "|)":
            parts.append(self.repeated(self.atom(sign, depth)))
        return _Node("join", parts=tuple(parts))

    def atom(self, sign: str, depth: int) -> _Node:
        self.at += 1
        if sign == "(":
            if self.next() == "?":
                raise self.fail("(?…) is not supported")
            inner = self.either(depth + 1)
            if not self.take(")"):
                raise self.fail("a bracket is not closed")
            return inner
        if sign == "[":
            return _Node("sign", test=self.members())
        if sign == ".":
            return _Node("sign", test=lambda _: True)
        if sign == "\\":
            return _Node("sign", test=self.escaped())
        if sign in "*+?{}]^$":
            self.at -= 1
            raise self.fail(f"{sign!r} has nothing to stand for; write \\{sign} for the character itself")
        return _Node("sign", test=_is(sign))

    def escaped(self) -> Test:
        sign = self.next()
        self.at += 1
        if sign in _CLASSES:
            return _CLASSES[sign]
        if sign.lower() in _CLASSES:
            positive = _CLASSES[sign.lower()]
            return lambda other: not positive(other)
        if sign in _PLAIN_ESCAPES and sign:
            return _is(sign)
        self.at -= 1
        raise self.fail(f"\\{sign} is not supported")

    def members(self) -> Test:
        """What stands in square brackets."""
        negated, tests, is_first = self.take("^"), list[Test](), True
        while True:
            sign = self.next()
            if not sign:
                raise self.fail("a square bracket is not closed")
            self.at += 1
            if sign == "]" and not is_first:
                break
            is_first = False
            if sign == "\\":
                tests.append(self.escaped())
                continue
            if self.next() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 2
                last = self.text[self.at - 1]
                if last == "\\" or last < sign:
                    raise self.fail(f"{sign}-{last} is no range")
                tests.append(_between(sign, last))
            else:
                tests.append(_is(sign))
        found = tuple(tests)
        return lambda sign: any(test(sign) for test in found) is not negated

    def repeated(self, node: _Node) -> _Node:
        sign = self.next()
        if sign not in ("?", "*", "+", "{"):
            return node
        self.at += 1
        least, most = {"?": (0, 1), "*": (0, -1), "+": (1, -1), "{": (0, 0)}[sign]
        if sign == "{":
            least, most = self.bounds()
        if self.next() in ("?", "*", "+", "{"):
            raise self.fail("two repetitions after one another")
        return _Node("repeat", parts=(node,), least=least, most=most)

    def bounds(self) -> tuple[int, int]:
        end = self.text.find("}", self.at)
        first, comma, second = self.text[self.at : max(end, self.at)].partition(",")
        if end < 0 or not first.isdecimal() or (second and not second.isdecimal()):
            raise self.fail("{n} or {n,m} is expected")
        least = int(first)
        most = int(second) if second else -1 if comma else least
        if max(least, most) > MOST_REPEATS or 0 <= most < least:
            raise self.fail(f"a repetition must be at most {MOST_REPEATS}, the smaller number first")
        self.at = end + 1
        return least, most


class Pattern:
    """A pattern that was read. `matches` never takes longer than length × states."""

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise PatternError("A pattern must not be empty.")
        if len(text) > LONGEST_PATTERN:
            raise PatternError(f"A pattern may have {LONGEST_PATTERN} characters; this one has {len(text)}.")
        self.text = text
        inner = text.removeprefix("^")
        if inner.endswith("$") and not inner.endswith("\\$"):
            inner = inner[:-1]
        reader = _Reader(inner)
        tree = reader.either()
        if reader.at < len(inner):
            raise reader.fail("a bracket is closed that was not opened")
        self._tests: list[Test | None] = []  # None: goes on to all its targets without a sign
        self._targets: list[list[int]] = []
        start, end = self._add(None), self._add(None)
        self._build(tree, start, end)
        self._start, self._end = start, end

    def matches(self, value: str) -> bool:
        """Whether the whole value matches; one that is too long does not."""
        if len(value) > LONGEST_VALUE:
            return False
        here = self._reach([self._start])
        for sign in value:
            passed = [state for state in here if (test := self._tests[state]) is not None and test(sign)]
            here = self._reach([target for state in passed for target in self._targets[state]])
            if not here:
                return False
        return self._end in here

    def _reach(self, states: list[int]) -> set[int]:
        found, waiting = set(states), list(states)
        while waiting:
            state = waiting.pop()
            if self._tests[state] is None:
                fresh = [target for target in self._targets[state] if target not in found]
                found.update(fresh)
                waiting += fresh
        return found

    def _add(self, test: Test | None) -> int:
        if len(self._tests) >= MOST_STATES:
            raise PatternError(f"The pattern {self.text!r} repeats too much; use smaller numbers in its {{}}.")
        self._tests.append(test)
        self._targets.append([])
        return len(self._tests) - 1

    def _build(self, node: _Node, start: int, end: int) -> None:
        """Lead from start to end through what the node stands for."""
        if node.kind == "sign":
            state = self._add(node.test)
            self._targets[start].append(state)
            self._targets[state].append(end)
        elif node.kind == "either":
            for part in node.parts:
                self._build(part, start, end)
        elif node.kind == "join":
            at = start
            for part in node.parts:
                after = self._add(None)
                self._build(part, at, after)
                at = after
            self._targets[at].append(end)
        else:
            self._build_repeat(node, start, end)

    def _build_repeat(self, node: _Node, start: int, end: int) -> None:
        (part,), at = node.parts, start
        for _ in range(node.least):
            after = self._add(None)
            self._build(part, at, after)
            at = after
        if node.most < 0:
            loop = self._add(None)
            self._targets[at].append(loop)
            self._build(part, loop, loop)
            at = loop
        for _ in range(max(node.most - node.least, 0)):
            self._targets[at].append(end)
            after = self._add(None)
            self._build(part, at, after)
            at = after
        self._targets[at].append(end)


@lru_cache(maxsize=500)
def compiled(text: str) -> Pattern:
    """The pattern, read once. Raises PatternError."""
    return Pattern(text)


@lru_cache(maxsize=50_000)
def pattern_matches(text: str, value: str) -> bool:
    """Whether the value as a whole matches."""
    return compiled(text).matches(value)


def wildcard_matches(wildcard_text: str, value: str) -> bool:
    """Whether the value is the text with anything in the place of each `*`. Case matters."""
    return wildcard(wildcard_text)(value)


@lru_cache(maxsize=500)
def wildcard(text: str) -> Callable[[str], bool]:
    """`wildcard_matches` for many values."""
    first, *others = text.split("*")
    if not others:
        return lambda value: value == text
    inner, last = others[:-1], others[-1]
    if not first and not last and len(inner) == 1:
        return lambda value: inner[0] in value

    def matches(value: str) -> bool:
        if not value.startswith(first):
            return False
        at = len(first)
        for piece in inner:
            found = value.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        return len(value) - len(last) >= at and value.endswith(last)

    return matches


def _is(sign: str) -> Test:
    return lambda other: other == sign


def _between(first: str, last: str) -> Test:
    return lambda sign: first <= sign <= last
