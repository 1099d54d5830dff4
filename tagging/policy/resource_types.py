"""What kind of resource an id names, in AWS's words (`ec2:instance`), and its full name (ARN).

Bills name resources by ARN or by an id whose beginning tells its kind. What is neither has no type: only a key that
applies to everything applies to it.
"""

ARN_PARTS = 6  # arn:partition:service:region:account:resource
_BY_PREFIX = {
    "i-": ("ec2", "instance"),
    "vol-": ("ec2", "volume"),
    "snap-": ("ec2", "snapshot"),
    "ami-": ("ec2", "image"),
    "eni-": ("ec2", "network-interface"),
    "nat-": ("ec2", "natgateway"),
    "eipalloc-": ("ec2", "elastic-ip"),
    "vpc-": ("ec2", "vpc"),
    "vpce-": ("ec2", "vpc-endpoint"),
    "subnet-": ("ec2", "subnet"),
    "sg-": ("ec2", "security-group"),
    "tgw-": ("ec2", "transit-gateway"),
    "vgw-": ("ec2", "vpn-gateway"),
    "vpn-": ("ec2", "vpn-connection"),
    "fs-": ("elasticfilesystem", "file-system"),
}
_KINDS = {"s3": "bucket", "sqs": "queue", "sns": "topic"}  # whose ARNs name no kind
_BUCKET_SERVICES = ("s3", "amazons3", "amazon s3", "amazon simple storage service")


def resource_type(resource_id: str, service_name: str) -> str:
    """`ec2:instance`, `s3:bucket`, …; '' where the id does not tell."""
    service, kind = _parts(resource_id, service_name)
    return f"{service}:{kind}" if service and kind else ""


def resource_arn(resource_id: str, service_name: str, region: str, account: str) -> str:
    """The resource's full name; '' where the bill does not tell enough to make one."""
    if resource_id.startswith("arn:") and len(resource_id.split(":")) >= ARN_PARTS:
        return resource_id
    service, kind = _parts(resource_id, service_name)
    partition = _partition(region)
    if service == "s3" and kind:
        return f"arn:{partition}:s3:::{resource_id}"
    if not (service and kind and region and account):
        return ""
    return f"arn:{partition}:{service}:{region}:{account}:{kind}/{resource_id}"


def is_ec2(resource_id: str) -> bool:
    """Whether Terraform's `aws_ec2_tag` can tag it by this id."""
    return _by_prefix(resource_id)[0] == "ec2"


def _parts(resource_id: str, service_name: str) -> tuple[str, str]:
    if resource_id.startswith("arn:"):
        parts = resource_id.split(":", ARN_PARTS - 1)
        if len(parts) < ARN_PARTS:
            return "", ""
        service, rest = parts[2], parts[5]
        return service, _KINDS.get(service) or rest.replace(":", "/").split("/")[0]
    found = _by_prefix(resource_id)
    if found[0]:
        return found
    looks_like_bucket = resource_id and not set(resource_id) & set("/: ")
    return ("s3", "bucket") if looks_like_bucket and service_name.casefold() in _BUCKET_SERVICES else ("", "")


def _partition(region: str) -> str:
    """China and AWS GovCloud are clouds of their own."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def _by_prefix(resource_id: str) -> tuple[str, str]:
    prefix = resource_id.partition("-")[0] + "-"
    return _BY_PREFIX.get(prefix, ("", "")) if "/" not in resource_id else ("", "")
