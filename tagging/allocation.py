"""From rules and slices to owners. Rules are compiled once; each slice then takes a few dict lookups."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from costs.periods import BillingPeriod
from costs.tags import canonical_key, tag_value
from tagging.terms import RuleKind

TEXT_LIMIT = 400


@dataclass(frozen=True)
class Rule:
    """An allocation rule as matching needs it. `owner_key` is a team's key, empty for nobody."""

    pk: int
    kind: RuleKind
    owner_key: str = ""
    tag_key: str = ""
    tag_values: tuple[str, ...] = ()
    sub_account_id: str = ""
    from_period: BillingPeriod | None = None
    to_period: BillingPeriod | None = None

    def holds_in(self, period: BillingPeriod) -> bool:
        """Whether the rule is in force in that month (`to_period` is exclusive)."""
        return (self.from_period is None or self.from_period <= period) and (
            self.to_period is None or period < self.to_period
        )

    @property
    def text(self) -> str:
        """The condition in words. Names no team, so that it can stand before any reader of its costs."""
        if self.kind is RuleKind.TAG:
            return _cut(f"Tag {self.tag_key} is {' or '.join(self.tag_values)}")
        if self.kind is RuleKind.ACCOUNT:
            return _cut(f"Account is {self.sub_account_id}")
        return "Everything no rule before it matched"


@dataclass(frozen=True)
class Verdict:
    """Who owns a slice and why. Without a rule nothing matched."""

    owner_key: str
    rule: Rule | None = None
    matched_text: str = ""


NOBODY = Verdict("")
Matcher = Callable[[str, Mapping[str, str]], Verdict]


@dataclass
class _Compiled:
    by_tag: dict[str, dict[str, tuple[int, Rule]]] = field(default_factory=dict)
    by_account: dict[str, tuple[int, Rule]] = field(default_factory=dict)
    default: tuple[int, Rule] | None = None


def compile_rules(rules: Iterable[Rule], period: BillingPeriod) -> Matcher:
    """A function from (sub-account id, tags) to a Verdict, for the rules in their order in that month.

    The first matching rule decides. Values match without regard to case and outer space, keys in their
    canonical form. Time per slice does not depend on the number of rules.
    """
    compiled = _Compiled()
    for place, rule in enumerate(rule for rule in rules if rule.holds_in(period)):
        _add(compiled, place, rule)
    canonical = cache(canonical_key)

    def match(sub_account_id: str, tags: Mapping[str, str]) -> Verdict:
        best, matched = compiled.default, ""
        account = compiled.by_account.get(sub_account_id)
        if account is not None and (best is None or account[0] < best[0]):
            best, matched = account, f"Account {sub_account_id}"
        for key, value in tags.items():
            values = compiled.by_tag.get(canonical(key))
            found = values.get(_folded(value)) if values else None
            if found is not None and (best is None or found[0] < best[0]):
                best, matched = found, _cut(f"{key}={value}")
        return NOBODY if best is None else Verdict(best[1].owner_key, best[1], matched)

    return match


def _add(compiled: _Compiled, place: int, rule: Rule) -> None:
    if rule.kind is RuleKind.TAG:
        values = compiled.by_tag.setdefault(canonical_key(rule.tag_key), {})
        for value in rule.tag_values:
            if folded := _folded(value):
                values.setdefault(folded, (place, rule))
    elif rule.kind is RuleKind.ACCOUNT:
        compiled.by_account.setdefault(rule.sub_account_id.strip(), (place, rule))
    elif compiled.default is None:
        compiled.default = (place, rule)


def cost_center_of(tags: Mapping[str, str], team_cost_center: str) -> str:
    """The CostCenter tag, else the owning team's cost centre."""
    return tag_value(tags, "CostCenter") or team_cost_center


def _folded(value: str) -> str:
    return value.strip().casefold()


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else f"{text[: TEXT_LIMIT - 1]}…"
