"""A real S3 API on this machine: moto's server in a thread, with what a test put into its buckets."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.handlers import add_expect_header
from moto.server import ThreadedMotoServer

BUCKET = "bills"


@dataclass
class ObjectStore:
    """The store's address and a client of its own; `reads` counts requests for the content of each key."""

    url: str
    client: Any
    reads: "Counter[str]" = field(default_factory=Counter)

    def put(self, key: str, content: bytes) -> str:
        """Put an object; returns its ETag."""
        return str(self.client.put_object(Bucket=BUCKET, Key=key, Body=content)["ETag"])

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=key)

    def clear(self) -> None:
        """Take everything out, and forget what was read."""
        for item in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
            self.delete(item["Key"])
        self.reads.clear()

    def count(self, *, params: dict[str, Any], **_: Any) -> None:
        """Note a request for an object's content."""
        self.reads[params["Key"]] += 1


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """A store with one empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    try:
        client = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        # The server does not answer it, and the client would wait a second for each object.
        client.meta.events.unregister("before-call.s3", add_expect_header)
        client.create_bucket(Bucket=BUCKET)
        store = ObjectStore(url, client)
        store.clear()  # servers of one process share their buckets
        yield store
    finally:
        server.stop()
