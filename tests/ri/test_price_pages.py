"""Price books on pages and in the admin: read, looked at, downloaded, removed; by FinOps staff alone."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from ri.models import Offering, PriceBook, RecommendationRun
from ri.price_file import read_prices
from ri.rate_card import NAME as BUILT_IN
from ri.services import import_prices, recommend
from tests.conftest import ClientFor
from tests.pages import get
from tests.ri.builders import PRICES
from tests.ri.world import ROWS, SOURCE, eight_days, price_file
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/commitments/prices/"
TWO = ROWS + "us-west-2,c5.large,Windows,default,0.20,convertible,3,all_upfront,2628,0\n"


def send(client: Client, rows: str, *, name: str = "", file_name: str = "Our prices.csv") -> HttpResponse:
    """Read a book through the form; the page it leads to."""
    file = SimpleUploadedFile(file_name, (PRICES + rows).encode())
    response: HttpResponse = client.post(PAGE, {"price_file": file, "name": name}, follow=True)  # type: ignore[assignment]
    return response


def test_the_list_labels_the_built_in_book_and_says_it_is_no_offer(staff: Client) -> None:
    page = text_of(get(staff, PAGE))
    assert "They are representative, nobody's offer" in page
    _, rows = file_of(get(staff, f"{PAGE}?format=csv"))
    assert dict(zip(rows[0], rows[1], strict=True))["Kind"] == "representative"
    assert dict(zip(rows[0], rows[1], strict=True))["Offers"] == "80"  # 4 regions × 5 types × 4 terms


def test_a_file_becomes_a_book_whose_offers_are_shown(staff: Client) -> None:
    page = text_of(send(staff, TWO))
    assert "Price book our-prices made: 2 offers." in page
    assert "2 of 2 offers" in page
    book = PriceBook.objects.get(name="our-prices")
    assert (book.note, book.offerings.count()) == ("Our prices.csv", 2)


def test_a_book_of_the_same_name_is_replaced_and_the_page_says_so(staff: Client) -> None:
    send(staff, TWO, name="own")
    assert "Price book own replaced: 1 offer instead of 2." in text_of(send(staff, ROWS, name="own"))
    assert "holds this very file already (1 offer); nothing changed." in text_of(send(staff, ROWS, name="own"))


def test_new_prices_are_followed_by_new_advice(staff: Client, tmp_path: Path) -> None:
    eight_days(tmp_path)
    recommend(SOURCE)
    page = text_of(send(staff, ROWS, name="own"))
    assert f"Advice on {SOURCE} is worked out again." in page
    assert f"The newest advice on {SOURCE} is priced with this book." in page
    assert RecommendationRun.objects.latest("pk").price_book_name == "own"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ROWS + ROWS.replace(",0.06", ",six").replace(",1,", ",3,"),
            "Our prices.csv, line 3, column hourly: &#x27;six&#x27; is not a number. Write it with a point",
        ),
        (ROWS + ROWS, "line 3, column payment_option: Line 2 has the same offer. Remove one of them."),
        ("", "The file has no offers. Add a line for each offer."),
    ],
)
def test_a_file_that_cannot_be_read_names_line_column_and_cure(staff: Client, rows: str, message: str) -> None:
    answer = send(staff, rows)
    assert answer.status_code == 400
    assert message in answer.content.decode()
    assert PriceBook.objects.count() == 1


def test_what_cannot_be_a_book_is_refused(staff: Client, settings: Settings) -> None:
    assert "cannot be called" in send(staff, ROWS, name=BUILT_IN).content.decode()
    assert "Choose a file." in staff.post(PAGE, {"name": "x"}).content.decode()
    settings.RI_PRICE_FILE_MB = 0
    assert "The file is larger than 0 MB." in send(staff, ROWS).content.decode()


def test_a_book_comes_back_in_the_columns_it_is_read_in(staff: Client, tmp_path: Path) -> None:
    import_prices(price_file(tmp_path, TWO))
    response = get(staff, f"{PAGE}own/file/")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.splitlines()[0] == PRICES.strip()
    assert text.splitlines()[1] == "us-east-1,m5.large,Linux/UNIX,default,0.1,standard,1,no_upfront,0,0.06"
    again = tmp_path / "again.csv"
    again.write_text(text)
    assert read_prices(again) == read_prices(tmp_path / "own.csv")


def test_offers_are_filtered_by_the_address_and_go_out_with_what_they_come_to(staff: Client, tmp_path: Path) -> None:
    # 2,628 upfront ÷ 26,280 hours = 0.10 an hour: half of 0.20 on demand
    import_prices(price_file(tmp_path, TWO))
    found = f"{PAGE}own/?region=us-west-2&type=c5&platform=Windows&term=3&payment=all_upfront&offering=convertible"
    assert "1 of 2 offers" in text_of(get(staff, found))
    _, rows = file_of(get(staff, f"{found}&format=csv"))
    row = dict(zip(rows[0], rows[1], strict=True))
    assert (row["Type"], row["Upfront"], row["Effective"], row["Saves"]) == (
        "c5.large",
        "2628",
        "0.1",
        "0.5",
    )
    assert "0 of 2 offers" in text_of(get(staff, f"{PAGE}own/?type=z9"))
    assert get(staff, f"{PAGE}own/?region=mars").status_code == 400


def test_a_book_is_removed_after_a_question_and_its_advice_follows(staff: Client, tmp_path: Path) -> None:
    eight_days(tmp_path)
    import_prices(price_file(tmp_path))
    recommend(SOURCE)
    assert f"Advice on {SOURCE} is priced with it" in text_of(get(staff, f"{PAGE}own/remove/"))
    assert PriceBook.objects.filter(name="own").exists()
    page = staff.post(f"{PAGE}own/remove/", follow=True).content.decode()
    assert "Price book own is removed." in page
    assert not PriceBook.objects.filter(name="own").exists()
    assert RecommendationRun.objects.latest("pk").price_book_name == BUILT_IN


def test_the_built_in_book_is_never_removed(staff: Client) -> None:
    assert staff.post(f"{PAGE}{BUILT_IN}/remove/").status_code == 400
    assert PriceBook.objects.filter(name=BUILT_IN).exists()


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}{BUILT_IN}/", f"{PAGE}{BUILT_IN}/file/", f"{PAGE}{BUILT_IN}/remove/"])
def test_for_a_team_the_pages_do_not_exist(path: str, team_lead: User, client_for: ClientFor) -> None:
    client = client_for(team_lead)
    assert client.get(path).status_code == client.post(path).status_code == 404


def test_a_book_nobody_knows_is_not_there(staff: Client) -> None:
    assert [get(staff, f"{PAGE}lost/{end}").status_code for end in ("", "file/", "remove/")] == [404] * 3


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}{BUILT_IN}/"])
def test_the_pages_keep_their_query_budget(
    staff: Client, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(QUERIES):
        assert get(staff, path).status_code == 200


# --- the admin -------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["pricebook", "offering"])
def test_the_admin_lists_are_open_to_staff_and_to_no_team(
    model: str, staff: Client, team_lead: User, client_for: ClientFor
) -> None:
    url = reverse(f"admin:ri_{model}_changelist")
    assert staff.get(url).status_code == 200
    assert client_for(team_lead).get(url).status_code != 200


def test_an_offer_changed_in_the_admin_makes_its_book_new(staff: Client, tmp_path: Path) -> None:
    path = price_file(tmp_path)
    import_prices(path)
    offer = Offering.objects.get(price_book__name="own")
    before = offer.price_book.updated_at
    form = {"on_demand_hourly": "0.12", "upfront": "0", "hourly": "0.07"}
    assert staff.post(reverse("admin:ri_offering_change", args=[offer.pk]), form).status_code == 302
    offer.refresh_from_db()
    assert (offer.on_demand_hourly, offer.hourly) == (Decimal("0.12"), Decimal("0.07"))
    assert offer.instance_type == "m5.large"
    assert PriceBook.objects.get(name="own").updated_at > before
    assert import_prices(path).is_changed  # the file is not what the book holds any more


def test_an_offer_added_in_the_admin_is_part_of_its_book(staff: Client, tmp_path: Path) -> None:
    import_prices(price_file(tmp_path))
    book = PriceBook.objects.get(name="own")
    form = {
        "price_book": str(book.pk), "region_id": "us-east-1", "instance_type": "m5.large", "platform": "Linux/UNIX",
        "tenancy": "default", "offering_class": "standard", "term_years": "3", "payment_option": "no_upfront",
        "on_demand_hourly": "0.10", "upfront": "0", "hourly": "0.04",
    }  # fmt: skip
    assert staff.post(reverse("admin:ri_offering_add"), form).status_code == 302
    assert book.offerings.count() == 2


def test_in_the_admin_the_built_in_book_is_looked_at_only(staff: Client) -> None:
    offer = Offering.objects.filter(price_book__name=BUILT_IN)[0]
    for name, pk in (("pricebook", offer.price_book_id), ("offering", offer.pk)):
        url = reverse(f"admin:ri_{name}_change", args=[pk])
        assert staff.get(url).status_code == 200
        assert staff.post(url, {"note": "mine"}).status_code == 403
        assert staff.post(reverse(f"admin:ri_{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
