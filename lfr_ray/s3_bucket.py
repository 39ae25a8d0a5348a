"""Files below one prefix of an S3 bucket: read, written under a condition, and destroyed with every older version.

The only file that knows boto3. Region and endpoint come from where boto3 looks for them in each process, and where the
address has none the credentials too: ``AWS_ACCESS_KEY_ID`` and its companions, ``AWS_SHARED_CREDENTIALS_FILE``,
``AWS_ENDPOINT_URL_S3``, a node's role.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from lfr_ray.errors import ConfigError, StoreError, not_installed

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, ATTEMPTS = 3.0, 20.0, 2
AT_ONCE = 1000
"""Objects that one call may delete."""

_ABSENT = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
_LOST_RACES = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
PERMISSIONS = (
    "s3:ListBucket, GetObject, PutObject, DeleteObject; ListBucketVersions, GetObjectVersion, DeleteObjectVersion; "
    "ListBucketMultipartUploads, AbortMultipartUpload"
)


class Bucket:
    """A prefix of a bucket, ``s3://BUCKET/PREFIX`` or ``s3://KEY:SECRET@BUCKET/PREFIX``; everything below it is ours.

    Its methods raise StoreError where the storage refuses or does not answer.

    Raises:
        ConfigError: boto3 is not installed, or it knows no region or credentials file that is named.
    """

    def __init__(self, address: str) -> None:
        login, _, place = address.removeprefix("s3://").rpartition("@")
        names = ("aws_access_key_id", "aws_secret_access_key")
        self._credentials = dict(zip(names, map(unquote, login.split(":")), strict=True)) if login else {}
        self.address = f"s3://{place}".rstrip("/")
        self._name, _, prefix = self.address.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError:
            raise not_installed("object storage needs a package that is not installed", "boto3", "aws") from None
        limits = Config(
            connect_timeout=CONNECT_TIMEOUT_S, read_timeout=READ_TIMEOUT_S, retries={"total_max_attempts": ATTEMPTS}
        )
        try:
            self._client: Any = boto3.session.Session(**self._credentials).client("s3", config=limits)
        except (BotoCoreError, ValueError) as error:
            raise ConfigError(
                "the environment's settings for object storage cannot be used",
                got=type(error).__name__,
                allowed="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE; AWS_REGION; "
                "AWS_ENDPOINT_URL_S3 where it is not Amazon's",
            ) from None

    @property
    def options(self) -> dict[str, str]:
        """Endpoint, region and credentials as LanceDB wants them; without the latter it looks where boto3 does."""
        endpoint = self._client.meta.endpoint_url
        return {
            "aws_endpoint": endpoint,
            "aws_region": self._client.meta.region_name or "us-east-1",
            "allow_http": str(endpoint.startswith("http://")).lower(),
        } | self._credentials

    def tags(self, folder: str = "") -> dict[str, str]:
        """Every file in a folder (which ends with a slash) and a tag that changes with its content."""
        below = self._prefix + folder
        found = self._pages("list_objects_v2", "Contents", Prefix=below, Delimiter="/")
        return {one["Key"].removeprefix(below): one["ETag"] for one in found}

    def read(self, name: str) -> tuple[bytes, str] | None:
        """Content and tag; None when there is no such file."""
        answer = self._call("read", "get_object", _ABSENT, Key=self._prefix + name)
        return None if answer is None else (answer["Body"].read(), answer["ETag"])

    def write(self, name: str, data: bytes, *, over: str | None = None) -> str:
        """Write a file in one step; gives its new tag, empty where somebody else was first.

        ``over``: only over the content with this tag, or where it is empty, only if there is none; None: in any case.
        """
        condition = {} if over is None else {"IfMatch": over} if over else {"IfNoneMatch": "*"}
        answer = self._call("written", "put_object", _LOST_RACES, Key=self._prefix + name, Body=data, **condition)
        return "" if answer is None else str(answer["ETag"])

    def destroy(self, start: str = "", *, keep: Collection[str] = (), current: bool = True) -> tuple[int, int]:
        """Destroy files with all their versions, and what unfinished uploads have left.

        ``keep`` are names that stay; without ``current`` only what was deleted or replaced goes.

        Returns:
            Number of versions with content, and their bytes.
        """
        files = size_bytes = 0
        below = self._prefix + start
        for one in self._pages("list_multipart_uploads", "Uploads", Prefix=below):
            self._call("destroyed", "abort_multipart_upload", _ABSENT, Key=one["Key"], UploadId=one["UploadId"])
        # Content first: a marker that goes first would bring it back.
        for kind in ("Versions", "DeleteMarkers"):
            found = self._versions(kind, below, keep, current=current)
            for first in range(0, len(found), AT_ONCE):
                some = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found[first : first + AT_ONCE]]
                answer = self._call("destroyed", "delete_objects", (), Delete={"Objects": some, "Quiet": True})
                if answer and answer.get("Errors"):
                    raise self._error(
                        "destroyed", f"{len(answer['Errors'])} refused, {answer['Errors'][0].get('Code')}"
                    )
            files += sum("Size" in one for one in found)
            size_bytes += sum(one.get("Size", 0) for one in found)
            # What others write meanwhile, such as a lock that is renewed, is no remainder.
            known = {(one["Key"], one["VersionId"]) for one in found}
            now = self._versions(kind, below, keep, current=current)
            if left := sum((one["Key"], one["VersionId"]) in known for one in now):
                raise self._error("destroyed", f"{left} are still there")
        return files, size_bytes

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Every version of every file: its name, and its content; one that goes meanwhile is left out."""
        for one in self._versions("Versions", self._prefix, (), current=True):
            question = {"Key": one["Key"], "VersionId": one["VersionId"]}
            if (answer := self._call("searched", "get_object", _ABSENT, **question)) is not None:
                yield one["Key"].removeprefix(self._prefix), answer["Body"].read()

    def _versions(self, kind: str, below: str, keep: Collection[str], *, current: bool) -> list[Any]:
        kept = {self._prefix + name for name in keep}
        found = self._pages("list_object_versions", kind, Prefix=below)
        chosen = (one for one in found if current or kind == "DeleteMarkers" or not one["IsLatest"])
        return [one for one in chosen if one["Key"] not in kept]

    def _pages(self, method: str, what: str, **question: Any) -> list[Any]:
        with self._translated("listed"):
            pages = self._client.get_paginator(method).paginate(Bucket=self._name, **question)
            return [one for page in pages for one in page.get(what, ())]

    def _call(self, done: str, method: str, expected: Collection[str], **question: Any) -> Any:
        """The storage's answer; None for an expected fault."""
        from botocore.exceptions import ClientError

        with self._translated(done):
            try:
                return getattr(self._client, method)(Bucket=self._name, **question)
            except ClientError as error:
                if error.response["Error"].get("Code") in expected:
                    return None
                raise

    @contextmanager
    def _translated(self, done: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            raise self._error(done, str(error.response["Error"].get("Code"))) from None
        except BotoCoreError as error:
            raise self._error(done, type(error).__name__) from None

    def _error(self, done: str, why: str) -> StoreError:
        return StoreError(
            f"object storage: files cannot be {done}",
            got=f"{self.address}: {why}",
            allowed=f"{PERMISSIONS}; no object lock",
            next_step="check that the storage answers, the credentials in the environment and what they permit",
        )
