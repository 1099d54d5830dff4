"""How AWS Cost Explorer names and groups the lines of a bill, so that both can be laid side by side.

Core: plain values in and out. See docs/algorithms/cost-explorer.md.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from costs.money import ZERO, round_to_cents

COMPUTE = "Amazon Elastic Compute Cloud - Compute"
EC2_OTHER = "EC2 - Other"
LOAD_BALANCING = "Amazon Elastic Load Balancing"
TAX = "Tax"
FROM_CODE = " (from its code)"
# What its console shows for some of the names its API answers.
CONSOLE_NAMES = {COMPUTE: "EC2-Instances", EC2_OTHER: "EC2-Other", LOAD_BALANCING: "EC2-ELB"}
EC2_CODES = frozenset({"AmazonEC2"})
# Usage types start with the region's code where it is not us-east-1: `USW2-BoxUsage:m5.large`, `EU-SpotUsage:…`.
_REGION = re.compile(r"^(?:[A-Z]{2,4}\d?(?:-[A-Z]{3}-\d)?|us-gov-[a-z]+-\d)-(?=[A-Za-z])")
# Running instances and what reserves or leaves idle their capacity.
_COMPUTE = re.compile(
    r"^(BoxUsage|SpotUsage|DedicatedUsage|DedicatedRes|HostUsage|HostBoxUsage|ReservedHostUsage|HeavyUsage|MediumUsage"
    r"|LightUsage|UnusedBox|UnusedDed|ReservedInstance|SchedUsage)(?=[:.]|$)"
)
_LOAD_BALANCER = re.compile(r"^(IdleLoadBalancer|LoadBalancerUsage|LCUUsage|LoadBalancing)(?=[:.-]|$)")
# Names for bills that tell codes only. A bill's own product name goes first.
SERVICE_NAMES = {
    "AmazonApiGateway": "Amazon API Gateway",
    "AmazonAthena": "Amazon Athena",
    "AmazonCloudFront": "Amazon CloudFront",
    "AmazonCloudWatch": "AmazonCloudWatch",
    "AmazonDynamoDB": "Amazon DynamoDB",
    "AmazonECR": "Amazon EC2 Container Registry (ECR)",
    "AmazonECS": "Amazon Elastic Container Service",
    "AmazonEFS": "Amazon Elastic File System",
    "AmazonEKS": "Amazon Elastic Container Service for Kubernetes",
    "AmazonES": "Amazon OpenSearch Service",
    "AmazonElastiCache": "Amazon ElastiCache",
    "AmazonGlacier": "Amazon Glacier",
    "AmazonGuardDuty": "Amazon GuardDuty",
    "AmazonKinesis": "Amazon Kinesis",
    "AmazonMSK": "Amazon Managed Streaming for Apache Kafka",
    "AmazonRDS": "Amazon Relational Database Service",
    "AmazonRedshift": "Amazon Redshift",
    "AmazonRoute53": "Amazon Route 53",
    "AmazonS3": "Amazon Simple Storage Service",
    "AmazonSES": "Amazon Simple Email Service",
    "AmazonSNS": "Amazon Simple Notification Service",
    "AmazonVPC": "Amazon Virtual Private Cloud",
    "AWSCloudTrail": "AWS CloudTrail",
    "AWSConfig": "AWS Config",
    "AWSCostExplorer": "AWS Cost Explorer",
    "AWSDataTransfer": "AWS Data Transfer",
    "AWSDeveloperSupport": "AWS Support (Developer)",
    "AWSELB": LOAD_BALANCING,
    "AWSEnterpriseOnRampSupport": "AWS Enterprise On-Ramp Support",
    "AWSEvents": "CloudWatch Events",
    "AWSGlue": "AWS Glue",
    "AWSLambda": "AWS Lambda",
    "AWSQueueService": "Amazon Simple Queue Service",
    "AWSSecretsManager": "AWS Secrets Manager",
    "AWSSupportBusiness": "AWS Support (Business)",
    "AWSSupportDeveloper": "AWS Support (Developer)",
    "AWSSupportEnterprise": "AWS Support (Enterprise)",
    "ComputeSavingsPlans": "Savings Plans for AWS Compute usage",
    "MachineLearningSavingsPlans": "Savings Plans for AWS Machine Learning",
    "OCBPremiumSupport": "AWS Premium Support",
    "awskms": "AWS Key Management Service",
}
# Cost Explorer's names where the bill's product name is another.
_RENAMED = {
    "Elastic Load Balancing": LOAD_BALANCING,
    "AWS Support [Business]": "AWS Support (Business)",
    "AWS Support [Developer]": "AWS Support (Developer)",
    "AWS Support [Enterprise]": "AWS Support (Enterprise)",
}


class ChargeType(StrEnum):
    """Cost Explorer's filter "Charge type", as its console names them."""

    USAGE = "Usage"
    RESERVATION_USAGE = "Reservation applied usage"
    RESERVATION_FEE = "Recurring reservation fee"
    UPFRONT_FEE = "Upfront reservation fee"
    PLAN_USAGE = "Savings Plan Covered Usage"
    PLAN_NEGATION = "Savings Plan Negation"
    PLAN_FEE = "Savings Plan Recurring Fee"
    PLAN_UPFRONT = "Savings Plan Upfront Fee"
    SUPPORT_FEE = "Support fee"
    OTHER_FEE = "Other out-of-cycle charges"
    TAX = "Tax"
    CREDIT = "Credit"
    REFUND = "Refund"
    DISCOUNT = "Discount"


# What people leave out together, as addresses write it.
LEFT_OUT = {
    "credits": (ChargeType.CREDIT,),
    "refunds": (ChargeType.REFUND,),
    "taxes": (ChargeType.TAX,),
    "upfront": (ChargeType.UPFRONT_FEE, ChargeType.PLAN_UPFRONT),
    "support": (ChargeType.SUPPORT_FEE,),
}
_BY_KIND = {
    "DiscountedUsage": ChargeType.RESERVATION_USAGE,
    "RIFee": ChargeType.RESERVATION_FEE,
    "SavingsPlanCoveredUsage": ChargeType.PLAN_USAGE,
    "SavingsPlanNegation": ChargeType.PLAN_NEGATION,
    "SavingsPlanRecurringFee": ChargeType.PLAN_FEE,
    "SavingsPlanUpfrontFee": ChargeType.PLAN_UPFRONT,
    "Tax": ChargeType.TAX,
    "Credit": ChargeType.CREDIT,
    "Refund": ChargeType.REFUND,
}


@dataclass(frozen=True)
class CeService:
    """A service as Cost Explorer names it. `from_code`: the bill tells a code only, the name is ours or the code."""

    name: str
    from_code: bool = False

    @property
    def key(self) -> str:
        """As questions about its lines name it: a name that is ours is not the bill's own."""
        return f"{self.name}{FROM_CODE}" if self.from_code else self.name

    @property
    def console_name(self) -> str:
        """As its console shows it."""
        return CONSOLE_NAMES.get(self.name, self.name)


def usage_kind(usage_type: str) -> str:
    """The usage type without its region: `BoxUsage:m5.large` of `USW2-BoxUsage:m5.large`."""
    return _REGION.sub("", usage_type, count=1)


def ce_service(service_code: str, service_name: str, usage_type: str, charge_category: str) -> CeService:
    """The group of Cost Explorer's "Service" a line stands in."""
    if charge_category == TAX:
        return CeService(TAX)
    if service_code in EC2_CODES:
        return CeService(_ec2_service(usage_kind(usage_type)))
    named = service_name if service_name and service_name != service_code else ""
    if named:
        return CeService(_RENAMED.get(named, named))
    known = SERVICE_NAMES.get(service_code, "")
    return CeService(known or service_code or "No service", from_code=known != service_code)


def charge_type(line_kind: str, service_code: str, *, has_commitment: bool, charge_category: str) -> ChargeType:
    """The value of Cost Explorer's "Charge type" a line has."""
    if line_kind in _BY_KIND:
        return _BY_KIND[line_kind]
    if line_kind == "Fee":
        if has_commitment:
            return ChargeType.UPFRONT_FEE
        return ChargeType.SUPPORT_FEE if "support" in service_code.lower() else ChargeType.OTHER_FEE
    if line_kind.endswith("Discount"):
        return ChargeType.DISCOUNT
    return {"Tax": ChargeType.TAX, "Credit": ChargeType.CREDIT}.get(charge_category, ChargeType.USAGE)


def rounding_of(amounts: Iterable[Decimal]) -> Decimal:
    """What is added by showing each amount in cents and summing what is shown."""
    cells = tuple(amounts)
    return sum((round_to_cents(cell) for cell in cells), ZERO) - sum(cells, ZERO)


def left_out_types(names: Sequence[str]) -> frozenset[ChargeType]:
    """The charge types that these names of LEFT_OUT leave out."""
    return frozenset(kind for name in names for kind in LEFT_OUT.get(name, ()))


def _ec2_service(kind: str) -> str:
    if _COMPUTE.match(kind):
        return COMPUTE
    return LOAD_BALANCING if _LOAD_BALANCER.match(kind) else EC2_OTHER
