"""Resources with cost, places and tag states: as rows, those that are shown alone."""

from collections.abc import Mapping

from tagging.policy import Judgement, TaggableLines
from tagging.results import ResourceRow
from tagging.selectors.labels import team_names
from tagging.selectors.taggable import TaggableMonth, last_texts
from tagging.selectors.taggable_rows import SliceOf
from tagging.selectors.virtual import virtual_values
from tagging.terms import TagState

Pairs = tuple[tuple[str, str], ...]


def resource_rows(month: TaggableMonth, lines: TaggableLines) -> list[ResourceRow]:
    """A row for every resource of these lines, dearest first."""
    rows = rows_by_key(month, lines).values()
    return sorted(rows, key=lambda row: (-row.cost, row.resource_id, row.sub_account_id))


def rows_by_key(month: TaggableMonth, lines: TaggableLines) -> dict[int, ResourceRow]:
    """The same by the keys of the resources, in no order."""
    costs, deciding = lines.costs, lines.deciding
    names, types = last_texts(month, costs, 3), last_texts(month, costs, 4)
    places = [month.slices[slice_key] for slice_key in deciding.values()]
    teams = team_names({place.team for place in places})
    ours = virtual_values(month.reach)
    values = {
        slice_key: tuple((rule.key, rule.value_in(month.slices[slice_key].tags)) for rule in month.policy)
        for slice_key in set(deciding.values())
    }
    rows = {}
    for key, slice_key in deciding.items():
        place, judgement = month.slices[slice_key], month.judgement(key, slice_key)
        suggested = _suggested(month, judgement, ours.get(key, {}), place)
        rows[key] = ResourceRow(
            resource_id=month.ids[key],
            name=names.get(key, ""),
            resource_type=types.get(key, ""),
            service_name=place.service,
            sub_account_id=place.account,
            sub_account_name=place.account_name,
            region_id=place.region,
            team_key=place.team,
            team_name=teams.get(place.team, ""),
            cost=costs[key],
            states=tuple((rule.key, state) for rule, state in zip(month.policy, judgement.states, strict=True)),
            values=_without(values[slice_key], suggested),
            is_compliant=judgement.is_compliant,
            suggested=suggested,
        )
    return rows


def _suggested(
    month: TaggableMonth, judgement: Judgement, ours: Mapping[str, str], place: SliceOf
) -> tuple[tuple[str, str], ...]:
    """The values that are ours: the slice has them, and the resource is judged as lacking them."""
    if not ours:
        return ()
    found = zip(month.policy, judgement.states, strict=True)
    return tuple(
        (rule.key, ours[rule.key])
        for rule, state in found
        if state is TagState.MISSING and rule.key in ours and rule.value_in(place.tags) == ours[rule.key]
    )


def _without(values: Pairs, suggested: Pairs) -> Pairs:
    """The resource's own values: those that are ours are none of them."""
    ours = dict(suggested)
    return tuple((key, "" if key in ours else value) for key, value in values) if ours else values
