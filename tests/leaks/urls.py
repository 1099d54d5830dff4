"""Every address of the site with every argument a team lead could try, read from the URL configuration."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from django.urls import URLPattern, URLResolver, get_resolver

from costs.terms import FindingKind
from tagging.services.findings import ref_of

# What a reader could put in place of each argument: own things, another team's, and things that do not exist.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "team_key": ("alpha", "alpha-mobile", "beta", "no-such-team"),
    # pools: open to Alpha, with a part of Alpha but not open, of others alone, and none
    "key": ("alpha", "beta", "common", "quiet", "hushed", "no-such-pool"),
    "period": ("2026-01", "2026-02"),
    "pk": ("1", "2", "3"),
    "id": ("1", "2"),
    "user_pk": ("1", "2", "3"),
    "import_pk": ("1", "2", "3"),
    "rule_pk": ("1", "2"),
    "object_id": ("1", "2"),
    "app_label": ("costs", "tagging", "budgets", "ri", "finops_site"),
    "budget_key": ("alpha-monthly", "beta-monthly", "everything", "no-such-budget"),
    "alert_ref": ("alpha-monthly-2026-02-actual-50", "beta-monthly-2026-02-actual-50", "no-such-alert"),
    "book_name": ("representative", "no-such-book"),
    # own, own, another team's, nobody's, own ones of other kinds, another team's, none
    "finding_ref": (
        ref_of(FindingKind.DEAR_STORAGE, "vol-alpha-gp2", "alpha"),
        ref_of(FindingKind.DEAR_STORAGE, "vol-shared-gp2", "alpha"),
        ref_of(FindingKind.DEAR_STORAGE, "vol-shared-gp2", "beta"),
        ref_of(FindingKind.DEAR_STORAGE, "vol-nobody-gp2", ""),
        ref_of(FindingKind.NOT_RUNNING, "i-alpha-stopped", "alpha"),
        ref_of(FindingKind.NOT_RUNNING, "vol-alpha-guest", "alpha"),
        ref_of(FindingKind.IDLE, "i-shared", "alpha"),
        ref_of(FindingKind.IDLE, "i-beta-idle", "beta"),
        "no-such-finding",
    ),
    "step": ("close", "final", "reopen", "no-such-step"),
    "content_type_id": ("1",),
    "history_id": ("1",),
    "url": ("nothing-here",),
    "uidb36": ("1",),
    "format": ("csv", "json"),
    "username": ("ada", "bert", "fin"),
    "source": ("own-source",),
    "resource_id": ("i-alpha-1", "i-beta-1"),
    "upload_ref": ("1", "2"),
    "resource_key": ("1", "2"),
    "kind": ("risks", "steps", "nothing"),
}


# Pages, files and endpoints that open a version by its number: reopened, counting, none.
OF_VERSIONS = ("tagging:statement", "tagging:statement_pdf", "tagging:close", "api:statement", "api:close")
VERSIONS = tuple(f"period=2026-01&version={version}" for version in (1, 2, 3))


@dataclass(frozen=True)
class Address:
    """One concrete path and the name of the pattern it comes from."""

    name: str
    path: str


def addresses() -> Iterator[Address]:
    """All paths; raises LookupError for an argument the table above does not know, so that it is added."""
    for prefix, name, pattern in _patterns(get_resolver(), "", ""):
        for path in _filled(f"{prefix}{_route(pattern)}", pattern):
            yield Address(name, f"/{path}")
            if name in OF_VERSIONS:
                yield from (Address(f"{name} of a version", f"/{path}?{query}") for query in VERSIONS)


def _patterns(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[tuple[str, str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _patterns(entry, f"{prefix}{_route(entry)}", inner)
        elif not _is_suffix_twin(entry):
            yield prefix, f"{namespace}{entry.name or entry.lookup_str}", entry


def _is_suffix_twin(pattern: URLPattern) -> bool:
    """Routers of DRF add every route again with a format suffix in a regular expression."""
    return "format" in getattr(pattern.pattern, "_regex", "")


def _route(entry: URLPattern | URLResolver) -> str:
    text = str(entry.pattern).removeprefix("^")
    return text.removesuffix("$").removesuffix("\\Z")


def _filled(route: str, pattern: URLPattern) -> Iterator[str]:
    names = _arguments_in(route)
    unknown = [name for name in names if name not in ARGUMENTS]
    if unknown:
        raise LookupError(f"{route}: add values for {unknown} to tests/leaks/urls.py, so that the page is covered")
    for values in product(*(ARGUMENTS[name] for name in names)):
        path = route
        for value in values:
            path = _replace_first(path, value)
        yield path


def _arguments_in(route: str) -> list[str]:
    names, rest = [], route
    while (found := _first_argument(rest)) is not None:
        start, end, name = found
        names.append(name)
        rest = rest[:start] + rest[end:]
    return names


def _replace_first(route: str, value: str) -> str:
    found = _first_argument(route)
    assert found is not None
    return route[: found[0]] + value + route[found[1] :]


def _first_argument(route: str) -> tuple[int, int, str] | None:
    """Start, end and name of `<int:pk>` or `(?P<pk>…)`, whichever comes first."""
    start = route.find("<")
    if start < 0:
        return None
    close = route.index(">", start)
    name = route[start + 1 : close].rpartition(":")[2]
    if route[max(0, start - 3) : start] != "(?P":
        return start, close + 1, name
    depth, end = 1, close + 1
    while depth:
        depth += {"(": 1, ")": -1}.get(route[end], 0)
        end += 1
    return start - 3, end, name
