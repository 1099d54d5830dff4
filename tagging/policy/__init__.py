"""The tag policy: what it says of one set of tags, and of a month's resources."""

from tagging.policy.counting import (
    Exceptions,
    Judgement,
    TaggableLine,
    TaggableLines,
    Tally,
    deciding_slices,
    group_lines,
    judge,
    judgement_of,
    rank,
    tally,
    tally_sums,
)
from tagging.policy.keys import AllowedValue, KeyPolicy, environment_of

__all__ = [
    "AllowedValue",
    "Exceptions",
    "Judgement",
    "KeyPolicy",
    "TaggableLine",
    "TaggableLines",
    "Tally",
    "deciding_slices",
    "environment_of",
    "group_lines",
    "judge",
    "judgement_of",
    "rank",
    "tally",
    "tally_sums",
]
