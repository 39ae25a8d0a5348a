"""A real S3 server on loopback, which the tests start."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import pytest

boto3 = pytest.importorskip("boto3")
server = pytest.importorskip("moto.server")


class Storage:
    """An S3 server on loopback with one bucket. What it keeps outlives a stop."""

    def __init__(self) -> None:
        self._server = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        self.host, self.port = self._server.get_host_and_port()
        self.url = f"http://{self.host}:{self.port}"

    def open(self, *, versioned: bool) -> None:
        self.client = boto3.client("s3")
        self.client.create_bucket(Bucket="lists", ObjectLockEnabledForBucket=versioned)

    def versions(self) -> list[dict[str, Any]]:
        return self.client.list_object_versions(Bucket="lists").get("Versions", [])

    def names(self) -> set[str]:
        answer = self.client.list_object_versions(Bucket="lists")
        return {one["Key"] for kind in ("Versions", "DeleteMarkers") for one in answer.get(kind, [])}

    def holds(self, needle: bytes) -> bool:
        """Any version of any object has these bytes."""
        found = ({"Key": one["Key"], "VersionId": one["VersionId"]} for one in self.versions())
        return any(needle in self.client.get_object(Bucket="lists", **one)["Body"].read() for one in found)

    def stop(self) -> None:
        self._server.stop()

    def start_again(self) -> None:
        with redirect_stdout(io.StringIO()):
            self._server = server.ThreadedMotoServer(self.host, self.port, verbose=False)
            self._server.start()


def point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's address and its credentials into the environment."""
    settings = {"ACCESS_KEY_ID": "key", "SECRET_ACCESS_KEY": "secret", "REGION": "us-east-1"}
    settings |= {"DEFAULT_REGION": "us-east-1", "ENDPOINT_URL_S3": url, "EC2_METADATA_DISABLED": "true"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)


@contextmanager
def object_storage(monkeypatch: pytest.MonkeyPatch, *, versioned: bool) -> Iterator[Storage]:
    """A server with the bucket ``lists``, and its address and credentials in the environment."""
    from moto.backends import get_backend

    with redirect_stdout(io.StringIO()):
        storage = Storage()
    point_at(storage.url, monkeypatch)
    storage.open(versioned=versioned)
    yield storage
    storage.stop()
    get_backend("s3").reset()
