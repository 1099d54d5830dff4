"""Tag policies of AWS Organizations: inheritance, operators, what is not expressed, and the way back."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from costs.errors import InvalidRequestError
from tagging.policy import AllowedValue, KeyPolicy
from tagging.policy.documents import Imported, key_policies, read_documents, split_documents, to_document
from tagging.terms import ValueKind, ValueMatch


def read(*tags: Mapping[str, Any]) -> Imported:
    return read_documents([json.dumps({"tags": each}) for each in tags])


def test_documents_are_inherited_from_the_root_down() -> None:
    root = {"cc": {"tag_key": {"@@assign": "CostCenter"}, "tag_value": {"@@assign": ["100", "200"]}}}
    unit = {"CC": {"tag_value": {"@@append": ["300", "100"]}}}  # found under another case of its name
    account = {"cc": {"tag_value": {"@@remove": ["200"]}}, "Project": {}}
    found = read(root, unit, account)
    assert [(key.key, key.values) for key in found.keys] == [("CostCenter", ("100", "300")), ("Project", None)]
    assert found.notes == ()


def test_an_assignment_below_takes_the_place_of_all_above() -> None:
    assert read({"A": {"tag_value": ["x"]}}, {"A": {"tag_value": {"@@assign": ["y"]}}}).keys[0].values == ("y",)


def test_an_operator_that_is_forbidden_above_changes_nothing_and_is_told() -> None:
    below = "@@operators_allowed_for_child_policies"
    root = {
        "A": {
            "tag_key": {"@@assign": "A", below: ["@@none"]},
            "tag_value": {"@@assign": ["x"], below: ["@@append"]},
        }
    }
    child = {"a": {"tag_key": {"@@assign": "a"}, "tag_value": {"@@assign": ["z"], "@@append": ["y"]}}}
    found = read(root, child)
    assert (found.keys[0].key, found.keys[0].values) == ("A", ("x", "y"))
    assert [note.split(":")[0] for note in found.notes] == ["Document 2, a, tag_key", "Document 2, a, tag_value"]


def test_what_a_policy_allows_below_it_is_told_of_a_key_or_of_all_keys_too() -> None:
    below = "@@operators_allowed_for_child_policies"
    root = {"A": {below: ["@@append"], "tag_value": ["x"]}}
    found = read(root, {"a": {"tag_value": {"@@assign": ["z"], "@@append": ["y"]}}}, {"B": {"tag_value": ["b"]}})
    assert [(key.key, key.values) for key in found.keys] == [("A", ("x", "y")), ("B", ("b",))]
    assert found.notes == ("Document 2, a, tag_value: @@assign is left out, because a policy above does not allow it.",)
    locked = read({below: ["@@none"], "A": {"tag_value": ["x"]}}, {"A": {"tag_value": ["y"]}, "B": {}})
    assert [(key.key, key.values) for key in locked.keys] == [("A", ("x",))]
    assert [note.split(",")[1] for note in locked.notes] == [" A", " B: the key is left out"]


def test_nobody_below_gives_back_what_was_taken_above() -> None:
    below = "@@operators_allowed_for_child_policies"
    found = read({below: ["@@none"], "A": {"tag_value": ["x"]}}, {below: ["@@all"]}, {"A": {"tag_value": ["y"]}})
    assert found.keys[0].values == ("x",)


def test_an_empty_list_allows_no_value_and_none_at_all_any() -> None:
    keys, _ = key_policies(read({"Color": {"tag_value": {"@@assign": []}}, "Size": {}}), ())
    assert [(key.key, key.kind, key.is_required) for key in keys] == [
        ("Color", ValueKind.NONE, False), ("Size", ValueKind.TEXT, False),
    ]  # fmt: skip
    assert not keys[0].accepts("red")
    assert keys[1].accepts("anything")


def test_required_types_wildcards_and_enforcement_are_taken_over() -> None:
    said = {"A": {"tag_value": ["x*"], "enforced_for": {"@@assign": ["s3:bucket"]},
                  "report_required_tag_for": {"@@assign": ["ec2:instance", "s3:ALL_SUPPORTED"]}}}  # fmt: skip
    (key,), notes = key_policies(read(said), ())
    assert (key.is_required, key.resource_types) == (True, ("ec2:instance", "s3:*"))
    assert key.allowed == (AllowedValue("x*", (), ValueMatch.WILDCARD),)
    assert (key.exact_key, key.exact_value) == (True, True)
    assert "enforced_for is kept" in notes[0]


def test_a_key_that_is_there_keeps_what_documents_say_nothing_of() -> None:
    before = KeyPolicy(
        "CostCenter", ("CC",), (AllowedValue("100", ("one hundred",)),), is_required=True, teams=("payments",)
    )
    (key,), _ = key_policies(read({"cost_center": {"tag_key": "Cost_Center", "tag_value": ["100", "200"]}}), [before])
    assert (key.key, key.aliases) == ("Cost_Center", ("CC", "CostCenter"))
    assert key.allowed == (AllowedValue("100", ("one hundred",)), AllowedValue("200"))
    assert (key.is_required, key.teams) == (True, ("payments",))


def test_a_policy_goes_out_and_comes_back_the_same() -> None:
    said = {"costcenter": {"tag_key": {"@@assign": "CostCenter"}, "tag_value": {"@@assign": ["100", "3*"]},
                           "enforced_for": {"@@assign": ["s3:bucket"]}}}  # fmt: skip
    imported = read(said)
    keys, _ = key_policies(imported, ())
    document, notes = to_document(zip(keys, [key.enforced_for for key in imported.keys], strict=True))
    assert document == {"tags": said}
    assert notes == ()


def test_what_aws_cannot_express_is_named() -> None:
    keys = [
        KeyPolicy("Owner", ("Boss",), teams=("payments",)),
        KeyPolicy("CC", allowed=(AllowedValue("[0-9]+", (), ValueMatch.PATTERN),), is_required=False),
        KeyPolicy("Until", kind=ValueKind.DATE, is_required=False),
    ]
    document, notes = to_document((key, ()) for key in keys)
    assert document["tags"]["cc"] == {"tag_key": {"@@assign": "CC"}}
    text = "\n".join(notes)
    for part in ("Owner: AWS has no aliases", "Owner: teams and months", "CC: AWS has no patterns", "knows no dates"):
        assert part in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "one to 20 documents"),
        ("{", "Document 1 is no JSON"),
        ('{"tags": 1}', 'no object "tags"'),
        ("[1]", 'no object "tags"'),
        ('{"tags": {"A": 1}}', "Document 1, A is no object"),
        ('{"tags": {"A": {"tag_value": {"@@asign": []}}}}', "'@@asign' is no operator"),
        ('{"tags": {"A": {"tag_value": {"@@assign": [1]}}}}', "holds something that is no text"),
        ('{"tags": {"A": {"tag_key": {"@@assign": ["A", "a"]}}}}', "several spellings (A, a)"),
        ('{"tags": {"cost-center": {}, "CostCenter": {}}}', "the same but for case and punctuation"),
        ('{"tags": {"A": {"tag_value": {"@@operators_allowed_for_child_policies": ["@@some"]}}}}', "'@@some'"),
        ('{"tags": {"@@operators_allowed_for_child_policies": ["@@some"]}}', "'@@some'"),
        ('{"tags": {"@@assign": {}}}', "'@@assign' cannot stand beside keys"),
        ('{"tags": {"A": {"tag_value": ["\\ud800"]}}}', "half of a letter"),
        ('{"tags": {"\\udfff": {}}}', "half of a letter"),
        ("[" * 100_000, "is no JSON"),
        ('"' + "x" * 1_000_001 + '"', "over 1000 kB"),
    ],
)
def test_what_is_no_tag_policy_is_refused_with_the_place(text: str, says: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_documents(split_documents(text))
    assert says in str(caught.value)


def test_several_documents_in_one_text_are_read_in_their_order() -> None:
    one, two = '{"tags": {"A": {"tag_value": ["x"]}}}', '{"tags": {"A": {"tag_value": {"@@append": ["y"]}}}}'
    for text in (f"{one}\n{two}", f"[{one}, {two}]", f"\ufeff{one},{two}"):
        assert read_documents(split_documents(text)).keys[0].values == ("x", "y")
