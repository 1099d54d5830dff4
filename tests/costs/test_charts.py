"""Charts: places worked out by hand, text escaped, nothing drawn from nothing."""

import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from django.template import Context, Template

from costs import charts
from costs.charts.parts import nice_step, scale_for

NASTY = '<script>"&'


def amounts(*values: str | None) -> tuple[Decimal | None, ...]:
    return tuple(None if value is None else Decimal(value) for value in values)


def parsed(markup: str) -> ET.Element:
    """The markup as XML: fails on anything that is not well formed."""
    return ET.fromstring(f"<root>{markup}</root>")


@pytest.mark.parametrize(
    ("raw", "step"),
    [("1", "1"), ("1.1", "2"), ("2.1", "2.5"), ("3", "5"), ("7", "10"), ("0.03", "0.05"), ("1300", "2000")],
)
def test_steps_are_round_numbers(raw: str, step: str) -> None:
    assert nice_step(Decimal(raw)) == Decimal(step)


def test_a_scale_is_as_tight_as_round_steps_allow() -> None:
    # 44.5 in 4 steps needs 11.1 → 20, top 60; in 5 it needs 8.9 → 10, top 50.
    scale = scale_for(Decimal(0), Decimal("44.5"), height=200)
    assert scale.ticks == tuple(Decimal(n) for n in (0, 10, 20, 30, 40, 50))
    assert scale.y(Decimal(0)) == 200
    assert scale.y(Decimal(50)) == 0
    assert scale.y(Decimal(25)) == 100


def test_a_scale_of_credits_reaches_below_zero() -> None:
    scale = scale_for(Decimal(-100), Decimal(100), height=100)
    assert scale.ticks[0] == -100
    assert scale.y(Decimal(0)) == 50


def test_a_little_below_zero_takes_only_a_little_room() -> None:
    scale = scale_for(Decimal(-1), Decimal(100), height=100)
    assert scale.low == Decimal("-1.1")
    assert min(scale.ticks) == 0


def test_columns_stack_upwards_and_credits_downwards() -> None:
    chart = charts.ColumnChart(
        "Spend",
        ("Jan", "Feb"),
        (
            charts.Series("A", amounts("50", "100"), hrefs=("/a?m=1&x=2", "/b")),
            charts.Series("B", amounts("50", None)),
            charts.Series("Credits", amounts("-50", None), css=charts.OTHER),
        ),
        height=150,
    )
    # Ticks −50, 0, 50, 100 (step 50): 1 currency unit is 1 pixel, zero at 100.
    rects = [(r.get("class"), r.get("y"), r.get("height")) for r in parsed(charts.draw(chart)).iter("rect")]
    assert rects == [
        ("series-1", "50.00", "50.00"),
        ("series-2", "0.00", "50.00"),
        ("series-other", "100.00", "50.00"),
        ("series-1", "0.00", "100.00"),
    ]


def test_marks_are_links_with_titles_that_name_the_figure() -> None:
    chart = charts.ColumnChart(
        "Spend", ("Jan 2026",), (charts.Series("Payments", amounts("1234.5"), hrefs=("/e?team=p&m=1",)),)
    )
    link = next(parsed(charts.draw(chart)).iter("a"))
    assert link.get("href") == "/e?team=p&m=1"
    assert link.get("aria-label") == "Payments, Jan 2026: $1,234.50"
    assert link.findtext("title") == "Payments, Jan 2026: $1,234.50"


def test_a_line_has_a_gap_where_an_amount_is_missing() -> None:
    chart = charts.LineChart(
        "Spend",
        ("1", "2", "3", "4", "5"),
        charts.Series("Now", amounts("10", "10", None, "10", "10")),
        previous=charts.Series("Before", amounts("5", "5", "5", "5", "5")),
        height=100,
    )
    lines = [(p.get("class"), p.get("points")) for p in parsed(charts.draw(chart)).iter("polyline")]
    assert lines == [
        ("line-previous", "0.0,50.00 250.0,50.00 500.0,50.00 750.0,50.00 1000.0,50.00"),
        ("line-current", "0.0,0.00 250.0,0.00"),
        ("line-current", "750.0,0.00 1000.0,0.00"),
    ]


def test_a_mark_names_the_line_that_its_second_figure_is_of() -> None:
    aims = charts.Series("Likely scenario", amounts("18750"))
    chart = charts.LineChart("Savings", ("Oct",), charts.Series("Measured", amounts("1971.7")), previous=aims)
    assert "Oct: $1,971.70 (Likely scenario: $18,750.00)" in charts.draw(chart)


def test_bars_are_as_long_as_their_share_of_the_largest() -> None:
    chart = charts.BarChart("Top", (charts.Bar("A", Decimal(200)), charts.Bar("B", Decimal(-50))))
    rects = [(r.get("class"), r.get("width")) for r in parsed(charts.draw(chart)).iter("rect")]
    assert rects == [("series-1", "100%"), ("series-negative", "25%")]


def test_movers_stand_on_both_sides_of_the_middle() -> None:
    chart = charts.MoverChart("Movers", (charts.Bar("Up", Decimal(100)), charts.Bar("Down", Decimal(-50))))
    markup = charts.draw(chart)
    rects = [(r.get("class"), r.get("x"), r.get("width")) for r in parsed(markup).iter("rect")]
    assert rects == [("move-up", "50%", "50%"), ("move-down", "25%", "25%")]
    assert "+$100.00" in markup
    assert "−$50.00" in markup


def test_parts_fill_the_whole_and_a_negative_part_is_only_named() -> None:
    chart = charts.ProportionChart(
        "Parts",
        (
            charts.Bar("A", Decimal(75)),
            charts.Bar("B", Decimal(25), css=charts.UNALLOCATED),
            charts.Bar("C", Decimal(-5)),
        ),
    )
    markup = charts.draw(chart)
    rects = [(r.get("class"), r.get("x"), r.get("width")) for r in parsed(markup).iter("rect")]
    assert rects == [("series-1", "0%", "75%"), ("series-unallocated", "75%", "25%")]
    assert "−$5.00" in markup


def test_a_sparkline_runs_from_its_lowest_to_its_highest() -> None:
    chart = charts.Sparkline("Trend", (Decimal(1), Decimal(3), Decimal(2)))
    assert 'points="4.0,24.0 48.0,4.0 92.0,14.0"' in charts.draw(chart)


EVERY_KIND: list[charts.Chart] = [
    charts.ColumnChart(
        NASTY, (NASTY,), (charts.Series(NASTY, amounts("1"), hrefs=(NASTY,), href=NASTY),), ticks=(NASTY,)
    ),
    charts.LineChart(NASTY, (NASTY,), charts.Series(NASTY, amounts("1"), hrefs=(NASTY,), href=NASTY)),
    charts.BarChart(NASTY, (charts.Bar(NASTY, Decimal(1), NASTY, NASTY),)),
    charts.MoverChart(NASTY, (charts.Bar(NASTY, Decimal(1), NASTY, NASTY),)),
    charts.ProportionChart(NASTY, (charts.Bar(NASTY, Decimal(1), NASTY, NASTY),)),
    charts.Sparkline(NASTY, (Decimal(1),)),
]


@pytest.mark.parametrize("chart", EVERY_KIND, ids=lambda chart: type(chart).__name__)
def test_text_is_escaped_in_every_chart(chart: charts.Chart) -> None:
    markup = charts.draw(chart)
    parsed(markup)
    assert "<script>" not in markup


@pytest.mark.parametrize("chart", EVERY_KIND, ids=lambda chart: type(chart).__name__)
def test_no_chart_needs_inline_styles_or_handlers(chart: charts.Chart) -> None:
    assert not re.search(r"\s(style|on\w+)=", charts.draw(chart))


@pytest.mark.parametrize(
    "chart",
    [
        charts.ColumnChart("T", (), (), empty_text="Nothing & nobody."),
        charts.ColumnChart("T", ("Jan",), (charts.Series("A", amounts("0")),), empty_text="Nothing & nobody."),
        charts.LineChart("T", (), charts.Series("A", ()), empty_text="Nothing & nobody."),
        charts.BarChart("T", (), empty_text="Nothing & nobody."),
        charts.MoverChart("T", (charts.Bar("A", Decimal(0)),), empty_text="Nothing & nobody."),
        charts.ProportionChart("T", (), empty_text="Nothing & nobody."),
        charts.Sparkline("T", (), empty_text="Nothing & nobody."),
    ],
    ids=lambda chart: type(chart).__name__,
)
def test_nothing_to_draw_is_a_sentence(chart: charts.Chart) -> None:
    assert charts.draw(chart) == '<p class="chart-empty">Nothing &amp; nobody.</p>'


def test_labels_that_do_not_fit_give_way_step_by_step() -> None:
    days = tuple(str(day) for day in range(1, 31))
    chart = charts.ColumnChart("T", days, (charts.Series("A", amounts(*["1"] * 30)),))
    labels = [t for t in parsed(charts.draw(chart)).iter("text") if t.get("text-anchor") == "middle"]
    # Two letters of 7 and a gap of 10 are 24 pixels: 28 fit in 680 (every 2nd), 17 in 420, 10 in 260 (every 4th).
    assert [t.text for t in labels if t.get("class") == "axis-label"] == ["1", "5", "9", "13", "17", "21", "25", "29"]
    assert len(labels) == 15


def test_every_chart_stands_over_a_table_of_its_figures() -> None:
    chart = charts.LineChart(
        "Spend", ("1 Nov", "2 Nov"), charts.Series("Nov", amounts("5", None)), charts.Series("Oct", amounts("4", "3"))
    )
    assert charts.table_of(chart) == charts.ChartTable(
        ("Day", "Nov", "Oct"), (("1 Nov", "$5.00", "$4.00"), ("2 Nov", "", "$3.00"))
    )
    page = Template("{% load charts %}{% chart c %}").render(Context({"c": chart}))
    assert '<th scope="row">1 Nov</th><td class="num">$5.00</td><td class="num">$4.00</td>' in page


def test_the_table_of_bars_has_notes_only_where_there_are_some() -> None:
    with_note = charts.BarChart("T", (charts.Bar("A", Decimal(1), note="50 %"),))
    without = charts.BarChart("T", (charts.Bar("A", Decimal(1)),))
    assert charts.table_of(with_note).headers == ("Name", "Amount", "Note")
    assert charts.table_of(without) == charts.ChartTable(("Name", "Amount"), (("A", "$1.00"),))


def test_a_meter_never_leaves_its_track() -> None:
    assert 'width="100%" height="6" rx="3"/></svg>' in charts.draw_meter(Decimal("1.7"))
    assert 'tone-bad" width="0%"' in charts.draw_meter(Decimal("-0.2"), "bad")


def test_the_bar_tag_draws_a_ratio_and_nothing_for_none() -> None:
    page = Template('{% load charts %}{% bar half "good" %}|{% bar none %}')
    text = page.render(Context({"half": Decimal("0.5"), "none": None}))
    assert 'tone-good" width="50%"' in text
    assert text.endswith("|")
