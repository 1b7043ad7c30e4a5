"""Two S3 servers in threads: moto knows conditions, nanio checks signatures and clocks."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
from botocore.config import Config

KEY_ID, SECRET = "AKIDSLIPWAYTESTS0000", "a-secret/key+of-the-tests-0123456789abcd"
REGION = "us-east-1"


@contextlib.contextmanager
def moto_server() -> Iterator[str]:
    """Yield the address of moto's server; all of this process share its buckets."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


@contextlib.contextmanager
def nanio_server(folder: Path) -> Iterator[str]:
    """Yield the address of nanio, which refuses wrong signatures and clocks."""
    import uvicorn
    from nanio.app import build_app
    from nanio.auth.credentials import StaticCredentialResolver
    from nanio.config import Settings

    listening = socket.create_server(("127.0.0.1", 0))
    known = StaticCredentialResolver({KEY_ID: SECRET})
    app = build_app(Settings(data_dir=folder, credentials=known))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


def client(url: str, **options):
    """Return Amazon's own client for a server, to see what is there."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        **options,
    )


def content(s3, bucket: str, prefix: str = "") -> dict[str, bytes]:
    """Return all objects of a bucket, by name."""
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
    return {
        one["Key"].removeprefix(prefix): s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        for one in found
    }


def uploads(s3, bucket: str) -> list[dict]:
    """Return the unfinished uploads of a bucket."""
    return s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
