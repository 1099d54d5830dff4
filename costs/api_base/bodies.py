"""Bodies of requests: declared once, for the schema and for the reading. What is not declared is refused, because a
field with a typing error would otherwise change nothing and say nothing."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.serializers import Serializer

from costs.api_base.parameters import ParameterError
from costs.errors import InvalidRequestError


def body_of(request: Request, kind: type[Serializer[Any]], *, may_be_empty: bool = True) -> dict[str, Any]:
    """The validated fields of the body.

    Raises ParameterError for a field that is not known, and what the serializer raises for a value.
    """
    data = request.data
    if not isinstance(data, Mapping):
        raise InvalidRequestError('Send one object with the fields, like {"name": "…"}.')
    fields = kind(data=data)
    unknown = sorted(str(name) for name in data if name not in fields.fields)
    if unknown:
        known = ", ".join(fields.fields)
        raise ParameterError(unknown[0][:100], f"This field is not known here. Known: {known}.")
    if not data and not may_be_empty:
        raise InvalidRequestError(f"Give at least one field to change: {', '.join(fields.fields)}.")
    fields.is_valid(raise_exception=True)
    return dict(fields.validated_data)
