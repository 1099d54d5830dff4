"""Meters of AWS services: product, usage type, operation, unit, rate and text as a bill writes them."""

from dataclasses import replace

from finops_site.demo_data import rates
from finops_site.demo_data.estate import Instance, Tags
from finops_site.demo_data.lines import Meter

TAG_COLUMNS = {
    "Team": "resource_tags_user_team",
    "Environment": "resource_tags_user_environment",
    "Owner": "resource_tags_user_owner",
    "CostCenter": "resource_tags_user_cost_center",
    "Project": "resource_tags_user_project",
    "Name": "resource_tags_user_name",
    "aws:createdBy": "resource_tags_aws_created_by",
    "aws:autoscaling:groupName": "resource_tags_aws_autoscaling_group_name",
}
PRODUCTS = {
    "AmazonEC2": "Amazon Elastic Compute Cloud",
    "AmazonRDS": "Amazon Relational Database Service",
    "AmazonS3": "Amazon Simple Storage Service",
    "AWSLambda": "AWS Lambda",
    "AWSELB": "Elastic Load Balancing",
    "AmazonCloudWatch": "AmazonCloudWatch",
    "AmazonGuardDuty": "Amazon GuardDuty",
    "AWSDataTransfer": "AWS Data Transfer",
    "ComputeSavingsPlans": "Savings Plans for AWS Compute usage",
    "AWSSupportBusiness": "AWS Support (Business)",
    "AmazonRegistrar": "Amazon Registrar",
}


def meter(
    product: str,
    usage_type: str,
    operation: str,
    *,
    account: str,
    region: str = "",
    rate: int = 0,
    **columns: str,
) -> Meter:
    """A meter of ordinary usage; `columns` are further text columns by their names in the file."""
    common = {
        "bill_bill_type": "Anniversary",
        "line_item_usage_account_id": account,
        "line_item_line_item_type": "Usage",
        "line_item_product_code": product,
        "line_item_usage_type": usage_type,
        "line_item_operation": operation,
        "line_item_unblended_rate": rates.rate_text(rate),
        "line_item_blended_rate": rates.rate_text(rate),
        "line_item_legal_entity": "Amazon Web Services, Inc.",
        "product_product_name": PRODUCTS[product],
        "product_servicecode": product,
        "product_region": region,
        "product_usagetype": usage_type,
        "product_operation": operation,
    }
    if region:
        common["product_location"] = rates.REGIONS[region][1]
        common["product_location_type"] = "AWS Region"
    if rate:
        common["pricing_public_on_demand_rate"] = rates.rate_text(rate)
        common["pricing_term"] = "OnDemand"
    return Meter({**common, **columns}, rate=rate)


def tag_columns(tags: Tags) -> dict[str, str]:
    """Tags under their column names."""
    return {TAG_COLUMNS[key]: value for key, value in tags.items()}


def as_kind(base: Meter, kind: str, **columns: str) -> Meter:
    """The same meter under another line type."""
    return replace(base, columns={**base.columns, "line_item_line_item_type": kind, **columns})


def instance_meter(instance: Instance) -> Meter:
    """An instance-hour at the on-demand rate."""
    kind, region = instance.fleet.instance_type, instance.fleet.region
    rate = rates.hourly_rate(kind, region)
    where = rates.REGIONS[region][1]
    base = meter(
        "AmazonEC2",
        f"{rates.prefix(region)}BoxUsage:{kind}",
        "RunInstances",
        account=instance.account_id,
        region=region,
        rate=rate,
        line_item_availability_zone=instance.zone,
        line_item_resource_id=instance.instance_id,
        line_item_line_item_description=f"${rate_in_words(rate)} per On Demand Linux {kind} Instance Hour",
        pricing_unit="Hrs",
        product_product_family="Compute Instance",
        **_instance_attributes(kind),
        **tag_columns(instance.tags),
    )
    if not instance.fleet.is_spot:
        return replace(base, factor=rates.normalization_factor(kind))
    spot = {
        **base.columns,
        "line_item_usage_type": f"{rates.prefix(region)}SpotUsage:{kind}",
        "line_item_operation": "RunInstances:SV001",
        "line_item_unblended_rate": "",
        "line_item_blended_rate": "",
        "line_item_line_item_description": f"{kind} Linux/UNIX Spot Instance-hour in {where} in VPC Zone #1",
        "pricing_public_on_demand_rate": "",
        "pricing_term": "Spot",
    }
    return Meter(spot, rate=rate)


def volume_meter(instance: Instance) -> Meter:
    """A GB-month of the instance's volume. It carries the instance's tags."""
    region, kind = instance.fleet.region, instance.fleet.volume_type
    rate = rates.volume_rate(kind, region)
    tags = {key: value for key, value in instance.tags.items() if not key.startswith("aws:autoscaling")}
    return meter(
        "AmazonEC2",
        f"{rates.prefix(region)}EBS:VolumeUsage.{kind}",
        f"CreateVolume-{kind.capitalize()}",
        account=instance.account_id,
        region=region,
        rate=rate,
        line_item_resource_id=instance.volume_id,
        line_item_line_item_description=(
            f"${rate_in_words(rate)} per GB-month of General Purpose ({kind}) provisioned storage"
        ),
        pricing_unit="GB-Mo",
        product_product_family="Storage",
        product_volume_type="General Purpose",
        **tag_columns(tags),
    )


def rate_in_words(rate: int) -> str:
    """A rate as AWS's descriptions write it: no more zeros than two decimals need."""
    whole, _, decimals = rates.rate_text(rate).partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _instance_attributes(kind: str) -> dict[str, str]:
    family, _, size = kind.partition(".")
    cores, memory = rates.SIZES[size]
    memory = {"c": memory // 2, "r": memory * 2}.get(family[0], memory)
    families = {"c": "Compute optimized", "r": "Memory optimized", "g": "GPU instance"}
    return {
        "product_instance_type": kind,
        "product_instance_type_family": family,
        "product_instance_family": families.get(family[0], "General purpose"),
        "product_vcpu": str(cores),
        "product_memory": f"{memory} GiB",
        "product_operating_system": "Linux",
        "product_tenancy": "Shared",
        "product_pre_installed_sw": "NA",
        "product_license_model": "No License required",
        "product_capacitystatus": "Used",
        "product_normalization_size_factor": f"{rates.NORMALIZATION[size]:g}",
    }
