"""What is not usage: support, a domain, sales tax, credits and a refund."""

from finops_site.demo_data import rates
from finops_site.demo_data.company import Company
from finops_site.demo_data.lines import Lines
from finops_site.demo_data.meters import meter

SUPPORT_STEPS = ((10_000, "0.10"), (70_000, "0.07"), (170_000, "0.05"))  # USD a month → share
CREDIT = "-750"
REFUND = "-213.4712"
DOMAIN_FEE = "14"


def add_fees(lines: Lines, company: Company) -> None:
    """Everything after the usage, which must be complete. Support and credits come once the month is over."""
    month, payer = lines.month, company.payer.account_id
    charged = lines.cost_by("line_item_usage_account_id")
    for account, cost in charged.items():
        _add_tax(lines, account, cost)
    if month.jump_on.replace(day=1) == month.period.start:
        domain = meter(
            "AmazonRegistrar",
            "Registration",
            "DomainRegistration",
            account=payer,
            line_item_line_item_type="Fee",
            line_item_line_item_description="Registration of larkfield-goods.example for one year",
        )
        lines.add_one(domain, rates.units(DOMAIN_FEE), hour=9)
        if company.refund_account:
            _add_refund(lines, company.account(company.refund_account).account_id)
    if month.is_complete:
        _add_support(lines, payer, sum(charged.values()))
        if company.credit_account:
            _add_credit(lines, company.account(company.credit_account).account_id)


def _add_tax(lines: Lines, account: str, cost: int) -> None:
    tax = meter(
        "AmazonEC2",
        "",
        "",
        account=account,
        line_item_line_item_type="Tax",
        line_item_tax_type="USSalesTax",
        line_item_line_item_description="Tax for product code AmazonEC2 usage type sales",
    )
    lines.add_one(tax, round(cost * rates.units(rates.SALES_TAX) / rates.UNIT))


def support_fee(cost: int) -> int:
    """AWS's Business plan in 1e-10 USD: 10 % of the first $10,000, then 7 %, then 5 %."""
    total, below = 0, 0
    for limit, share in SUPPORT_STEPS:
        part = max(min(cost, limit * rates.UNIT) - below, 0)
        total += part * rates.units(share) // rates.UNIT
        below = limit * rates.UNIT
    return total


def _add_support(lines: Lines, payer: str, cost: int) -> None:
    support = meter(
        "AWSSupportBusiness",
        "Dollar",
        "",
        account=payer,
        line_item_line_item_type="Fee",
        line_item_line_item_description="AWS Support (Business): a share of the month's charges",
    )
    lines.add_one(support, support_fee(cost))


def _add_credit(lines: Lines, account: str) -> None:
    credit = meter(
        "AmazonEC2",
        "",
        "",
        account=account,
        line_item_line_item_type="Credit",
        line_item_line_item_description="Promotional credit for machine learning workloads",
    )
    lines.add_one(credit, rates.units(CREDIT))


def _add_refund(lines: Lines, account: str) -> None:
    refund = meter(
        "AmazonS3",
        "EU-Requests-Tier1",
        "PutObject",
        account=account,
        region="eu-west-1",
        line_item_line_item_type="Refund",
        bill_bill_type="Refund",
        line_item_line_item_description="Refund for requests retried during the service event",
    )
    lines.add_one(refund, rates.units(REFUND), hour=14 * 24)
