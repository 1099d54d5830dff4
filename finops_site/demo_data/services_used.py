"""Usage outside the commitments: volumes, databases, buckets, functions, networks, observability."""

import numpy as np

from finops_site.demo_data import rates
from finops_site.demo_data.company import Bucket, Database, Function, Network
from finops_site.demo_data.estate import Estate, Instance, Owned
from finops_site.demo_data.lines import Lines, Meter
from finops_site.demo_data.meters import meter, rate_in_words, tag_columns, volume_meter
from finops_site.demo_data.schedules import FloatArray, IntArray

Draw = np.random.Generator


def add_services(lines: Lines, estate: Estate, draw: Draw) -> None:
    """Every service's lines for the month, in a fixed order of draws."""
    for instance in estate.instances:
        _add_volume(lines, instance)
    for database in estate.databases:
        _add_database(lines, database)
    for bucket in estate.buckets:
        _add_bucket(lines, bucket, draw)
    for function in estate.functions:
        _add_function(lines, function, draw)
    for network in estate.networks:
        _add_network(lines, network, draw)
    _add_observability(lines, estate, draw)
    _add_training_traffic(lines, estate, draw)


def _always(lines: Lines) -> IntArray:
    return lines.month.clock


def _days(lines: Lines) -> IntArray:
    return lines.month.clock[::24]


def _share_of_month(lines: Lines, size: float, hours: int = 1) -> float:
    """GB-months that so many hours of `size` GB are, with AWS's ten decimals."""
    return round(size * hours / lines.month.hours_in_all, 10)


def _around(mean: float, count: int, draw: Draw) -> FloatArray:
    """Amounts around a mean, with six decimals."""
    return np.round(mean * draw.uniform(0.7, 1.3, count), 6)


def _add_volume(lines: Lines, instance: Instance) -> None:
    fleet, month = instance.fleet, lines.month
    if not fleet.volume_gb:
        return
    since = month.hours_until(month.jump_on) if fleet.ran == "jump" else 0
    hours = month.clock[since:]
    lines.add(volume_meter(instance), hours, np.full(len(hours), _share_of_month(lines, fleet.volume_gb)))


def _add_database(lines: Lines, owned: Owned[Database]) -> None:
    spec = owned.spec
    option = "Multi-AZ" if spec.is_multi_az else "Single-AZ"
    common = {
        "line_item_resource_id": f"arn:aws:rds:{spec.region}:{owned.account_id}:db:{spec.name}",
        "product_database_engine": "PostgreSQL",
        "product_deployment_option": option,
        **tag_columns(owned.tags),
    }
    hours = _always(lines)
    lines.add(_database_hours(owned, option, common), hours, np.ones(len(hours)))
    stored = rates.units(rates.RDS_GB_MONTH[spec.is_multi_az])
    storage = meter(
        "AmazonRDS",
        "RDS:Multi-AZ-GP2-Storage" if spec.is_multi_az else "RDS:GP2-Storage",
        "CreateDBInstance",
        account=owned.account_id,
        region=spec.region,
        rate=stored,
        line_item_line_item_description=f"${rate_in_words(stored)} per GB-month of provisioned gp2 storage, {option}",
        pricing_unit="GB-Mo",
        product_product_family="Database Storage",
        **common,
    )
    lines.add(storage, hours, np.full(len(hours), _share_of_month(lines, spec.storage_gb)))


def _database_hours(owned: Owned[Database], option: str, common: dict[str, str]) -> Meter:
    spec, kind = owned.spec, owned.spec.instance_type
    rate = rates.units(spec.rate)
    running = meter(
        "AmazonRDS",
        f"{'Multi-AZUsage' if spec.is_multi_az else 'InstanceUsage'}:{kind}",
        "CreateDBInstance:0014",
        account=owned.account_id,
        region=spec.region,
        rate=rate,
        line_item_line_item_description=(
            f"${rate_in_words(rate)} per RDS {kind} {option} instance hour (or partial hour) running PostgreSQL"
        ),
        pricing_unit="Hrs",
        product_instance_type=kind,
        product_instance_type_family=kind.split(".")[1],
        product_product_family="Database Instance",
        product_license_model="No license required",
        **common,
    )
    factor = rates.normalization_factor(kind) * (2 if spec.is_multi_az else 1)
    return Meter(running.columns, rate=rate, factor=factor)


def _add_bucket(lines: Lines, owned: Owned[Bucket], draw: Draw) -> None:
    spec, days = owned.spec, _days(lines)
    stem = {"STANDARD": "TimedStorage-ByteHrs", "STANDARD_IA": "TimedStorage-SIA-ByteHrs"}
    operation = {"STANDARD": "StandardStorage", "STANDARD_IA": "StandardIAStorage", "GLACIER": "GlacierStorage"}
    names = {"line_item_resource_id": spec.name, **tag_columns(owned.tags)}
    place = rates.prefix(spec.region)
    rate = rates.units(rates.S3_GB_MONTH[spec.storage_class])
    storage = meter(
        "AmazonS3",
        place + stem.get(spec.storage_class, "TimedStorage-GlacierByteHrs"),
        operation[spec.storage_class],
        account=owned.account_id,
        region=spec.region,
        rate=rate,
        line_item_line_item_description=f"${rate_in_words(rate)} per GB of storage used, {spec.storage_class}",
        pricing_unit="GB-Mo",
        product_product_family="Storage",
        **names,
    )
    grown = 1 + 0.001 * np.arange(len(days))  # a bucket grows by a thousandth a day
    lines.add(storage, days, np.round(_share_of_month(lines, spec.size_gb, 24) * grown, 10), span=24)
    for tier, operation_name, share in (("Tier1", "PutObject", 0.25), ("Tier2", "GetObject", 0.75)):
        rate = rates.units(rates.S3_REQUEST[tier == "Tier2"])
        requests = meter(
            "AmazonS3",
            f"{place}Requests-{tier}",
            operation_name,
            account=owned.account_id,
            region=spec.region,
            rate=rate,
            line_item_line_item_description=f"${rate_in_words(rate)} per request, {tier}",
            pricing_unit="Requests",
            product_product_family="API Request",
            **names,
        )
        lines.add(requests, days, np.rint(_around(spec.requests_per_day * share, len(days), draw)), span=24)


def _add_function(lines: Lines, owned: Owned[Function], draw: Draw) -> None:
    spec, hours = owned.spec, _always(lines)
    for usage_type, unit, rate, mean in (
        ("Lambda-GB-Second", "Second", rates.LAMBDA_GB_SECOND, spec.gb_seconds),
        ("Request", "Requests", rates.LAMBDA_CALL, spec.calls),
    ):
        used = meter(
            "AWSLambda",
            f"{rates.prefix(spec.region)}{usage_type}",
            "Invoke",
            account=owned.account_id,
            region=spec.region,
            rate=rates.units(rate),
            line_item_resource_id=f"arn:aws:lambda:{spec.region}:{owned.account_id}:function:{spec.name}",
            line_item_line_item_description=f"AWS Lambda - {usage_type} - {rates.REGIONS[spec.region][1]}",
            pricing_unit=unit,
            product_product_family="Serverless",
            **tag_columns(owned.tags),
        )
        lines.add(used, hours, np.rint(_around(mean, len(hours), draw)))


def _add_network(lines: Lines, owned: Owned[Network], draw: Draw) -> None:
    spec, hours = owned.spec, _always(lines)
    _add_gateways(lines, owned, draw)
    for number in range(spec.balancers):
        name = f"arn:aws:elasticloadbalancing:{spec.region}:{owned.account_id}:loadbalancer/app/lb-{number + 1}"
        hourly = _network_meter(
            owned,
            ("AWSELB", "LoadBalancerUsage", "LoadBalancing:Application"),
            rates.BALANCER_HOUR[spec.region],
            "Hrs",
            line_item_resource_id=name,
            product_product_family="Load Balancer-Application",
            **tag_columns(owned.tags),
        )
        lines.add(hourly, hours, np.ones(len(hours)))
    # AWS names no resource for these, so no tag can say whose they are.
    family = {"product_product_family": "Data Transfer"}
    out = _network_meter(owned, ("AmazonEC2", "DataTransfer-Out-Bytes", "RunInstances"), rates.OUT_GB, "GB", **family)
    between = ("AmazonEC2", "DataTransfer-Regional-Bytes", "InterZone-In")
    lines.add(out, hours, _around(spec.out_gb, len(hours), draw))
    lines.add(
        _network_meter(owned, between, rates.ZONE_GB, "GB", **family), hours, _around(spec.zone_gb, len(hours), draw)
    )


def _add_gateways(lines: Lines, owned: Owned[Network], draw: Draw) -> None:
    spec, hours = owned.spec, _always(lines)
    for number in range(spec.gateways):
        gateway = f"arn:aws:ec2:{spec.region}:{owned.account_id}:natgateway/nat-0{number}{owned.account_id}abcd"
        named = {"line_item_resource_id": gateway, "product_product_family": "NAT Gateway", **tag_columns(owned.tags)}
        hourly = ("AmazonEC2", "NatGateway-Hours", "NatGateway")
        moved = ("AmazonEC2", "NatGateway-Bytes", "NatGateway")
        lines.add(
            _network_meter(owned, hourly, rates.NAT_HOUR[spec.region], "Hrs", **named), hours, np.ones(len(hours))
        )
        lines.add(
            _network_meter(owned, moved, rates.NAT_GB[spec.region], "GB", **named),
            hours,
            _around(spec.gateway_gb / spec.gateways, len(hours), draw),
        )


def _network_meter(owned: Owned[Network], what: tuple[str, str, str], rate: str, unit: str, **columns: str) -> Meter:
    """`what`: product code, stem of the usage type, operation."""
    product, stem, operation = what
    price = rates.units(rate)
    return meter(
        product,
        rates.prefix(owned.spec.region) + stem,
        operation,
        account=owned.account_id,
        region=owned.spec.region,
        rate=price,
        pricing_unit=unit,
        line_item_line_item_description=f"${rate_in_words(price)} per {unit} of {stem}",
        **columns,
    )


def _add_observability(lines: Lines, estate: Estate, draw: Draw) -> None:
    """Metrics, logs and GuardDuty of every account, day by day, without a resource."""
    days = _days(lines)
    for place, account in enumerate(estate.company.accounts[1:], start=1):
        for product, usage_type, operation, rate, unit, mean in (
            ("AmazonCloudWatch", "CW:MetricMonitorUsage", "MetricStorage", rates.METRIC_MONTH, "Metrics", 6.0 * place),
            ("AmazonCloudWatch", "DataProcessing-Bytes", "PutLogEvents", rates.LOGS_GB, "GB", 5.0 * place),
            ("AmazonGuardDuty", "USE1-PaidEventsAnalyzed", "None", "0.000004", "Events", 110_000.0 * place),
        ):
            used = meter(
                product,
                usage_type,
                operation,
                account=account.account_id,
                region="us-east-1",
                rate=rates.units(rate),
                pricing_unit=unit,
                line_item_line_item_description=f"${rate_in_words(rates.units(rate))} per {unit} of {usage_type}",
            )
            lines.add(used, days, _around(mean, len(days), draw), span=24)


def _add_training_traffic(lines: Lines, estate: Estate, draw: Draw) -> None:
    """The jump's second trace: training data read from the other region."""
    training = [instance for instance in estate.instances if instance.fleet.ran == "jump"]
    hours = lines.month.clock[lines.month.hours_until(lines.month.jump_on) :]
    if not training or not len(hours):
        return
    rate = rates.units(rates.BETWEEN_REGIONS_GB)
    moved = meter(
        "AmazonEC2",
        "USE1-USW2-AWS-Out-Bytes",
        "InterRegion-Out",
        account=training[0].account_id,
        region="us-east-1",
        rate=rate,
        pricing_unit="GB",
        product_product_family="Data Transfer",
        line_item_line_item_description=(
            f"${rate_in_words(rate)} per GB - US East (N. Virginia) data transfer to US West (Oregon)"
        ),
    )
    lines.add(moved, hours, _around(14.0, len(hours), draw))
