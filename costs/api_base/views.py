"""The base of every endpoint.

A list declares `parameters`, `serializer_class` (the page, with `results`) and answers an `Answer`;
format, page, links and validators (ETag) are made here. A document declares the same and answers a mapping.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, cast

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, ListSerializer, Serializer
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from costs.api_base.formats import CsvRenderer, CsvTable, FormatNegotiation
from costs.api_base.paging import Answer, Page, page_of
from costs.api_base.parameters import PAGING, Parameters, parameters_of
from costs.api_base.schema import ApiSchema
from costs.reading import same_reading
from costs.scope import Scope

# Part of every staff ETag: raise it when the same figures are written another way.
ANSWER_VERSION = "1"
READS = ("GET", "HEAD")
LONG = 2_000  # rows of a CSV that are made at a time


def api_scope(request: Request) -> Scope:
    """What this reader may see. The session's comes from the access middleware (with the viewed user's
    eyes while viewing as), a token's from the token authentication; both through `tagging.access.scope_of`."""
    return cast("Scope", request._request.scope)  # type: ignore[attr-defined]


def last_modified_tag(*parts: str) -> str:
    """A strong ETag over these parts."""
    digest = hashlib.sha256("\n".join((ANSWER_VERSION, *parts)).encode())
    return f'"{digest.hexdigest()[:32]}"'


class ScopedView(APIView):
    """One endpoint. `staff_only` ones do not exist for anybody else: 404 before any other answer."""

    schema = ApiSchema()
    http_method_names = ["get", "head", "post"]
    content_negotiation_class = FormatNegotiation
    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer,)
    serializer_class: ClassVar[type[BaseSerializer[Any]]]
    parameters: ClassVar[tuple[OpenApiParameter, ...]] = ()
    takes_tags: ClassVar[bool] = False
    staff_only: ClassVar[bool] = False
    operation: ClassVar[str]
    title: ClassVar[str]
    section: ClassVar[str]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.staff_only:
            api_scope(request).require_everything()

    def known_parameters(self) -> tuple[OpenApiParameter, ...]:
        """Every parameter this endpoint takes; any other is refused."""
        return self.parameters

    def read_parameters(self, request: Request) -> Parameters:
        return parameters_of(request.query_params, known=self.known_parameters(), with_tags=self.takes_tags)

    def state(self, request: Request) -> str:
        """A short text that changes whenever the answer to staff could; '' to compare the answer itself."""
        del request
        return ""

    def conditional(self, request: Request) -> tuple[str, HttpResponseBase | None]:
        """The staff ETag, and the 304 where the reader has this answer already, made without computing it.

        A team's ETag is always that of its own bytes, so that it stays when only others' costs change.
        """
        state = self.state(request) if api_scope(request).everything else ""
        if not state:
            return "", None
        renderer: Any = request.accepted_renderer
        tag = last_modified_tag("staff", request.build_absolute_uri(), renderer.format, state)
        unchanged = get_conditional_response(request._request, etag=tag)
        if unchanged is not None:
            unchanged.headers["ETag"] = tag
        return tag, unchanged

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_vary_headers(response, ("Accept", "Authorization", "Cookie"))
        response.headers.setdefault("Cache-Control", "private, no-cache")
        if not isinstance(response, Response):
            return response
        if response.exception or request.method not in READS:  # what a write answers is one thing, not a list
            response.accepted_renderer, response.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        elif not response.has_header("ETag"):
            response.add_post_render_callback(lambda rendered: _tagged_by_content(request, rendered))
        return response


class DocumentView(ScopedView):
    """One thing as JSON."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        parameters = self.read_parameters(request)
        tag, unchanged = self.conditional(request)
        if unchanged is not None:
            return unchanged
        data = self.serializer_class(self.document(api_scope(request), parameters, **kwargs)).data
        return Response(data, headers={"ETag": tag} if tag else None)

    def document(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Any:
        """What the serializer takes."""
        raise NotImplementedError


class ListView(ScopedView):
    """A list as JSON pages or as CSV."""

    renderer_classes = (JSONRenderer, CsvRenderer)

    def known_parameters(self) -> tuple[OpenApiParameter, ...]:
        return (*self.parameters, *PAGING)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        parameters = self.read_parameters(request)
        size = parameters.page_size()
        tag, unchanged = self.conditional(request)
        if unchanged is not None:
            return unchanged
        answer = self.answer(api_scope(request), parameters, **kwargs)
        page = self.page(answer, parameters, size, whole=_wants_csv(request))
        links = {"next": _link(request, page.next_cursor), "previous": _link(request, page.previous_cursor)}
        response = self.as_csv(answer, page) if _wants_csv(request) else self.as_json(answer, page, links)
        named = [f'<{url}>; rel="{relation}"' for relation, url in links.items() if url]
        if named:
            response.headers["Link"] = ", ".join(named)
        if tag:
            response.headers["ETag"] = tag
        return response

    def answer(self, scope: Scope, parameters: Parameters, **kwargs: Any) -> Answer:
        """The whole list."""
        raise NotImplementedError

    def page(self, answer: Answer, parameters: Parameters, size: int, *, whole: bool) -> Page:
        """The page asked for; everything where `whole` and no page was asked for."""
        if whole and "page_size" not in parameters and "cursor" not in parameters:
            size = max(1, len(answer.rows))
        return page_of(answer.rows, order=answer.order, cursor=parameters.one("cursor"), size=size)

    def made(self, rows: Sequence[Any]) -> Sequence[Any]:
        """What rows of the page are written from: themselves, unless an endpoint cuts pages of what stands for them."""
        return rows

    def as_json(self, answer: Answer, page: Page, links: Mapping[str, str | None]) -> Response:
        rows = [_row(row, answer) for row in self.made(list(page.rows))]
        return Response(self.serializer_class({**answer.head, **links, "results": rows}).data)

    def as_csv(self, answer: Answer, page: Page) -> HttpResponseBase:
        """A long list is sent while its rows are made. An ETag of its bytes it cannot have."""
        table = CsvTable(self.csv_columns(answer), self._cells(answer, page))
        headers = {"Content-Disposition": f'attachment; filename="{self.operation}.csv"'}
        if len(page.rows) <= LONG:
            return Response(table, headers=headers)
        return StreamingHttpResponse(table.blocks(), content_type="text/csv; charset=utf-8", headers=headers)

    def _cells(self, answer: Answer, page: Page) -> Iterator[tuple[Any, ...]]:
        serializer, waiting = self.row_serializer(), iter(page.rows)
        while some := list(islice(waiting, LONG)):
            with same_reading():
                made = [serializer.to_representation(_row(row, answer)) for row in self.made(some)]
            yield from (tuple(self.csv_row(row, answer).values()) for row in made)

    def csv_columns(self, answer: Answer) -> list[str]:
        """The header line; the fields of a row unless an endpoint spreads one over several columns."""
        del answer
        return list(self.row_serializer().fields)

    def csv_row(self, row: dict[str, Any], answer: Answer) -> dict[str, Any]:
        """A row's cells in the order of `csv_columns`."""
        del answer
        return row

    def row_serializer(self) -> Serializer[Any]:
        """The serializer of one row, as `results` of the page declares it."""
        page = cast("Serializer[Any]", self.serializer_class())
        return cast("Serializer[Any]", cast("ListSerializer[Any]", page.fields["results"]).child)


def _wants_csv(request: Request) -> bool:
    return isinstance(request.accepted_renderer, CsvRenderer)


def _row(row: Any, answer: Answer) -> dict[str, Any]:
    return {**(row if isinstance(row, Mapping) else vars(row)), **answer.beside}


def _link(request: Request, cursor: str) -> str | None:
    url = request.build_absolute_uri()
    return str(replace_query_param(remove_query_param(url, "cursor"), "cursor", cursor)) if cursor else None


def _tagged_by_content(request: Request, rendered: Any) -> Any:
    """The answer with the ETag of its bytes, or the 304 that stands for it."""
    tag = last_modified_tag(str(rendered.get("Content-Type")), hashlib.sha256(rendered.content).hexdigest())
    rendered.headers["ETag"] = tag
    return get_conditional_response(request._request, etag=tag, response=rendered)
