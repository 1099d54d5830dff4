"""The limits and assumptions that the settings give."""

from decimal import Decimal

from django.conf import settings

from ri.terms import Assumptions, Limits

PERCENT = 100


def default_limits() -> Limits:
    """What advice keeps to where a run is not asked for something else."""
    return Limits(
        min_uptime=settings.RI_MIN_UPTIME,
        coverage_target=settings.RI_COVERAGE_TARGET,
        max_payback_months=Decimal(settings.RI_MAX_PAYBACK_MONTHS),
        falls=settings.RI_FALLS,
        min_usage_days=settings.RI_MIN_USAGE_DAYS,
        confident_days=settings.RI_CONFIDENT_DAYS,
        confident_fall=settings.RI_CONFIDENT_FALL,
    )


def assumptions() -> Assumptions:
    """Uptimes where they cannot be measured."""
    return Assumptions(
        running=settings.RI_UPTIME_RUNNING,
        busy=settings.RI_UPTIME_BUSY,
        busy_cpu=float(settings.RI_BUSY_CPU * PERCENT),
        stopped=settings.RI_UPTIME_STOPPED,
        terminated=settings.RI_UPTIME_TERMINATED,
        min_snapshots=settings.RI_MIN_SNAPSHOTS,
    )
