"""The base table: sorted and paged by URL, drawn with its columns, exported whole."""

from dataclasses import dataclass
from decimal import Decimal

from django.http import StreamingHttpResponse
from django.test import RequestFactory

from costs.tables import BadgeColumn, BarColumn, FinopsTable, LinkColumn, MoneyColumn, PctColumn


@dataclass(frozen=True)
class Row:
    name: str
    url: str
    cost: Decimal
    change: Decimal
    share: Decimal | None
    state: str = "in_force"


class RowTable(FinopsTable):
    name = LinkColumn(url="url", verbose_name="Team")
    cost = MoneyColumn(verbose_name="Total")
    change = MoneyColumn(signed=True)
    share = PctColumn()
    covered = BarColumn(accessor="share", orderable=False, exclude_from_export=True)
    state = BadgeColumn(tones={"in_force": "good"})


ROWS = [
    Row("Payments", "/teams/payments/", Decimal("10.50"), Decimal("-1"), Decimal("0.25")),
    Row("<b>Search", "", Decimal("30.00"), Decimal(2), None, "failed"),
    Row("Mobile", "/teams/mobile/", Decimal("20.00"), Decimal(0), Decimal("0.5")),
]


def table(query: str = "", per_page: int = 50) -> RowTable:
    request = RequestFactory().get(f"/page/{query}")
    return RowTable(ROWS, request=request, caption="Teams, November 2026", per_page=per_page)


def html(shown: RowTable) -> str:
    return str(shown.as_html(shown.request))


def test_money_is_drawn_with_its_exact_amount_and_text_is_escaped() -> None:
    page = html(table())
    assert '<data class="money" value="10.5">$10.50</data>' in page
    assert '<data class="change change-down" value="-1">−$1.00</data>' in page
    assert '<a href="/teams/payments/">Payments</a>' in page
    assert "&lt;b&gt;Search" in page
    assert "<b>Search" not in page
    assert '<span class="badge badge-good">In force</span>' in page
    assert '<span class="badge badge-neutral">Failed</span>' in page
    assert "n/a" in page


def test_the_url_sorts_and_the_header_says_so() -> None:
    page = html(table("?sort=-cost"))
    assert page.index("Search") < page.index("Mobile") < page.index("Payments")
    assert 'aria-sort="descending"' in page
    assert 'href="?sort=cost&amp;page=1"' in page


def test_the_url_pages_and_keeps_its_other_parts() -> None:
    page = html(table("?team=x&page=2", per_page=2))
    assert "3–3 of 3" in page
    assert 'href="?team=x&amp;page=1"' in page
    assert 'aria-current="page"' in page


def test_a_page_past_the_end_is_the_last_one() -> None:
    assert "3–3 of 3" in html(table("?page=99", per_page=2))


def test_htmx_swaps_this_table_and_links_work_without_it() -> None:
    page = html(table())
    assert 'id="table-rowtable"' in page
    assert 'href="?sort=cost&amp;page=1" hx-get="?sort=cost&amp;page=1" hx-target="#table-rowtable"' in page


def test_the_table_scrolls_in_a_place_that_has_a_name_and_takes_the_keyboard() -> None:
    page = html(table())
    assert '<div class="table-scroll" tabindex="0" role="region" aria-label="Table: Teams, November 2026">' in page
    assert '<caption class="visually-hidden">Teams, November 2026</caption>' in page


def test_no_rows_say_what_to_do() -> None:
    empty = RowTable([], request=RequestFactory().get("/"))
    assert "Widen the filters" in html(empty)


def test_the_export_holds_all_pages_in_the_order_shown() -> None:
    response = table("?format=csv&sort=-cost", per_page=1).export(name="teams", title_rows=[("Basis", "Billed cost")])
    assert isinstance(response, StreamingHttpResponse)
    lines = b"".join(response.streaming_content).decode().split("\r\n")  # type: ignore[arg-type]
    assert lines == [
        "Basis,Billed cost",
        "",
        "Team,Total,Change,Share,State",
        "<b>Search,30,2,,failed",
        "Mobile,20,0,0.5,in_force",
        "Payments,10.5,-1,0.25,in_force",
        "",
    ]


def test_no_export_unless_the_url_asks() -> None:
    assert table().export(name="teams", title_rows=[]) is None
