"""Fixes as files for other programs. Whatever stands in a tag, no shell, spreadsheet or Terraform runs it."""

import json
import os
import re
import subprocess

import pytest

from costs.exports import ExportColumn, csv_lines
from tagging.policy.fixes import Fix, cli_script, tag_editor_rows, terraform
from tagging.policy.resource_types import resource_arn, resource_type

HOSTILE = [
    "$(touch /tmp/x)", "`id`", "'; rm -rf / #", '"; ls', "a,b=c", "line\nrm -rf /", "${file}", "支払い", "=1+1", "\\",
    "%{if true}", "-x", "file:///etc/passwd",
]  # fmt: skip


def fix(value: str = "CC-1", **given: str) -> Fix:
    place = {
        "resource_id": "i-1", "service": "EC2", "region": "eu-west-1", "account": "111111111111", "key": "CostCenter",
    }  # fmt: skip
    return Fix(**{**place, "value": value, **given})


def commands_of(script: str, *, account: str = "111111111111") -> list[list[str]]:
    """What a real shell makes of the script, run in this account: the words it would have given to `aws`."""
    shown = """exec 3>&1 1>/dev/null
    aws() { { for word in "$@"; do printf '%s\\0' "$word"; done; printf 'END\\0'; } >&3; }"""
    done = run(shown, script, account=account)
    assert done.stderr == b""
    *calls, rest = done.stdout.decode().split("END\0")
    assert rest == ""
    return [call.split("\0")[:-1] for call in calls]


def run(aws: str, script: str, **given: str) -> subprocess.CompletedProcess[bytes]:
    """The script with something else in the place of the AWS CLI."""
    env = {"PATH": os.environ["PATH"], **{name.upper(): value for name, value in given.items()}}
    return subprocess.run(["sh", "-c", script.replace("#!/bin/sh", aws, 1)], capture_output=True, check=False, env=env)


def test_resources_with_the_same_tags_share_a_command_by_account_and_region() -> None:
    fixes = [fix(), fix(resource_id="i-2"), fix("P", key="Project"), fix("P", key="Project", resource_id="i-2")]
    fixes.append(fix(region="us-east-1", resource_id="i-3"))
    first, second = commands_of(cli_script(fixes, title="May"))
    arns = [f"arn:aws:ec2:eu-west-1:111111111111:instance/i-{at}" for at in (1, 2)]
    assert first == [
        "resourcegroupstaggingapi", "tag-resources", "--region", "eu-west-1", "--resource-arn-list", *arns,
        "--tags", '{"CostCenter": "CC-1", "Project": "P"}',
    ]  # fmt: skip
    assert second[3] == "us-east-1"


def test_more_than_twenty_resources_take_several_commands() -> None:
    script = cli_script([fix(resource_id=f"i-{at}") for at in range(45)], title="May")
    assert [len(words) - 7 for words in commands_of(script)] == [20, 20, 5]


def test_another_spelling_of_the_key_is_removed_once_the_right_one_is_set() -> None:
    first, second = commands_of(cli_script([fix(old_key="cost-center")], title="May"))
    assert first[1] == "tag-resources"
    assert second[1] == "untag-resources"
    assert second[-2:] == ["--tag-keys", '["cost-center"]']


def test_an_old_key_stays_where_aws_did_not_set_the_right_one() -> None:
    """AWS answers with success and names what failed; the next command would have removed the only key there is."""
    failed = '{"FailedResourcesMap": {"arn:x": {"StatusCode": 400, "ErrorCode": "AccessDeniedException"}}}'
    done = run(f"aws() {{ printf '%s' '{failed}'; }}", cli_script([fix(old_key="cc")], title="May"), account="1" * 12)
    assert done.returncode == 1
    assert done.stdout.decode().splitlines() == [failed]  # of the first command; there was no second one
    assert "Stopped: AWS did not change all of these" in done.stderr.decode()
    for fine in ('{"FailedResourcesMap": {}}', '{\n    "FailedResourcesMap": {}\n}', ""):
        done = run(f"aws() {{ printf '%s' '{fine}'; }}", cli_script([fix(old_key="cc")], title="May"), account="1" * 12)
        assert (done.returncode, done.stdout.decode()) == (0, f"{fine}\n{fine}\n")


def test_only_the_account_one_is_logged_in_to_is_done() -> None:
    script = cli_script([fix(), fix(account="222222222222", resource_id="i-2")], title="May")
    told = """aws() { [ "$1" = sts ] && echo 222222222222 || echo "$6"; }"""
    done = run(told, script)
    assert done.stdout.decode().split() == ["arn:aws:ec2:eu-west-1:222222222222:instance/i-2"]
    assert done.stderr.decode() == "Left out: account 111111111111; this is 222222222222.\n"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"key": "aws:createdBy"}, "keys that begin with aws: are AWS's own"),
        ({"key": "k" * 129}, "AWS takes 128 characters of a key and 256 of a value"),
        ({"value": "v" * 257}, "AWS takes 128 characters of a key and 256 of a value"),
    ],
)
def test_what_aws_would_refuse_is_left_out_with_the_reason(given: dict[str, str], why: str) -> None:
    for text in (cli_script([fix(**given)], title="May"), terraform([fix(**given)], title="May")):
        assert why in text
        assert "tag-resources" not in text.replace("tag:TagResources", "")
        assert "aws_ec2_tag" not in text


def test_keys_of_aws_are_never_removed() -> None:
    assert len(commands_of(cli_script([fix(old_key="aws:cost-center")], title="May"))) == 1


@pytest.mark.parametrize(
    ("given", "arn", "region"),
    [
        ({"region": "cn-north-1"}, "arn:aws-cn:ec2:cn-north-1:111111111111:instance/i-1", "cn-north-1"),
        ({"region": "us-gov-west-1"}, "arn:aws-us-gov:ec2:us-gov-west-1:111111111111:instance/i-1", "us-gov-west-1"),
        (
            {"resource_id": "arn:aws:cloudfront::111111111111:distribution/E1", "region": "global"},
            "arn:aws:cloudfront::111111111111:distribution/E1",
            "us-east-1",
        ),
        ({"resource_id": "logs", "service": "AmazonS3", "region": ""}, "arn:aws:s3:::logs", None),
    ],
)
def test_a_command_asks_where_the_resource_can_be_reached(given: dict[str, str], arn: str, region: str | None) -> None:
    (words,) = commands_of(cli_script([fix(**given)], title="May"))
    assert arn in words
    assert (words[words.index("--region") + 1] if "--region" in words else None) == region


def test_terraform_asks_the_provider_of_the_account_and_region_of_each_resource() -> None:
    text = terraform([fix(), fix(region="us-east-1", account="222222222222", resource_id="i-2")], title="May")
    assert text.count('provider "aws" {') == 2
    assert 'alias  = "in_111111111111_eu_west_1"\n  region = "eu-west-1"' in text
    assert 'allowed_account_ids = ["222222222222"]' in text
    first, second = re.findall(r"provider    = (.*)", text)
    assert (first, second) == ("aws.in_111111111111_eu_west_1", "aws.in_222222222222_us_east_1")


def test_terraform_says_which_old_key_it_leaves() -> None:
    assert "# Remove its tag cost-center by hand.\n" in terraform([fix(old_key="cost-center")], title="May")


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_reaches_the_command_as_it_is_and_nothing_else_happens(value: str) -> None:
    hostile = [fix(value), fix(value, resource_id=f"arn:aws:s3:::{value}"), fix("", resource_id=value)]
    words = commands_of(cli_script(hostile, title=value))
    assert {each[1] for each in words} == {"tag-resources"}
    assert [json.loads(each[-1]) for each in words] == [{"CostCenter": value}] * len(words)
    arns = {word for each in words for word in each if word.startswith("arn:")}
    assert arns == {"arn:aws:ec2:eu-west-1:111111111111:instance/i-1", f"arn:aws:s3:::{value}"}


def test_what_cannot_be_done_stands_in_a_comment_with_the_reason() -> None:
    script = cli_script([fix(""), fix(resource_id="weird thing", service="X")], title="May")
    assert commands_of(script) == []
    assert "# i-1  CostCenter  needs a value" in script
    assert "# weird thing  CostCenter  cannot be done from here" in script


@pytest.mark.parametrize("value", HOSTILE)
def test_terraform_takes_a_value_as_text_and_never_as_a_template(value: str) -> None:
    text = terraform([fix(value)], title="May")
    (line,) = re.findall(r"^  value       = (.*)$", text, re.MULTILINE)
    assert json.loads(line.replace("$${", "${").replace("%%{", "%{")) == value
    assert not re.search(r"(?<!\$)\$\{", line)
    assert text.count("{\n") == 2  # the provider and the tag


def test_terraform_leaves_to_comments_what_its_resource_cannot_tag() -> None:
    text = terraform([fix(resource_id="my-bucket", service="AmazonS3")], title="May")
    assert "resource " not in text.replace("the resource", "")
    assert "# my-bucket  CostCenter  cannot be done from here: aws_ec2_tag is for EC2; take the CLI commands" in text


def test_tag_editor_gets_a_resource_a_row_and_a_question_mark_for_what_nobody_knows() -> None:
    header, rows = tag_editor_rows([fix(), fix("", key="Owner"), fix("=1+1", resource_id="=cmd()")])
    assert header == ["Identifier", "Service", "Type", "Region", "AWS Account", "ARN", "Tag: CostCenter", "Tag: Owner"]
    assert rows[0] == [
        "i-1", "ec2", "instance", "eu-west-1", "111111111111",
        "arn:aws:ec2:eu-west-1:111111111111:instance/i-1", "CC-1", "?",
    ]  # fmt: skip
    text = "".join(csv_lines([], [ExportColumn(name) for name in header], rows))
    assert "'=cmd()" in text
    assert "'=1+1" in text


@pytest.mark.parametrize(
    ("resource_id", "service", "kind"),
    [
        ("i-0ab", "AmazonEC2", "ec2:instance"),
        ("vol-1", "", "ec2:volume"),
        ("arn:aws:dynamodb:eu-west-1:1:table/x", "", "dynamodb:table"),
        ("arn:aws:lambda:eu-west-1:1:function:f", "", "lambda:function"),
        ("arn:aws:s3:::bucket/key", "", "s3:bucket"),
        ("my-bucket", "Amazon Simple Storage Service", "s3:bucket"),
        ("arn:broken", "", ""),
        ("anything", "AmazonRDS", ""),
        ("", "S3", ""),
    ],
)
def test_an_id_tells_its_type_or_nothing(resource_id: str, service: str, kind: str) -> None:
    assert resource_type(resource_id, service) == kind


def test_no_full_name_is_made_up_where_the_bill_tells_too_little() -> None:
    assert resource_arn("i-1", "EC2", "", "111111111111") == ""
    assert resource_arn("bucket", "S3", "", "") == "arn:aws:s3:::bucket"
