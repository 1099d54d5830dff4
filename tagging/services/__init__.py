"""All writes of ownership: allocation, rules, teams, setup, view as."""

from tagging.inputs import PersonInput, PoolInput, ProposalChoices, RuleInput, TeamChoice, TeamInput
from tagging.services.allocate import allocate_import, reallocate
from tagging.services.charge_policies import set_benefit_policy, set_charge_policy
from tagging.services.closes import CloseRefusedError, CloseStep, close_month, finalise_month, reopen_month
from tagging.services.compliance_days import check_fixes, keep_compliance
from tagging.services.disputes import Doubt, answer_dispute, raise_dispute
from tagging.services.doubts import (
    OwnershipQuestion,
    accept_doubt,
    decline_doubt,
    doubt_ownership,
    reason_of,
)
from tagging.services.drivers import Uploaded, upload_driver
from tagging.services.dry_run import DryRun, MonthMove, dry_run
from tagging.services.exemptions import ExemptionInput, count_again, end_exemption, grant_exemption, set_aside
from tagging.services.finding_states import (
    Decision,
    accept_finding,
    change_finding,
    dismiss_finding,
    finish_finding,
    reopen_finding,
)
from tagging.services.findings import Detection, detect_findings
from tagging.services.fixes import announce_fixes
from tagging.services.moves import Move, Moves, what_moves
from tagging.services.notes import claim_due_notes, record_note, stop_notes, want_notes, write_notes
from tagging.services.people import (
    create_person,
    give_one_time_password,
    note_password_link,
    set_active,
    set_finops,
)
from tagging.services.pools import (
    MAX_POOL_REASON,
    check_circles,
    check_overlap,
    drop_planned_pool,
    preview_pool,
    save_pool,
    switch_off_pool,
)
from tagging.services.rules import (
    MAX_STEP_REASON,
    check_rule,
    delete_rule,
    move_rule,
    reorder_rules,
    save_rule,
    use_rule_again,
)
from tagging.services.saved_views import remove_view, rename_view, save_view
from tagging.services.setup import accept_proposal
from tagging.services.suggestion_choices import (
    Chosen,
    accept_suggestions,
    chosen_by_ref,
    dismiss_suggestions,
    end_virtual_tag,
    propose_suggestions,
)
from tagging.services.suggestions import Suggested, make_suggestions
from tagging.services.tag_policy import (
    PolicyImport,
    PolicyPreview,
    check_stored_key,
    import_policy,
    preview_import,
    preview_key,
    remove_key,
    save_key,
)
from tagging.services.teams import create_team, remove_member, set_member, update_team
from tagging.services.tokens import make_token, revoke_all_tokens, revoke_token
from tagging.services.upkeep import remove_unread_allocations
from tagging.services.view_as import start_view_as, stop_view_as

__all__ = [
    "MAX_POOL_REASON",
    "MAX_STEP_REASON",
    "Chosen",
    "CloseRefusedError",
    "CloseStep",
    "Decision",
    "Detection",
    "Doubt",
    "DryRun",
    "ExemptionInput",
    "MonthMove",
    "Move",
    "Moves",
    "OwnershipQuestion",
    "PersonInput",
    "PolicyImport",
    "PolicyPreview",
    "PoolInput",
    "ProposalChoices",
    "RuleInput",
    "Suggested",
    "TeamChoice",
    "TeamInput",
    "Uploaded",
    "accept_doubt",
    "accept_finding",
    "accept_proposal",
    "accept_suggestions",
    "allocate_import",
    "announce_fixes",
    "answer_dispute",
    "change_finding",
    "check_circles",
    "check_fixes",
    "check_overlap",
    "check_rule",
    "check_stored_key",
    "chosen_by_ref",
    "claim_due_notes",
    "close_month",
    "count_again",
    "create_person",
    "create_team",
    "decline_doubt",
    "delete_rule",
    "detect_findings",
    "dismiss_finding",
    "dismiss_suggestions",
    "drop_planned_pool",
    "doubt_ownership",
    "dry_run",
    "end_exemption",
    "end_virtual_tag",
    "finalise_month",
    "finish_finding",
    "give_one_time_password",
    "grant_exemption",
    "import_policy",
    "keep_compliance",
    "make_suggestions",
    "make_token",
    "move_rule",
    "note_password_link",
    "preview_import",
    "preview_key",
    "preview_pool",
    "propose_suggestions",
    "raise_dispute",
    "reallocate",
    "reason_of",
    "record_note",
    "remove_key",
    "remove_member",
    "remove_unread_allocations",
    "remove_view",
    "rename_view",
    "reopen_finding",
    "reopen_month",
    "reorder_rules",
    "revoke_all_tokens",
    "revoke_token",
    "save_key",
    "save_pool",
    "save_rule",
    "save_view",
    "set_active",
    "set_aside",
    "set_benefit_policy",
    "set_charge_policy",
    "set_finops",
    "set_member",
    "start_view_as",
    "stop_notes",
    "stop_view_as",
    "switch_off_pool",
    "update_team",
    "upload_driver",
    "use_rule_again",
    "want_notes",
    "what_moves",
    "write_notes",
]
