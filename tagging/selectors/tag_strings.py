"""Tag strings as files hold them, parsed and judged by the policy. No resource, no owner, no money: text alone."""

from datetime import date

from costs.inventory import tags_of
from costs.periods import BillingPeriod
from costs.tags import canonical_key, clean_value, strip_prefix
from tagging.policy import KeyPolicy
from tagging.policy.problems import Found, near_keys, problem_of
from tagging.selectors.policy import policy_keys

BLANK = "blank"
NOT_IN_POLICY = "key not in the policy"
COMPLIANT = "compliant"
_SNAKE = "resource_tags_"  # columns of Parquet exports, whose keys have lost case and spacing


def judge_tag_string(key: str, value: str, *, day: date) -> tuple[str, ...]:
    """What the policy says of a tag string on that day, one answer for each key in it.

    `Key=Value,Key2=Value2` or JSON under no key, or under a key that only says it holds tags, is parsed first. A value
    that only stands for nothing (`NULL`, `-`, `{}`) is blank; a key the policy does not know is said to be none of it.
    """
    if not clean_value(value):
        return (BLANK,)
    pairs = {key: value} if _names_one_tag(key) else tags_of(value)
    if not pairs:
        return (BLANK,)
    policies = {policy.key: policy for policy in policy_keys(BillingPeriod.of(day))}
    return tuple(_judged(name, text, policies, day) for name, text in pairs.items())


def _names_one_tag(key: str) -> bool:
    """Whether a column names one tag; `tags` and its like hold several."""
    return canonical_key(key) not in {"", "tags", "tag", "resourcetags"}


def _judged(key: str, value: str, policies: dict[str, KeyPolicy], day: date) -> str:
    has_lost_case = key.startswith(_SNAKE)
    spelling = strip_prefix(key.removeprefix(_SNAKE))
    name = near_keys(policies, spelling)
    if not name:
        return NOT_IN_POLICY
    found = Found(clean_value(value), "" if has_lost_case else spelling)
    problem = problem_of(policies[name], found, day=day)
    return COMPLIANT if problem is None else problem.kind.value.replace("_", " ")
