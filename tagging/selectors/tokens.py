"""A user's own API tokens, as far as they may be shown again."""

from dataclasses import dataclass
from datetime import datetime

from knox.models import AuthToken

# Enough to tell one's own tokens apart, far too little to guess the rest.
SHOWN_CHARACTERS = 8


@dataclass(frozen=True)
class OwnToken:
    """One token: its first characters, when it was made and when it ends (None: never)."""

    start: str
    created_at: datetime
    expires_at: datetime | None


def own_tokens(user_pk: int) -> tuple[OwnToken, ...]:
    """The user's tokens, newest first."""
    tokens = AuthToken.objects.filter(user_id=user_pk).order_by("-created", "digest")
    return tuple(OwnToken(token.token_key[:SHOWN_CHARACTERS], token.created, token.expiry) for token in tokens)
