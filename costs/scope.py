"""Who may see what: everything, or the lines of a set of teams. Required by every selector."""

from dataclasses import dataclass

from costs.errors import NotFoundInScopeError


@dataclass(frozen=True)
class Scope:
    """What a reader may see. Team keys are opaque strings; the set already holds sub-teams."""

    everything: bool
    team_keys: frozenset[str] = frozenset()

    @classmethod
    def all(cls) -> "Scope":
        """Staff of the FinOps group, commands and the pipeline."""
        return cls(everything=True)

    @classmethod
    def teams(cls, keys: frozenset[str]) -> "Scope":
        """Members of teams; with no team at all they see nothing."""
        return cls(everything=False, team_keys=keys)

    def require_everything(self) -> None:
        """Refuse anyone who does not see everything, as if the thing did not exist."""
        if not self.everything:
            raise NotFoundInScopeError("Nothing here.")

    def require_team(self, key: str) -> None:
        """Refuse another team's key exactly like one that does not exist."""
        if not self.everything and key not in self.team_keys:
            raise NotFoundInScopeError("Nothing here.")
