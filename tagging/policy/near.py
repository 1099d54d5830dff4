"""Near misses: the value or key that somebody meant, and why we think so.

Never guesses between two: where several are equally near, none is named. Numbers are never taken for typing errors
of one another, because CC-100 and CC-101 are two cost centres.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from costs.tags import canonical_key, canonical_value

SHORTEST_FOR_ONE, SHORTEST_FOR_TWO = 4, 8  # letters from which one and two typing errors are taken for such
SHORTEST_ABBREVIATION = 3
TIMES_AS_COMMON = 5  # a spelling has to be so many times rarer than another one to be its typing error
MOST_CANDIDATES = 500
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Meant:
    """What was meant, and why: in words that stand after "probably meant …"."""

    value: str
    why: str


def meant_value(value: str, meanings: Mapping[str, str]) -> Meant | None:
    """What this value probably means, or None. `meanings`: known spellings → the value that each stands for."""
    return _meant(value.strip(), tuple(meanings.items())[:MOST_CANDIDATES])


def meant_key(spelling: str, keys: Sequence[str]) -> str:
    """The policy's key that a key of a resource probably means (`Enviroment`), '' for none or the key itself."""
    plain = canonical_key(spelling)
    if any(canonical_key(key) == plain for key in keys):
        return ""
    near = [key for key in keys if 0 < distance(plain, canonical_key(key)) <= _allowed(plain, canonical_key(key))]
    return near[0] if len(near) == 1 else ""


@lru_cache(maxsize=50_000)
def _meant(value: str, meanings: tuple[tuple[str, str], ...]) -> Meant | None:
    plain = canonical_value(value)
    known = [(canonical_value(spelling), meaning) for spelling, meaning in meanings]
    if same := {meaning for spelling, meaning in known if spelling == plain}:
        return Meant(same.pop(), "only spaces, punctuation or case differ") if len(same) == 1 else None
    steps_to: dict[int, set[str]] = defaultdict(set)
    for spelling, meaning in known:
        steps = distance(plain, spelling)
        if steps <= _allowed(plain, spelling) and _numbers(spelling) == _numbers(plain):
            steps_to[steps].add(meaning)
    if steps_to:
        steps = min(steps_to)
        near = steps_to[steps]
        return Meant(near.pop(), _letters(steps)) if len(near) == 1 else None
    longer = {meaning for spelling, meaning in known if spelling.startswith(plain)}
    if len(plain) >= SHORTEST_ABBREVIATION and plain.isalpha() and len(longer) == 1:
        return Meant(longer.pop(), "it is how that value begins")
    return None


def _letters(steps: int) -> str:
    return "1 letter differs" if steps == 1 else f"{steps} letters differ"


def spellings_meant(counts: Mapping[str, int]) -> dict[str, Meant]:
    """Among values of a free key: rare spellings → the common one they probably mean.

    Every pair one step apart is found through the texts with one letter left out, so 10,000 values take no
    100 million comparisons.
    """
    by_plain: dict[str, list[str]] = defaultdict(list)
    for value in sorted(counts, key=lambda value: (-counts[value], value)):
        by_plain[canonical_value(value)].append(value)
    found = {
        other: Meant(values[0], "only spaces, punctuation or case differ")
        for values in by_plain.values()
        for other in values[1:]
    }
    best = {plain: values[0] for plain, values in by_plain.items()}
    totals = {plain: sum(counts[value] for value in values) for plain, values in by_plain.items()}
    for plain, common in _one_step(totals).items():
        for value in by_plain[plain]:
            found[value] = Meant(best[common], "1 letter differs")
    return found


def _one_step(totals: Mapping[str, int]) -> dict[str, str]:
    """Rare text → the single much more common one that is one step away."""
    shared: dict[str, list[str]] = defaultdict(list)
    for plain in totals:
        if len(plain) >= SHORTEST_FOR_ONE:
            for key in {plain, *_deletions(plain)}:
                shared[key].append(plain)
    near: dict[str, set[str]] = defaultdict(set)
    for group in shared.values():
        if 1 < len(group) <= MOST_CANDIDATES:
            top = max(group, key=lambda plain: (totals[plain], plain))
            for plain in group:
                if totals[plain] * TIMES_AS_COMMON <= totals[top] and _numbers(plain) == _numbers(top):
                    near[plain].add(top)
    return {
        plain: next(iter(tops))
        for plain, tops in near.items()
        if len(tops) == 1 and distance(plain, next(iter(tops))) == 1
    }


def _deletions(text: str) -> Iterable[str]:
    return (text[:at] + text[at + 1 :] for at in range(len(text)))


def distance(first: str, second: str, most: int = 3) -> int:
    """Letters to add, drop, change or swap with their neighbour; `most` + 1 where it is more than `most`."""
    if abs(len(first) - len(second)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for at, sign in enumerate(first, start=1):
        earlier, before = before, row
        row = [at]
        for place, other in enumerate(second, start=1):
            step = min(before[place] + 1, row[-1] + 1, before[place - 1] + (sign != other))
            if at > 1 and place > 1 and sign == second[place - 2] and first[at - 2] == other:
                step = min(step, earlier[place - 2] + 1)
            row.append(step)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def _allowed(first: str, second: str) -> int:
    """How many typing errors two such words may differ by."""
    length = min(len(first), len(second))
    return 2 if length >= SHORTEST_FOR_TWO else 1 if length >= SHORTEST_FOR_ONE else 0


def _numbers(text: str) -> list[str]:
    return _DIGITS.findall(text)
