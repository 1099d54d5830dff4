"""All writes of ownership: allocation, rules, teams, setup, view as."""

from tagging.inputs import ProposalChoices, RuleInput, TeamChoice, TeamInput
from tagging.services.allocate import allocate_import, reallocate
from tagging.services.rules import delete_rule, reorder_rules, save_rule
from tagging.services.setup import accept_proposal
from tagging.services.teams import create_team, remove_member, set_member, update_team
from tagging.services.upkeep import remove_unread_allocations
from tagging.services.view_as import start_view_as, stop_view_as

__all__ = [
    "ProposalChoices",
    "RuleInput",
    "TeamChoice",
    "TeamInput",
    "accept_proposal",
    "allocate_import",
    "create_team",
    "delete_rule",
    "reallocate",
    "remove_member",
    "remove_unread_allocations",
    "reorder_rules",
    "save_rule",
    "set_member",
    "start_view_as",
    "stop_view_as",
    "update_team",
]
