"""Query parameters: declared once, for the schema and for the reading. What is not declared is refused,
because a filter with a typing error would otherwise answer with everybody's figures."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from costs.queries import TAG_PREFIX

T = TypeVar("T")
D = TypeVar("D")
PERIOD_PATTERN = r"^(19|2\d)\d{2}-(0[1-9]|1[0-2])$"
PAGE_SIZE = 100
PAGE_SIZE_LIMIT = 1000
VALUE_LIMIT = 20_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WHOLE = re.compile(r"[0-9]{1,6}")


class ParameterError(InvalidRequestError):
    """A parameter that cannot be used; `fields` names it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.fields = {name: [message]}


def text(name: str, description: str, *, many: bool = False, **schema: Any) -> OpenApiParameter:
    """A parameter of any text; `many` may be given more than once."""
    kind: dict[str, Any] = {"type": "string", **schema}
    if many:
        return OpenApiParameter(name, {"type": "array", "items": kind}, description=description, explode=True)
    return OpenApiParameter(name, kind, description=description)


def choice(name: str, values: Iterable[str], description: str, *, default: str = "") -> OpenApiParameter:
    """A parameter with a closed list of values."""
    extra: dict[str, Any] = {"default": default} if default else {}
    return text(name, description, enum=[str(value) for value in values], **extra)


def month(name: str, description: str) -> OpenApiParameter:
    """A billing period, YYYY-MM."""
    return text(name, description, pattern=PERIOD_PATTERN)


PAGING = (
    OpenApiParameter(
        "page_size",
        {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_LIMIT, "default": PAGE_SIZE},
        description="Rows on a page. CSV is the whole list unless this or a cursor is given.",
    ),
    text("cursor", "Where the page starts, as the links `next` and `previous` give it."),
    choice("format", ("json", "csv"), "Stands before the Accept header.", default="json"),
)


@dataclass(frozen=True)
class Parameters:
    """The parameters of one request, known by name and free of control characters."""

    values: Mapping[str, Sequence[str]]

    def __contains__(self, name: str) -> bool:
        return bool(self.one(name))

    def one(self, name: str) -> str:
        """The value of a parameter; empty where it is not given."""
        return (self.values.get(name) or ("",))[-1].strip()

    def read(self, name: str, parse: Callable[[str], T], default: D) -> T | D:
        """The parameter parsed, or the default; an InvalidRequestError of `parse` names the parameter."""
        value = self.one(name)
        if not value:
            return default
        try:
            return parse(value)
        except InvalidRequestError as error:
            raise ParameterError(name, str(error)) from error

    def period(self, name: str) -> BillingPeriod | None:
        """A month from 1900 to 2999; None where it is not given."""
        return self.read(name, _period, None)

    def currency(self) -> str:
        """A currency code in capitals; empty for the reader's main currency."""
        return self.read("currency", _currency, "")

    def chosen(self, name: str, values: Iterable[str], default: str) -> str:
        """One of a closed list."""
        known = [str(value) for value in values]

        def parse(value: str) -> str:
            if value.lower() not in known:
                raise InvalidRequestError(f"'{value}' is not known here. Use {', '.join(known)}.")
            return value.lower()

        return self.read(name, parse, default)

    def page_size(self) -> int:
        """1 to 1000, 100 where not given."""
        return self.read("page_size", _page_size, PAGE_SIZE)

    def filters(self, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """(name, value) of every value given for these names and for `tag:KEY`."""
        wanted = [*names, *(name for name in sorted(self.values) if is_tag(name))]
        return tuple((name, value.strip()) for name in wanted for value in self.values.get(name, ()) if value.strip())


def parameters_of(query: QueryDict, *, known: Iterable[OpenApiParameter], with_tags: bool = False) -> Parameters:
    """The request's parameters. Raises ParameterError for unknown names, repeated ones and control characters."""
    declared = {parameter.name: parameter for parameter in known}
    for name, values in query.lists():
        _check(name, values, declared, with_tags=with_tags)
    return Parameters({name: tuple(values) for name, values in query.lists()})


def is_tag(name: str) -> bool:
    """Whether a parameter filters by a tag: `tag:department`."""
    return name.lower().startswith(TAG_PREFIX) and bool(name[len(TAG_PREFIX) :].strip())


def _check(name: str, values: Sequence[str], declared: Mapping[str, OpenApiParameter], *, with_tags: bool) -> None:
    tag = with_tags and is_tag(name)
    if _CONTROL.search(name) or not (tag or name in declared):
        known = ", ".join([*declared, *(["tag:KEY"] if with_tags else [])])
        raise ParameterError(_CONTROL.sub("?", name)[:100], f"This parameter is not known here. Known: {known}.")
    if len(values) > 1 and not (tag or _is_repeatable(declared[name])):
        raise ParameterError(name, "Give this parameter once.")
    if any(_CONTROL.search(value) or len(value) > VALUE_LIMIT for value in values):
        raise ParameterError(name, "The value holds control characters or is too long.")


def _is_repeatable(parameter: OpenApiParameter) -> bool:
    return isinstance(parameter.type, dict) and parameter.type.get("type") == "array"


def _period(value: str) -> BillingPeriod:
    period = BillingPeriod.parse(value)
    if not 1900 <= period.start.year <= 2999:
        raise InvalidRequestError(f"'{value}' is outside 1900-01 to 2999-12.")
    return period


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{3}", value):
        raise InvalidRequestError(f"'{value}' is not a currency code. Write three letters, like USD.")
    return value.upper()


def _page_size(value: str) -> int:
    if not _WHOLE.fullmatch(value) or not 1 <= int(value) <= PAGE_SIZE_LIMIT:
        raise InvalidRequestError(f"A page has 1 to {PAGE_SIZE_LIMIT} rows, not '{value}'.")
    return int(value)
