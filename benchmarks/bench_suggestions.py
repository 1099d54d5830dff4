"""How good tag suggestions are: hide tags of resources that carry them, suggest, and count what was right.

    python benchmarks/bench_suggestions.py [--bill FILE …] [--hide 0.3] [--rounds 5]

Without files the demo company's bill of a month is made, another company each round. Tags are hidden in two ways:
of single resources here and there, and of whole groups (all that share a name stem), where the best clue is gone
with them. Precision is over what was suggested, coverage over the hidden money. Ends with 1 under its goals.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from random import Random

import django
import duckdb

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops_site.settings")
django.setup()

from costs.tags import canonical_key, canonical_value, tag_value  # noqa: E402
from finops_site.demo_data import SEED, write_exports  # noqa: E402
from tagging.clues import KnownResource, name_stem  # noqa: E402
from tagging.services.foundation import ENVIRONMENTS  # noqa: E402
from tagging.suggestions import TagLearner  # noqa: E402

PRECISION_GOAL, COVERAGE_GOAL = 0.95, 0.50
KEYS = ("Team", "CostCenter", "Environment", "Project", "Owner")
LAST_DAY = date(2026, 9, 30)
MEANT = {canonical_value(name): value for value, names in ENVIRONMENTS.items() for name in (value, *names)}


@dataclass(frozen=True)
class Billed:
    """A resource and what it cost in the month."""

    resource: KnownResource
    cost: float


@dataclass
class Score:
    """What became of the tags that were hidden."""

    hidden: int = 0
    hidden_money: float = 0.0
    suggested: int = 0
    suggested_money: float = 0.0
    right: int = 0

    def add(self, other: "Score") -> None:
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_dict(self) -> dict[str, float | int | None]:
        precision = self.right / self.suggested if self.suggested else None
        coverage = self.suggested_money / self.hidden_money if self.hidden_money else None
        return {
            "hidden": self.hidden,
            "suggested": self.suggested,
            "precision": None if precision is None else round(precision, 4),
            "coverage_of_money": None if coverage is None else round(coverage, 4),
        }


def main() -> int:
    options = read_options()
    scores: dict[str, dict[str, Score]] = defaultdict(lambda: defaultdict(Score))
    seconds: list[float] = []
    for number in range(options.rounds):
        billed = read_bill(options.bill) if options.bill else made_company(SEED + number)
        for way, hide in (("scattered", hide_scattered), ("whole_groups", hide_groups)):
            hidden = hide(billed, options.hide, Random(number))
            begin = time.perf_counter()
            for key in KEYS:
                found = judge(key, billed, hidden)
                scores[way][key].add(found)
                scores[way]["all keys"].add(found)
            seconds.append(time.perf_counter() - begin)
    answer = {
        "rounds": options.rounds,
        "resources": len(billed),
        "seconds_for_all_keys": round(statistics.median(seconds), 3),
        "goals": {"precision": PRECISION_GOAL, "coverage_of_money": COVERAGE_GOAL},
        **{way: {key: score.as_dict() for key, score in by_key.items()} for way, by_key in scores.items()},
    }
    sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    return 0 if is_good(scores["scattered"]["all keys"]) else 1


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bill", nargs="*", default=[], help="Parquet files of one month's CUR (default: the demo)")
    parser.add_argument("--hide", type=float, default=0.3, help="share of the tagged resources (default 0.3)")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def is_good(score: Score) -> bool:
    found = score.as_dict()
    precision, coverage = found["precision"] or 0, found["coverage_of_money"] or 0
    return precision >= PRECISION_GOAL and coverage >= COVERAGE_GOAL


def made_company(seed: int) -> list[Billed]:
    with tempfile.TemporaryDirectory() as folder:
        exports = write_exports(Path(folder), today=LAST_DAY, seed=seed)
        return read_bill([str(path) for path in exports.bills[-1][1]])


def read_bill(files: Sequence[str]) -> list[Billed]:
    """Every resource of the bill with the tags of its columns and its cost."""
    duck = duckdb.connect()
    relation = f"read_parquet({list(files)!r})"
    columns = [row[0] for row in duck.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]
    tags = [name for name in columns if name.startswith("resource_tags_")]
    picked = ", ".join(f"max({name})" for name in tags)
    rows = duck.execute(
        "SELECT line_item_resource_id, max(line_item_usage_account_id), max(line_item_product_code),"
        f" sum(line_item_unblended_cost), {picked} FROM {relation}"
        " WHERE line_item_resource_id <> '' AND line_item_line_item_type IN"
        " ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage') GROUP BY ALL ORDER BY 1"
    ).fetchall()
    keys = [name.removeprefix("resource_tags_").removeprefix("user_") for name in tags]
    return [
        Billed(
            KnownResource(
                number, row[0], _name(keys, row[4:]), row[1], row[2],
                tags={key: value for key, value in zip(keys, row[4:], strict=True) if value},
            ),
            float(row[3]),
        )
        for number, row in enumerate(rows)
    ]  # fmt: skip


def _name(keys: Sequence[str], values: Iterable[str | None]) -> str:
    return next((value or "" for key, value in zip(keys, values, strict=True) if key == "name"), "")


def hide_scattered(billed: Sequence[Billed], share: float, draw: Random) -> set[int]:
    """Every so many-th resource, wherever it stands."""
    return {each.resource.key for each in billed if draw.random() < share}


def hide_groups(billed: Sequence[Billed], share: float, draw: Random) -> set[int]:
    """All resources of so many name stems: nothing of the same name is left to learn from."""
    stems = sorted({name_stem(each.resource.name or each.resource.resource_id) for each in billed})
    gone = {stem for stem in stems if draw.random() < share}
    return {each.resource.key for each in billed if name_stem(each.resource.name or each.resource.resource_id) in gone}


def judge(key: str, billed: Sequence[Billed], hidden: set[int]) -> Score:
    """Hide all five tags of these resources, suggest `key`, compare with what they carried."""
    learner = TagLearner(key, [without_tags(each.resource, hidden) for each in billed], spelled=spelled)
    score = Score()
    for each in billed:
        truth = spelled(key, tag_value(each.resource.tags, key))
        if each.resource.key not in hidden or not truth:
            continue
        score.hidden += 1
        score.hidden_money += each.cost
        suggestion = learner.suggest(without_tags(each.resource, hidden))
        if suggestion is not None:
            score.suggested += 1
            score.suggested_money += each.cost
            score.right += spelled(key, suggestion.value) == truth
    return score


def without_tags(resource: KnownResource, hidden: set[int]) -> KnownResource:
    if resource.key not in hidden:
        return resource
    gone = {canonical_key(key) for key in KEYS}
    return replace(resource, tags={key: text for key, text in resource.tags.items() if canonical_key(key) not in gone})


def spelled(key: str, value: str) -> str:
    """Values that mean the same as one; '' for what the policy does not allow, which nobody should learn."""
    return MEANT.get(canonical_value(value), "") if key == "Environment" else canonical_value(value)


if __name__ == "__main__":
    sys.exit(main())
