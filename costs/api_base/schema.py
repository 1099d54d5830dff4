"""What the OpenAPI document says of an endpoint, read from the endpoint itself."""

import inspect
from typing import Any

from drf_spectacular.openapi import AutoSchema


class ApiSchema(AutoSchema):
    """Names, texts and parameters from the view's class attributes and docstring."""

    view: Any

    def get_operation_id(self) -> str:
        return str(self.view.operation)

    def get_summary(self) -> str:
        return str(self.view.title)

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular's own calls
        return inspect.cleandoc(type(self.view).__doc__ or "")

    def get_tags(self) -> list[str]:
        return [self.view.section]

    def get_override_parameters(self) -> list[Any]:
        return list(self.view.known_parameters()) if self.method == "GET" else []

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # a page is one object that holds its rows
