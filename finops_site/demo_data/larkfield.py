"""Larkfield Goods, the demo company: an outdoor shop with a story in its bill.

What there is to find: Storefront spells its own name five ways; Growth hardly tags; Fraud sits under
Payments; ten reserved c5.2xlarge are half used and expire soon; the r5 Savings Plan idles at night;
Search started GPU training in us-west-2; eleven stopped instances still pay for volumes; Growth's landing pages idle;
Search keeps gp2 volumes; the shared platform belongs to nobody (`demo_finance` makes a pool of it).
"""

from finops_site.demo_data.company import (
    Account,
    Bucket,
    Company,
    Database,
    Fleet,
    Function,
    Network,
    Reservation,
    SavingsPlan,
    TeamSpec,
)

VIRGINIA, IRELAND, OREGON = "us-east-1", "eu-west-1", "us-west-2"

ACCOUNTS = (
    Account("041827365501", "larkfield-management"),
    Account("210394857612", "shop-production"),
    Account("325647189023", "shop-staging"),
    Account("439801276534", "payments-production"),
    Account("518273640945", "data-platform"),
    Account("627384951056", "search-production"),
    Account("736495162067", "growth-marketing"),
    Account("845506273178", "platform-shared"),
)

TEAMS = (
    TeamSpec(
        "storefront",
        "Storefront",
        "CC-1100",
        ("maya.lindqvist", "tom.okafor"),
        ("webshop", "mobile-api"),
        0.80,
        ("Storefront", "storefront", "store-front", "Store Front", "STOREFRONT"),
        accounts=("shop-production",),
    ),
    TeamSpec(
        "payments",
        "Payments",
        "CC-1200",
        ("ines.duarte", "paul.brandt"),
        ("checkout", "ledger"),
        0.88,
        ("Payments", "payments"),
    ),
    TeamSpec("fraud", "Fraud", "CC-1210", ("wei.zhang",), ("scoring", "case-desk"), 0.85, ("Fraud",), "payments"),
    TeamSpec(
        "data",
        "Data Platform",
        "CC-1300",
        ("ruth.adeyemi", "jon.salo"),
        ("lake", "reporting"),
        0.82,
        ("Data Platform",),
        accounts=("data-platform",),
    ),
    TeamSpec(
        "search",
        "Search",
        "CC-1400",
        ("lea.fontaine",),
        ("catalogue-search", "ranking"),
        0.86,
        ("Search",),
        accounts=("search-production",),
    ),
    TeamSpec(
        "growth",
        "Growth",
        "CC-1500",
        ("sam.whitaker",),
        ("campaigns", "newsletter"),
        0.15,
        ("Growth", "growth"),
        accounts=("growth-marketing",),
    ),
)

FLEETS = (
    Fleet("shop-web", "storefront", "shop-production", VIRGINIA, "m5.xlarge", 18, "Prod", "follows-demand"),
    Fleet("shop-api", "storefront", "shop-production", VIRGINIA, "c5.2xlarge", 5, "Prod", volume_gb=100),
    Fleet("shop-web-eu", "storefront", "shop-production", IRELAND, "m5.large", 8, "Prod", "follows-demand"),
    Fleet("shop-worker", "storefront", "shop-production", VIRGINIA, "m6i.xlarge", 6, "Prod", volume_gb=200),
    Fleet("shop-staging", "storefront", "shop-staging", VIRGINIA, "t3.large", 6, "Staging", "office", volume_gb=100),
    Fleet("ledger", "payments", "payments-production", VIRGINIA, "m6i.2xlarge", 6, "Prod", volume_gb=500),
    Fleet("ledger-cache", "payments", "payments-production", VIRGINIA, "r5.xlarge", 4, "Prod", volume_gb=100),
    Fleet("checkout-eu", "payments", "payments-production", IRELAND, "m5.xlarge", 4, "Prod", volume_gb=100),
    Fleet("payments-staging", "payments", "shop-staging", VIRGINIA, "t3.large", 3, "Test", "office", volume_gb=50),
    Fleet("old-ledger", "payments", "payments-production", VIRGINIA, "m5.2xlarge", 2, "Prod", "stopped", 1000),
    Fleet("fraud-scoring", "fraud", "payments-production", VIRGINIA, "c6i.4xlarge", 4, "Prod", volume_gb=200),
    Fleet("fraud-features", "fraud", "payments-production", VIRGINIA, "r5.2xlarge", 2, "Prod", volume_gb=500),
    Fleet("warehouse", "data", "data-platform", VIRGINIA, "r5.4xlarge", 5, "Prod", "daytime", volume_gb=1000),
    Fleet("etl", "data", "data-platform", VIRGINIA, "m6i.4xlarge", 3, "Prod", volume_gb=500),
    Fleet("etl-spot", "data", "data-platform", VIRGINIA, "m5.4xlarge", 8, "Prod", "nightly", is_spot=True),
    Fleet("notebooks", "data", "data-platform", VIRGINIA, "t3.xlarge", 5, "Dev", "office", volume_gb=250),
    Fleet("old-warehouse", "data", "data-platform", VIRGINIA, "r5.4xlarge", 3, "Prod", "stopped", 2000),
    Fleet(
        "search-index",
        "search",
        "search-production",
        VIRGINIA,
        "r5.2xlarge",
        6,
        "Prod",
        volume_gb=800,
        volume_type="gp2",
    ),
    Fleet("search-query", "search", "search-production", VIRGINIA, "c6i.2xlarge", 5, "Prod", volume_gb=100),
    Fleet("ranker-training", "search", "search-production", OREGON, "g5.4xlarge", 6, "Dev", "jump", volume_gb=1000),
    Fleet("campaigns", "growth", "growth-marketing", IRELAND, "m5.2xlarge", 6, "Prod", volume_gb=200),
    Fleet("landing-pages", "growth", "growth-marketing", IRELAND, "t3.xlarge", 6, "Prod", volume_gb=100, is_idle=True),
    Fleet("campaign-2024", "growth", "growth-marketing", IRELAND, "m5.2xlarge", 6, "Prod", "stopped", 800),
    Fleet("build", "", "platform-shared", VIRGINIA, "m6i.2xlarge", 4, "Prod", volume_gb=300),
    Fleet("bastion", "", "platform-shared", VIRGINIA, "t3.large", 2, "Prod", volume_gb=30, is_idle=True),
)

DATABASES = (
    Database("shop-orders", "storefront", "shop-production", VIRGINIA, "db.r5.xlarge", "1.0", "Prod", 1200, zones=2),
    Database("shop-catalogue", "storefront", "shop-production", VIRGINIA, "db.r5.xlarge", "1.0", "Prod", 800, zones=2),
    Database("shop-staging", "storefront", "shop-staging", VIRGINIA, "db.m5.large", "0.178", "Staging", 200),
    Database("ledger", "payments", "payments-production", VIRGINIA, "db.r5.2xlarge", "2.0", "Prod", 2500, zones=2),
    Database("ledger-replica", "payments", "payments-production", VIRGINIA, "db.r5.2xlarge", "1.0", "Prod", 2500),
    Database("fraud-cases", "fraud", "payments-production", VIRGINIA, "db.m5.xlarge", "0.356", "Prod", 500),
    Database("reporting", "data", "data-platform", VIRGINIA, "db.r5.2xlarge", "1.0", "Prod", 3000),
    Database("search-meta", "search", "search-production", VIRGINIA, "db.m5.large", "0.178", "Prod", 200),
    Database("campaigns", "growth", "growth-marketing", VIRGINIA, "db.m5.xlarge", "0.712", "Prod", 600, zones=2),
    Database("identity", "", "platform-shared", VIRGINIA, "db.m5.large", "0.356", "Prod", 100, zones=2),
)

BUCKETS = (
    Bucket("larkfield-shop-images", "storefront", "shop-production", VIRGINIA, 18_000, 2_600_000, "Prod"),
    Bucket("larkfield-shop-assets", "storefront", "shop-production", VIRGINIA, 900, 900_000, "Prod"),
    Bucket("larkfield-shop-logs", "storefront", "shop-production", VIRGINIA, 6_500, 150_000, "Prod", "STANDARD_IA"),
    Bucket("larkfield-shop-staging", "storefront", "shop-staging", VIRGINIA, 400, 40_000, "Staging"),
    Bucket("larkfield-ledger-exports", "payments", "payments-production", VIRGINIA, 2_200, 60_000, "Prod"),
    Bucket("larkfield-ledger-archive", "payments", "payments-production", VIRGINIA, 31_000, 900, "Prod", "GLACIER"),
    Bucket("larkfield-fraud-models", "fraud", "payments-production", VIRGINIA, 1_500, 220_000, "Prod"),
    Bucket("larkfield-lake-raw", "data", "data-platform", VIRGINIA, 44_000, 1_900_000, "Prod"),
    Bucket("larkfield-lake-curated", "data", "data-platform", VIRGINIA, 21_000, 1_200_000, "Prod"),
    Bucket("larkfield-lake-history", "data", "data-platform", VIRGINIA, 88_000, 30_000, "Prod", "STANDARD_IA"),
    Bucket("larkfield-notebooks", "data", "data-platform", VIRGINIA, 1_800, 50_000, "Dev"),
    Bucket("larkfield-search-index", "search", "search-production", VIRGINIA, 5_200, 400_000, "Prod"),
    Bucket("larkfield-ranker-data", "search", "search-production", OREGON, 7_400, 300_000, "Dev"),
    Bucket("larkfield-campaign-media", "growth", "growth-marketing", IRELAND, 12_500, 700_000, "Prod"),
    Bucket("larkfield-newsletter", "growth", "growth-marketing", IRELAND, 300, 90_000, "Prod"),
    Bucket("larkfield-campaign-2024", "growth", "growth-marketing", IRELAND, 9_000, 200, "Prod"),
    Bucket("larkfield-audit-trail", "", "platform-shared", VIRGINIA, 9_800, 500_000, "Prod"),
    Bucket("larkfield-backups", "", "platform-shared", VIRGINIA, 26_000, 20_000, "Prod", "STANDARD_IA"),
)

FUNCTIONS = (
    Function("shop-resize-image", "storefront", "shop-production", VIRGINIA, 160_000, 42_000, "Prod"),
    Function("shop-cart-events", "storefront", "shop-production", VIRGINIA, 420_000, 21_000, "Prod"),
    Function("payment-webhooks", "payments", "payments-production", VIRGINIA, 90_000, 9_000, "Prod"),
    Function("fraud-enrich", "fraud", "payments-production", VIRGINIA, 75_000, 15_000, "Prod"),
    Function("lake-ingest", "data", "data-platform", VIRGINIA, 220_000, 36_000, "Prod"),
    Function("newsletter-render", "growth", "growth-marketing", IRELAND, 30_000, 12_000, "Prod"),
)

NETWORKS = (
    Network("shop-production", "storefront", VIRGINIA, 2, 3, 30.0, 90.0, 18.0),
    Network("shop-production", "storefront", IRELAND, 1, 1, 11.0, 12.0, 4.0),
    Network("payments-production", "payments", VIRGINIA, 1, 2, 4.0, 45.0, 8.0),
    Network("data-platform", "data", VIRGINIA, 1, 0, 1.5, 160.0, 24.0),
    Network("search-production", "search", VIRGINIA, 1, 1, 6.0, 70.0, 6.0),
    Network("growth-marketing", "growth", IRELAND, 1, 2, 13.0, 5.0, 3.0),
    Network("platform-shared", "", VIRGINIA, 2, 1, 5.0, 60.0, 30.0),
)

RESERVATIONS = (
    Reservation("5d1c07aa-shop-api", "c5.2xlarge", VIRGINIA, 10, "894", "0.102", "Partial Upfront", 48),
    Reservation("a84f3b12-search", "r5.2xlarge", VIRGINIA, 4, "0", "0.318", "No Upfront", 231),
    Reservation("c93e6d55-shop-web", "m5.xlarge", VIRGINIA, 10, "989", "0", "All Upfront", 280),
)

PLANS = (
    SavingsPlan(
        "0b7a4f6e-r5",
        "r5",
        VIRGINIA,
        "3.6",
        (("r5.xlarge", "0.159"), ("r5.2xlarge", "0.318"), ("r5.4xlarge", "0.635")),
        202,
    ),
)

LARKFIELD = Company(
    "Larkfield Goods",
    "larkfield",
    ACCOUNTS,
    TEAMS,
    FLEETS,
    DATABASES,
    BUCKETS,
    FUNCTIONS,
    NETWORKS,
    RESERVATIONS,
    PLANS,
    credit_account="search-production",
    refund_account="growth-marketing",
)
