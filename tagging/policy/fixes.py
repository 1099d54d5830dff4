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

from tagging.policy.resource_types import is_ec2, resource_arn, resource_type

MOST_ARNS = 20  # of one call of tag-resources
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]+")
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
    """A shell script of AWS CLI commands. What it cannot do stands in comments, with the reason."""
    lines = [
        "#!/bin/sh",
        f"# {_comment(title)}",
        "# Needs the AWS CLI with tag:TagResources and the services' own tagging rights, account by account.",
        "set -eu",
    ]
    ready = [fix for fix in fixes if fix.value and fix.arn]
    for (account, region), mine in _by(ready, lambda fix: (fix.account, _region(fix))).items():
        lines += ["", f"# account {_comment(account)}, {_comment(region)}"]
        for tags, arns in _by_tags(mine).items():
            lines += _calls("tag-resources", region, arns, f"--tags {shlex.quote(tags)}")
        for old_key, arns in _old_keys(mine).items():
            keys = shlex.quote(json.dumps([old_key], ensure_ascii=False))
            lines += _calls("untag-resources", region, arns, f"--tag-keys {keys}")
    lines += ["", *_left_out(fixes, lambda fix: bool(fix.arn))]
    return "\n".join(lines) + "\n"


def terraform(fixes: Sequence[Fix], *, title: str) -> str:
    """An `aws_ec2_tag` for each fix of an EC2 resource whose value is known; the others in comments."""
    lines = [
        f"# {_comment(title)}",
        "# Resources that Terraform made itself: put the tags into their own code instead.",
    ]
    for fix in fixes:
        if not (fix.value and is_ec2(fix.resource_id)):
            continue
        digest = hashlib.sha256(f"{fix.account}\n{fix.resource_id}\n{fix.key}".encode()).hexdigest()[:8]
        name = _NOT_IN_NAMES.sub("_", f"{fix.resource_id}_{fix.key}")[:60]
        lines += [
            "",
            f'resource "aws_ec2_tag" "fix_{name}_{digest}" {{',
            f"  resource_id = {_hcl(fix.resource_id)}",
            f"  key         = {_hcl(fix.key)}",
            f"  value       = {_hcl(fix.value)}",
            "}",
        ]
    lines += ["", *_left_out(fixes, lambda fix: is_ec2(fix.resource_id))]
    return "\n".join(lines) + "\n"


def _left_out(fixes: Iterable[Fix], is_reachable: Callable[[Fix], bool]) -> list[str]:
    lines = []
    for fix in fixes:
        if not is_reachable(fix):
            why = "cannot be done from here: the bill does not tell enough of the resource"
        elif not fix.value:
            why = "needs a value that nobody but its owner knows"
        else:
            continue
        lines.append(f"# {_comment(fix.resource_id)}  {_comment(fix.key)}  {why}")
    return lines


def _calls(verb: str, region: str, arns: Sequence[str], rest: str) -> Iterator[str]:
    place = f" --region {shlex.quote(region)}" if region else ""
    for start in range(0, len(arns), MOST_ARNS):
        some = " ".join(shlex.quote(arn) for arn in arns[start : start + MOST_ARNS])
        yield f"aws resourcegroupstaggingapi {verb}{place} --resource-arn-list {some} {rest}"


def _region(fix: Fix) -> str:
    """Where to ask: the region in the ARN, which for buckets is empty, else the bill's."""
    return fix.arn.split(":")[3] or fix.region


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
        if fix.old_key and fix.old_key != fix.key:
            found.setdefault(fix.old_key, []).append(fix.arn)
    return found


def _by(fixes: Iterable[Fix], key_of: Callable[[Fix], tuple[str, str]]) -> dict[tuple[str, str], list[Fix]]:
    groups: dict[tuple[str, str], list[Fix]] = {}
    for fix in fixes:
        groups.setdefault(key_of(fix), []).append(fix)
    return groups


def _comment(text: str) -> str:
    """Text on one line: whatever would end a comment is a space."""
    return _CONTROL.sub(" ", text)


def _hcl(text: str) -> str:
    """A quoted string of Terraform's language, in which nothing is a template."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = _CONTROL.sub(lambda found: "".join(f"\\u{ord(sign):04x}" for sign in found[0]), escaped)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'
