"""A prefix of an S3 bucket, or of a store that speaks S3. The only module that imports boto3.

Credentials come from where boto3 looks for them: environment, profile or the machine's role. None is stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)
from django.conf import settings

from costs.deliveries import MANIFEST_LIMIT, StoredFile
from costs.places.base import MOST_FILES, Heartbeat, PlaceError, too_many

_BLOCK = 1024 * 1024
_CREDENTIALS = "Give the worker a role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment."
_RIGHTS = (
    "Allow s3:ListBucket on the bucket, s3:GetObject on its files and, where a key of yours encrypts them, kms:Decrypt."
)
_CURES = {
    "NoSuchBucket": ("There is no bucket {bucket}.", "Correct the bucket's name."),
    "NoSuchKey": ("{key} is gone from bucket {bucket}.", "The next look reads what is there then."),
    "404": ("{key} is gone from bucket {bucket}.", "The next look reads what is there then."),
    "412": ("{key} changed while it was looked at.", "The next look reads it as it is then."),
    "PreconditionFailed": ("{key} changed while it was looked at.", "The next look reads it as it is then."),
    "AccessDenied": ("S3 does not let us read bucket {bucket}.", _RIGHTS),
    "403": ("S3 does not let us read bucket {bucket}.", _RIGHTS),
    "InvalidAccessKeyId": ("S3 does not know the access key.", _CREDENTIALS),
    "SignatureDoesNotMatch": ("S3 refuses the secret key.", _CREDENTIALS),
    "ExpiredToken": ("The credentials for S3 have expired.", _CREDENTIALS),
    "InvalidBucketName": ("{bucket} is no name of a bucket.", "Correct the address."),
    "InvalidObjectState": ("{key} is archived, as by a rule that moves old files to Glacier.", "Restore it in S3."),
    "KMS.DisabledException": ("The key that encrypts bucket {bucket} is switched off.", "Enable it in AWS KMS."),
    "RequestTimeTooSkewed": ("This machine's clock is wrong, so S3 refuses it.", "Set the clock."),
    "AuthorizationHeaderMalformed": (
        "Bucket {bucket} is in another region.",
        "Set AWS_DEFAULT_REGION to the bucket's region.",
    ),
    "PermanentRedirect": ("Bucket {bucket} is in another region.", "Set AWS_DEFAULT_REGION to the bucket's region."),
}


@dataclass(frozen=True)
class S3Place:
    """Keys are whole keys of the bucket, as manifests write them."""

    bucket: str
    prefix: str = ""
    keeps_files_here: bool = field(default=False, init=False)

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def files(self) -> Iterator[StoredFile]:
        """Every object under the prefix, page by page."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        count = 0
        try:
            for page in pages:
                for item in page.get("Contents", ()):
                    if item["Key"].endswith("/"):
                        continue
                    count += 1
                    if count > MOST_FILES:
                        raise too_many(self.address)
                    yield StoredFile(item["Key"], item["Size"], item["ETag"].strip('"'), item["LastModified"])
        except (BotoCoreError, ClientError) as error:
            raise self._explain(error) from error

    def read(self, key: str) -> bytes:
        """The content of a small object."""
        try:
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
            return bytes(answer["Body"].read(MANIFEST_LIMIT))
        except (BotoCoreError, ClientError) as error:
            raise self._explain(error, key) from error

    def fetch(self, file: StoredFile, target: Path, *, beat: Heartbeat) -> Path:
        """Download one object, a megabyte at a time; only in the very version that was listed."""
        got = 0
        try:
            answer = self._client.get_object(Bucket=self.bucket, Key=file.key, IfMatch=f'"{file.etag}"')
            with target.open("wb") as out:
                for block in answer["Body"].iter_chunks(_BLOCK):
                    out.write(block)
                    got += len(block)
                    beat()
        except (BotoCoreError, ClientError) as error:
            raise self._explain(error, file.key) from error
        if got != file.size:
            raise PlaceError(f"{file.name} came with {got:,} of {file.size:,} bytes.", "The next look tries again.")
        return target

    @cached_property
    def _client(self) -> Any:
        endpoint = settings.S3_ENDPOINT_URL or None
        style = {"addressing_style": "path"} if endpoint else {}
        config = Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 3}, s3=style)
        session = boto3.session.Session()
        region = session.region_name or "us-east-1"
        return session.client("s3", endpoint_url=endpoint, region_name=region, config=config)

    def _explain(self, error: Exception, key: str = "") -> PlaceError:
        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            return PlaceError("There are no credentials for S3.", _CREDENTIALS, code="no_credentials")
        if isinstance(error, EndpointConnectionError | ConnectTimeoutError):
            where = settings.S3_ENDPOINT_URL or "S3"
            return PlaceError(f"{where} cannot be reached.", "Check the network and S3_ENDPOINT_URL.")
        code = str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
        if code in _CURES:
            problem, cure = _CURES[code]
            return PlaceError(problem.format(bucket=self.bucket, key=key or self.prefix), cure, code=code)
        return PlaceError(f"S3 answers: {str(error).rstrip('.')}.", "The next look tries again.")
