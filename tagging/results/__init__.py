"""What tagging's selectors answer: frozen values, safe to hand to pages, files and the API.

Money is exact Decimal in `currency` on the basis `metric`. Fields that are None for a team reader
(`bill_total`, `unallocated_cost`, `difference`, …) are figures of the whole bill. Results hold no
database keys, except those that only FinOps staff can ask for (`RuleView.pk`).
"""

from tagging.results.chargeback import (
    Chargeback,
    ChargebackRow,
    CloseInfo,
    Statement,
    StatementLine,
    StatementList,
    StatementSummary,
)
from tagging.results.compliance import (
    Compliance,
    CostliestResources,
    GroupCompliance,
    InvalidValue,
    KeyCompliance,
    OrderedRows,
    PolicyKey,
    ResourceRow,
    ResourceTable,
    UnreadKey,
)
from tagging.results.costs import CostRow, CostTable, Mover, Movers
from tagging.results.decisions import ChargeLines, Decision, Decisions, SliceRow
from tagging.results.findings import (
    FindingDetail,
    FindingEvent,
    FindingRow,
    FindingTable,
    KindTotal,
    VerifiedMonth,
)
from tagging.results.pools import BothPrices, OwnShare, PoolMonth, PoolRow, SharedLine, ShareView
from tagging.results.upkeep import KeyCandidate, MemberView, ProposedTeam, RuleView, SetupProposal, TeamView, Trust

__all__ = [
    "BothPrices",
    "ChargeLines",
    "Chargeback",
    "ChargebackRow",
    "CloseInfo",
    "Compliance",
    "CostliestResources",
    "CostRow",
    "CostTable",
    "Decision",
    "Decisions",
    "FindingDetail",
    "FindingEvent",
    "FindingRow",
    "FindingTable",
    "GroupCompliance",
    "KeyCandidate",
    "InvalidValue",
    "KeyCompliance",
    "OrderedRows",
    "KindTotal",
    "MemberView",
    "Mover",
    "Movers",
    "OwnShare",
    "PolicyKey",
    "PoolMonth",
    "PoolRow",
    "ProposedTeam",
    "ResourceRow",
    "ResourceTable",
    "RuleView",
    "SetupProposal",
    "ShareView",
    "SharedLine",
    "SliceRow",
    "Statement",
    "StatementLine",
    "StatementList",
    "StatementSummary",
    "TeamView",
    "Trust",
    "UnreadKey",
    "VerifiedMonth",
]
