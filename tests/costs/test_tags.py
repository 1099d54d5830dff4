"""One reading of tags for text, columns and maps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costs.tags import canonical_key, canonical_value, clean_tags, parse_tag_text, strip_prefix, tag_value


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        pytest.param("Owner=Alice,Environment=Dev", {"Owner": "Alice", "Environment": "Dev"}, id="two tags"),
        pytest.param(" Owner = Alice , Env=Dev ", {"Owner": "Alice", "Env": "Dev"}, id="outer space"),
        pytest.param("Owner=NULL,Purpose=nan,Team=-", {}, id="null-like blanks"),
        pytest.param("Filter=a=b", {"Filter": "a=b"}, id="value with an equals sign"),
        pytest.param("Name=Smith, John,Team=X", {"Name": "Smith, John", "Team": "X"}, id="value with a comma"),
        pytest.param("Team=A,Team=B", {"Team": "B"}, id="the last of a key counts"),
        pytest.param("user:Team=A,user_owner=B", {"Team": "A", "owner": "B"}, id="prefix of the provider"),
        pytest.param("NULL", {}, id="null text"),
        pytest.param(None, {}, id="nothing"),
        pytest.param("loose text", {}, id="no key at all"),
        pytest.param("Größe=mittel", {"Größe": "mittel"}, id="unicode"),
    ],
)
def test_tag_text_is_read_into_keys_and_values(text: str | None, tags: dict[str, str]) -> None:
    assert parse_tag_text(text) == tags


def test_columns_lose_prefix_and_blanks_but_keep_aws_keys() -> None:
    columns = {"user:Team": " Search ", "user_owner": None, "aws:createdBy": "Role:x", "resourceTags/user:Env": "NULL"}
    assert clean_tags(columns) == {"Team": "Search", "aws:createdBy": "Role:x"}


def test_keys_are_the_same_in_their_canonical_form_when_case_and_punctuation_were_lost() -> None:
    assert canonical_key("user_cost_center") == canonical_key("CostCenter") == canonical_key("cost-center")
    assert canonical_key("aws:createdBy") != canonical_key("createdBy")
    assert canonical_value("Base Load") == canonical_value("base-load") == canonical_value("BaseLoad")
    assert strip_prefix("resourceTags/user:user_team") == "user_team"


def test_the_exact_key_goes_before_one_in_other_case() -> None:
    assert tag_value({"team": "lower", "Team": "exact"}, "Team") == "exact"
    assert tag_value({"team": "lower"}, "Team") == "lower"
    assert tag_value({"Squad": "S"}, "Team", "squad") == "S"
    assert tag_value({"Team": "NULL"}, "Team") == ""


@given(
    st.dictionaries(st.from_regex(r"[A-Z][a-z]{1,8}", fullmatch=True), st.from_regex(r"[a-z0-9]{2,9}x", fullmatch=True))
)
def test_plain_tags_come_back_from_their_text(tags: dict[str, str]) -> None:
    assert parse_tag_text(",".join(f"{key}={value}" for key, value in tags.items())) == clean_tags(tags)
