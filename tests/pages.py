"""Pages as tests ask for them."""

from django.http import HttpResponse
from django.test import Client


def get(client: Client, path: str) -> HttpResponse:
    """What the page answers, as the response that it is when nothing is streamed."""
    response: HttpResponse = client.get(path)  # type: ignore[assignment]
    return response
