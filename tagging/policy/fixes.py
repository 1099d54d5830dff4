"""Fixes as files: for AWS Tag Editor, as AWS CLI commands, for Terraform.

Values, ids and keys come from bills, so from anybody: each is quoted for the program that reads the file, and no
line of a comment can become a command.
"""

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tagging.policy.checks import LONGEST_KEY, LONGEST_VALUE
from tagging.policy.resource_types import is_ec2, resource_arn, resource_type

MOST_ARNS = 20  # of one call of tag-resources
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]+")
RESERVED = "aws:"  # keys that begin so are AWS's own
GLOBAL_REGION = "us-east-1"
UNKNOWN_PLACE = "cannot be done from here: the bill does not tell enough of the resource"
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-[0-9]+")
# AWS answers a command with success also where it could not do all of it; then its answer names what failed.
_CLI_HEAD = (
    "# Needs the AWS CLI with tag:TagResources, tag:UntagResources and the services' own tagging rights. It does the",
    "# account you are logged in to; run it once in each.",
    "set -eu",
    "export AWS_PAGER='' AWS_DEFAULT_OUTPUT=json",
    "account=${ACCOUNT:-$(aws sts get-caller-identity --query Account --output text)}",
    "in_account() {",
    """  [ -z "$1" ] || [ "$1" = "$account" ] || { echo "Left out: account $1; this is $account." >&2; return 1; }""",
    "}",
    "run() {",
    """  answer=$(aws resourcegroupstaggingapi "$@")""",
    "  printf '%s\\n' \"$answer\"",
    """  case $(printf '%s' "$answer" | tr -d '[:space:]') in""",
    """    *'"FailedResourcesMap":{"'*)""",
    """      echo 'Stopped: AWS did not change all of these. See FailedResourcesMap above; then run this again.' >&2""",
    """      exit 1 ;;""",
    "  esac",
    "}",
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")


@dataclass(frozen=True)
class Fix:
    """One key to set on one resource. `value` is '' where nobody can know it; `old_key` a spelling to remove."""

    resource_id: str
    service: str
    region: str
    account: str
    key: str
    value: str
    old_key: str = ""
    found: str = ""

    @property
    def arn(self) -> str:
        """The resource's full name, '' where the bill does not tell it."""
        return resource_arn(self.resource_id, self.service, self.region, self.account)

    @property
    def type(self) -> str:
        """Its type in AWS's words, '' where the id does not tell."""
        return resource_type(self.resource_id, self.service)


def tag_editor_rows(fixes: Sequence[Fix]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: a resource a row in the columns of Tag Editor's own export, then what each key should be.

    A cell of a key to fix whose value nobody knows holds a question mark.
    """
    keys = list(dict.fromkeys(fix.key for fix in fixes))
    resources: dict[tuple[str, str], list[Fix]] = {}
    for fix in fixes:
        resources.setdefault((fix.account, fix.resource_id), []).append(fix)
    header = ["Identifier", "Service", "Type", "Region", "AWS Account", "ARN", *(f"Tag: {key}" for key in keys)]
    rows = []
    for mine in resources.values():
        first, values = mine[0], {fix.key: fix.value or "?" for fix in mine}
        service, _, kind = first.type.partition(":")
        place = [first.resource_id, service or first.service, kind, first.region, first.account, first.arn]
        rows.append([*place, *(values.get(key, "") for key in keys)])
    return header, rows


def cli_script(fixes: Sequence[Fix], *, title: str) -> str:
    """A shell script of AWS CLI commands. What it cannot do stands in comments, with the reason.

    It does the account whose credentials it runs with and leaves out the others, and stops where AWS did not do
    all of a command, so that no old key is removed where the right one is not set.
    """
    lines = ["#!/bin/sh", f"# {_comment(title)}", *_CLI_HEAD]
    ready = [fix for fix in fixes if not _hindrance(fix, _cli_cannot(fix))]
    accounts: dict[str, dict[str, list[Fix]]] = {}
    for fix in ready:
        accounts.setdefault(fix.account, {}).setdefault(_region(fix), []).append(fix)
    for account, regions in accounts.items():
        lines += ["", f"if in_account {shlex.quote(account)}; then"]
        for region, mine in regions.items():
            lines.append(f"# account {_comment(account)}, {_comment(region) or 'the region of your own settings'}")
            for tags, arns in _by_tags(mine).items():
                lines += _calls("tag-resources", region, arns, f"--tags {shlex.quote(tags)}")
            for old_key, arns in _old_keys(mine).items():
                keys = shlex.quote(json.dumps([old_key], ensure_ascii=False))
                lines += _calls("untag-resources", region, arns, f"--tag-keys {keys}")
        lines.append("fi")
    lines += ["", *_left_out(fixes, _cli_cannot)]
    return "\n".join(lines) + "\n"


def terraform(fixes: Sequence[Fix], *, title: str) -> str:
    """An `aws_ec2_tag` for each fix of an EC2 resource whose value is known; the others in comments.

    Each names the provider of its account and region, which stand first and refuse any other account.
    """
    lines = [
        f"# {_comment(title)}",
        "# Resources that Terraform made itself: put the tags into their own code instead.",
        "# Give each provider your own way into its account, like a profile or a role.",
    ]
    ready = [fix for fix in fixes if not _hindrance(fix, _terraform_cannot(fix))]
    for account, region in dict.fromkeys((fix.account, fix.region) for fix in ready):
        lines += ["", 'provider "aws" {', f"  alias  = {_hcl(_alias(account, region))}", f"  region = {_hcl(region)}"]
        lines += [f"  allowed_account_ids = [{_hcl(account)}]", "}"]
    for fix in ready:
        digest = hashlib.sha256(f"{fix.account}\n{fix.resource_id}\n{fix.key}".encode()).hexdigest()[:8]
        name = _NOT_IN_NAMES.sub("_", f"{fix.resource_id}_{fix.key}")[:60]
        lines += [""] + ([f"# Remove its tag {_comment(fix.old_key)} by hand."] if fix.old_key else [])
        lines += [
            f'resource "aws_ec2_tag" "fix_{name}_{digest}" {{',
            f"  provider    = aws.{_alias(fix.account, fix.region)}",
            f"  resource_id = {_hcl(fix.resource_id)}",
            f"  key         = {_hcl(fix.key)}",
            f"  value       = {_hcl(fix.value)}",
            "}",
        ]
    lines += ["", *_left_out(fixes, _terraform_cannot)]
    return "\n".join(lines) + "\n"


def _cli_cannot(fix: Fix) -> str:
    return "" if fix.arn else UNKNOWN_PLACE


def _terraform_cannot(fix: Fix) -> str:
    if not is_ec2(fix.resource_id):
        return "cannot be done from here: aws_ec2_tag is for EC2; take the CLI commands, or the code that made it"
    return "" if fix.arn else UNKNOWN_PLACE


def _alias(account: str, region: str) -> str:
    return _NOT_IN_NAMES.sub("_", f"in_{account}_{region}")


def _hindrance(fix: Fix, unreachable: str) -> str:
    """Why AWS cannot be told to set this; empty where it can. `unreachable` is what the program itself cannot."""
    if unreachable:
        return unreachable
    if not fix.value:
        return "needs a value that nobody but its owner knows"
    if fix.key.casefold().startswith(RESERVED):
        return f"cannot be set: keys that begin with {RESERVED} are AWS's own"
    if len(fix.key) > LONGEST_KEY or len(fix.value) > LONGEST_VALUE:
        return f"cannot be set: AWS takes {LONGEST_KEY} characters of a key and {LONGEST_VALUE} of a value"
    return ""


def _left_out(fixes: Iterable[Fix], unreachable: Callable[[Fix], str]) -> list[str]:
    whys = ((fix, _hindrance(fix, unreachable(fix))) for fix in fixes)
    return [f"# {_comment(fix.resource_id)}  {_comment(fix.key)}  {why}" for fix, why in whys if why]


def _calls(verb: str, region: str, arns: Sequence[str], rest: str) -> Iterator[str]:
    place = f" --region {shlex.quote(region)}" if region else ""
    for start in range(0, len(arns), MOST_ARNS):
        some = " ".join(shlex.quote(arn) for arn in arns[start : start + MOST_ARNS])
        yield f"run {verb}{place} --resource-arn-list {some} {rest}"


def _region(fix: Fix) -> str:
    """Where to ask: the region in the ARN, else the bill's; for services without regions the one that answers for
    them. Empty where nothing is known: then that of the user's own settings counts.
    """
    parts = fix.arn.split(":")
    told = parts[3] or fix.region
    if _REGION.fullmatch(told):
        return told
    return GLOBAL_REGION if parts[1:2] == ["aws"] and parts[2] != "s3" else ""


def _by_tags(fixes: Iterable[Fix]) -> dict[str, list[str]]:
    """Tags as JSON → the resources that get exactly these. JSON, because the shorthand cannot hold commas or `=`."""
    tags: dict[str, dict[str, str]] = {}
    for fix in fixes:
        tags.setdefault(fix.arn, {})[fix.key] = fix.value
    same: dict[str, list[str]] = {}
    for arn, wanted in tags.items():
        same.setdefault(json.dumps(wanted, ensure_ascii=False, sort_keys=True), []).append(arn)
    return same


def _old_keys(fixes: Iterable[Fix]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fix in fixes:
        if fix.old_key and fix.old_key != fix.key and not fix.old_key.casefold().startswith(RESERVED):
            found.setdefault(fix.old_key, []).append(fix.arn)
    return found


def _comment(text: str) -> str:
    """Text on one line: whatever would end a comment is a space."""
    return _CONTROL.sub(" ", text)


def _hcl(text: str) -> str:
    """A quoted string of Terraform's language, in which nothing is a template."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = _CONTROL.sub(lambda found: "".join(f"\\u{ord(sign):04x}" for sign in found[0]), escaped)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'
