"""Public on-demand rates (USD) and AWS's names for regions and sizes. Money here is in whole 1e-10 USD."""

from decimal import Decimal

UNIT = 10**10  # 1 USD

# type → USD an hour in us-east-1 and us-west-2, and in eu-west-1
HOURLY: dict[str, tuple[str, str]] = {
    "t3.large": ("0.0832", "0.0912"),
    "t3.xlarge": ("0.1664", "0.1824"),
    "m5.large": ("0.096", "0.107"),
    "m5.xlarge": ("0.192", "0.214"),
    "m5.2xlarge": ("0.384", "0.428"),
    "m5.4xlarge": ("0.768", "0.856"),
    "m6i.xlarge": ("0.192", "0.214"),
    "m6i.2xlarge": ("0.384", "0.428"),
    "m6i.4xlarge": ("0.768", "0.856"),
    "c5.2xlarge": ("0.34", "0.384"),
    "c6i.2xlarge": ("0.34", "0.3648"),
    "c6i.4xlarge": ("0.68", "0.7296"),
    "r5.xlarge": ("0.252", "0.282"),
    "r5.2xlarge": ("0.504", "0.564"),
    "r5.4xlarge": ("1.008", "1.128"),
    "g5.4xlarge": ("1.624", "1.811"),
}
REGIONS = {
    "us-east-1": ("", "US East (N. Virginia)", "USE1"),
    "us-west-2": ("USW2-", "US West (Oregon)", "USW2"),
    "eu-west-1": ("EU-", "EU (Ireland)", "EU"),
}
NORMALIZATION = {"large": 4.0, "xlarge": 8.0, "2xlarge": 16.0, "4xlarge": 32.0}
# size → vCPUs and GiB of memory of the general purpose families
SIZES = {"large": (2, 8), "xlarge": (4, 16), "2xlarge": (8, 32), "4xlarge": (16, 64)}

GP3_GB_MONTH = {"us-east-1": "0.08", "us-west-2": "0.08", "eu-west-1": "0.088"}
GP2_GB_MONTH = {"us-east-1": "0.10", "us-west-2": "0.10", "eu-west-1": "0.11"}
RDS_GB_MONTH = ("0.115", "0.23")  # gp2 in one zone, in two
S3_GB_MONTH = {"STANDARD": "0.023", "STANDARD_IA": "0.0125", "GLACIER": "0.0036"}
S3_REQUEST = ("0.000005", "0.0000004")  # writes, reads
LAMBDA_GB_SECOND, LAMBDA_CALL = "0.0000166667", "0.0000002"
NAT_HOUR = NAT_GB = {"us-east-1": "0.045", "us-west-2": "0.045", "eu-west-1": "0.048"}
BALANCER_HOUR = {"us-east-1": "0.0225", "us-west-2": "0.0225", "eu-west-1": "0.0252"}
OUT_GB, ZONE_GB, BETWEEN_REGIONS_GB = "0.09", "0.01", "0.02"
METRIC_MONTH, LOGS_GB = "0.30", "0.50"
SALES_TAX = "0.029"


def units(dollars: str | Decimal) -> int:
    """A price as whole 1e-10 USD. Prices have at most ten decimals."""
    return int(Decimal(dollars).scaleb(10))


def rate_text(rate: int) -> str:
    """A rate as the bill writes it: ten decimals."""
    return f"{Decimal(rate).scaleb(-10):.10f}"


def hourly_rate(instance_type: str, region: str) -> int:
    """The on-demand rate of a Linux instance."""
    american, irish = HOURLY[instance_type]
    return units(irish if region == "eu-west-1" else american)


def volume_rate(volume_type: str, region: str) -> int:
    """A GB-month of a general purpose volume."""
    return units((GP2_GB_MONTH if volume_type == "gp2" else GP3_GB_MONTH)[region])


def prefix(region: str) -> str:
    """What AWS puts before a usage type in that region (nothing in us-east-1)."""
    return REGIONS[region][0]


def normalization_factor(instance_type: str) -> float:
    """Normalised units of one instance-hour; a Multi-AZ database counts twice (by its caller)."""
    return NORMALIZATION[instance_type.rpartition(".")[2]]
