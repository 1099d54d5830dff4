"""How resources are written on pages."""

from django import template

register = template.Library()
ARN_PARTS = 6  # arn:partition:service:region:account:resource


@register.filter
def short_id(resource_id: str) -> str:
    """The part of an ARN that tells resources of one account apart; other ids as they are."""
    parts = resource_id.split(":", ARN_PARTS - 1)
    return parts[-1] if parts[0] == "arn" and len(parts) == ARN_PARTS else resource_id
