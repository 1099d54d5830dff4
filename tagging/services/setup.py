"""From a proposal to teams and rules in one step."""

from tagging.inputs import ProposalChoices


def accept_proposal(choices: ProposalChoices) -> int:
    """Write teams, tag rules, account rules and the default to nobody, and re-allocate; all or nothing.

    Returns the number of teams made. Raises InvalidRequestError (no team, a name twice, a value twice).
    """
    raise NotImplementedError
