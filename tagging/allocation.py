"""From rules and slices to owners. Rules are compiled once; each slice then takes a few dict lookups."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from costs.periods import BillingPeriod
from costs.queries import TAG_PREFIX
from costs.tags import canonical_key, name_key, tag_value
from tagging.conditions import (
    NAME,
    Condition,
    Facts,
    Look,
    Values,
    anchors_of,
    compile_condition,
    folded,
    held_text,
    look_of,
    tests_of,
)
from tagging.terms import RuleKind

TEXT_LIMIT = 400


@dataclass(frozen=True)
class Rule:
    """An allocation rule as matching needs it. `owner_key` as in `tagging.owners`, empty for nobody.

    Rules of kind name have their patterns in `tag_values`.
    """

    pk: int
    kind: RuleKind
    owner_key: str = ""
    tag_key: str = ""
    tag_values: tuple[str, ...] = ()
    sub_account_id: str = ""
    from_period: BillingPeriod | None = None
    to_period: BillingPeriod | None = None
    condition: Condition | None = None

    def holds_in(self, period: BillingPeriod) -> bool:
        """Whether the rule is in force in that month (`to_period` is exclusive)."""
        return (self.from_period is None or self.from_period <= period) and (
            self.to_period is None or period < self.to_period
        )

    @property
    def tag_keys(self) -> tuple[str, ...]:
        """The keys slices must keep so that the rule can be matched."""
        if self.kind is RuleKind.TAG:
            return (self.tag_key,)
        if self.kind is RuleKind.NAME:
            return tuple(map(name_key, self.tag_values))
        tests = tests_of(self.condition) if self.condition is not None else ()
        return tuple(dict.fromkeys(key for test in tests for key in test.tag_keys))

    @property
    def text(self) -> str:
        """The condition in words. Names no team, so that it can stand before any reader of its costs."""
        if self.kind is RuleKind.TAG:
            return _cut(f"Tag {self.tag_key} is {' or '.join(self.tag_values)}")
        if self.kind is RuleKind.NAME:
            return _cut(f"Name is like {' or '.join(self.tag_values)}")
        if self.kind is RuleKind.ACCOUNT:
            return _cut(f"Account is {self.sub_account_id}")
        if self.condition is not None:
            return _cut(self.condition.text)
        return "Everything no rule before it matched"


@dataclass(frozen=True)
class Verdict:
    """Who owns a slice and why. Without a rule nothing matched."""

    owner_key: str
    rule: Rule | None = None
    matched_text: str = ""


NOBODY = Verdict("")
Placed = tuple[int, Rule]


@dataclass
class Matcher:
    """Rules of one month, compiled; calling it with the facts of a slice gives the Verdict.

    The first matching rule decides. Values match without regard to case and outer space, keys in their
    canonical form. Time per slice does not depend on the number of simple rules, and hardly on that of
    conditions: each is looked at only where a test it cannot do without holds, answered once per value.
    """

    by_tag: dict[str, dict[str, tuple[int, Rule, str]]] = field(default_factory=dict)
    by_name: dict[str, tuple[int, Rule, str]] = field(default_factory=dict)
    by_account: dict[str, Placed] = field(default_factory=dict)
    default: Placed | None = None
    conditions: "Conditions" = field(default_factory=lambda: Conditions())

    @property
    def fields(self) -> tuple[int, ...]:
        """Places of the facts (before tags) that decide; slices alike in these and in tags have one verdict."""
        return tuple(sorted({0, *self.conditions.facts}))

    def __call__(self, facts: Facts) -> Verdict:
        best, matched = self.default, ""
        account = self.by_account.get(facts.account)
        if account is not None and (best is None or account[0] < best[0]):
            best, matched = account, f"Account {facts.account}"
        for key, value in facts.tags.items():
            found = self._by_tag(canonical_key(key), value)
            if found is not None and (best is None or found[0] < best[0]):
                best, matched = found[:2], _cut(found[2] or f"{key}={value}")
        first = self.conditions.first(facts, before=None if best is None else best[0])
        if first is not None:
            best, matched = first[:2], _cut(first[2])
        return NOBODY if best is None else Verdict(best[1].owner_key, best[1], matched)

    def _by_tag(self, key: str, value: str) -> tuple[int, Rule, str] | None:
        if named := self.by_name.get(key):
            return named
        values = self.by_tag.get(key)
        return values.get(folded(value)) if values else None


def compile_rules(rules: Iterable[Rule], period: BillingPeriod) -> Matcher:
    """The rules that hold in that month, in their order, ready to be matched."""
    compiled = Matcher()
    for place, rule in enumerate(rule for rule in rules if rule.holds_in(period)):
        _add(compiled, place, rule)
    return compiled


def _add(compiled: Matcher, place: int, rule: Rule) -> None:
    if rule.kind is RuleKind.TAG:
        values = compiled.by_tag.setdefault(canonical_key(rule.tag_key), {})
        for value in rule.tag_values:
            if wanted := folded(value):
                values.setdefault(wanted, (place, rule, ""))
    elif rule.kind is RuleKind.NAME:
        for pattern in rule.tag_values:
            compiled.by_name.setdefault(canonical_key(name_key(pattern)), (place, rule, f"Name like {pattern}"))
    elif rule.kind is RuleKind.ACCOUNT:
        compiled.by_account.setdefault(rule.sub_account_id.strip(), (place, rule))
    elif rule.kind is RuleKind.CONDITION and rule.condition is not None:
        compiled.conditions.add(place, rule, rule.condition)
    elif compiled.default is None:
        compiled.default = (place, rule)


class Conditions:
    """Conditions of a list of rules, each found by one of its tests through the value the test looks at."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}  # field → where its value stands
        self._facts: list[tuple[int, str]] = []  # place in the facts or -1, canonical key of the tag
        self._all: dict[int, tuple[Rule, Callable[[Values], bool]]] = {}
        self._always: list[int] = []
        self._anchored: dict[int, list[tuple[Look, int]]] = {}
        self._found: dict[int, dict[str, tuple[int, ...]]] = {}
        self._fold = cache(folded)

    @property
    def facts(self) -> set[int]:
        """The places of the facts, before tags, that decide."""
        return {place for place, _ in self._facts if place >= 0}

    def add(self, place: int, rule: Rule, condition: Condition) -> None:
        """Take the rule in; rules come in the order of their places."""
        self._all[place] = (rule, compile_condition(condition, self._place))
        anchors = anchors_of(condition)
        if not anchors:
            self._always.append(place)
        for test in anchors:
            names = [f"{TAG_PREFIX}{key}" for key in test.tag_keys] if test.field == NAME else [test.field]
            look = bool if test.field == NAME else look_of(test)
            for name in names:
                self._anchored.setdefault(self._place(name), []).append((look, place))

    def first(self, facts: Facts, *, before: int | None) -> tuple[int, Rule, str] | None:
        """The first rule that matches, of those that stand before the place given, and what it matched."""
        if not self._all:
            return None
        values = self._values(facts)
        for place in sorted(self._candidates(values)):
            if before is not None and place > before:
                return None
            rule, matches = self._all[place]
            if matches(values) and rule.condition is not None:
                return place, rule, held_text(rule.condition, facts, values, self._place)
        return None

    def _candidates(self, values: Values) -> set[int]:
        places = set(self._always)
        for at, anchored in self._anchored.items():
            known, value = self._found.setdefault(at, {}), values[at]
            if value not in known:
                known[value] = tuple(place for look, place in anchored if look(value))
            places.update(known[value])
        return places

    def _values(self, facts: Facts) -> Values:
        tags = {canonical_key(key): value for key, value in reversed([*facts.tags.items()])}
        fold = self._fold
        return [fold(facts[at]) if at >= 0 else fold(tags.get(key, "")) for at, key in self._facts]

    def _place(self, name: str) -> int:
        if name not in self._places:
            self._places[name] = len(self._facts)
            is_tag = name.startswith(TAG_PREFIX)
            key = canonical_key(name[len(TAG_PREFIX) :]) if is_tag else ""
            self._facts.append((-1 if is_tag else Facts._fields.index(name), key))
        return self._places[name]


def cost_center_of(tags: Mapping[str, str], team_cost_center: str) -> str:
    """The CostCenter tag, else the owning team's cost centre."""
    return tag_value(tags, "CostCenter") or team_cost_center


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else f"{text[: TEXT_LIMIT - 1]}…"
