"""Pictures of products in a bucket, on moto's S3: put there, read from there, never from us."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from io import BytesIO
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.files.storage import default_storage
from PIL import Image

from catalog.models import ProductImage
from catalog.tests.answers import payload
from catalog.tests.factories import VariantFactory
from catalog.tests.test_api_images import drawn, send
from shop_backend.kernel.object_storage import ObjectStorage

BUCKET = "pictures"
KEYS = {"access_key": "an-id", "secret_key": "a-secret"}


@pytest.fixture(scope="module")
def s3():
    """Give the address of an S3 with an empty bucket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            url = f"http://127.0.0.1:{port}"
            _make_bucket(client(url))
            yield url
        finally:
            server.terminate()


def client(url):
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="eu-west-2",
        aws_access_key_id="an-id",
        aws_secret_access_key="a-secret",
    )


def _make_bucket(s3):
    """Make the bucket as docs/media.md says: anybody may read."""
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    anybody_reads = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [anybody_reads]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


@pytest.fixture
def bucket(s3, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "shop_backend.kernel.object_storage.ObjectStorage",
            "OPTIONS": {
                "bucket_name": BUCKET,
                "endpoint_url": s3,
                "region_name": "eu-west-2",
                **KEYS,
                "url_protocol": "http:",
                "custom_domain": f"{s3.removeprefix('http://')}/{BUCKET}",
            },
        },
    }
    return client(s3)


@pytest.mark.django_db
def test_a_picture_goes_into_the_bucket_and_its_address_is_the_buckets(
    bucket, s3, manager, anonymous
):
    lamp = VariantFactory().product

    answer = send(manager, f"/api/catalog/products/{lamp.pk}/images/", drawn())

    assert answer.status_code == 201
    [row] = payload(anonymous.get("/api/catalog/products/"))["results"]
    for url in (row["image_url"], row["thumbnail_url"]):
        assert url.startswith(f"{s3}/{BUCKET}/products/")
        with urllib.request.urlopen(url) as read:
            assert Image.open(BytesIO(read.read())).size == (40, 30)
            assert read.headers["Content-Type"] == "image/jpeg"
            assert read.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.django_db
def test_a_picture_that_is_refused_leaves_nothing_in_the_bucket(bucket, manager):
    lamp = VariantFactory().product
    for position in range(20):
        ProductImage.objects.create(product=lamp, address="https://x.example/", position=position)
    before = bucket.list_objects_v2(Bucket=BUCKET)["KeyCount"]

    answer = send(manager, f"/api/catalog/products/{lamp.pk}/images/", drawn())

    assert answer.status_code == 409
    assert bucket.list_objects_v2(Bucket=BUCKET)["KeyCount"] == before


@pytest.mark.django_db
@pytest.mark.parametrize("saved", [0, 1])
def test_a_storage_that_fails_is_503_and_leaves_no_row_and_no_file(bucket, manager, saved):
    lamp = VariantFactory().product
    before = bucket.list_objects_v2(Bucket=BUCKET)["KeyCount"]
    puts = []

    def refuse(model, **_):
        puts.append(model.name)
        if len(puts) > saved:
            raise EndpointConnectionError(endpoint_url="http://storage.example")

    events = default_storage.connection.meta.client.meta.events
    events.register("before-call.s3.PutObject", refuse)
    try:
        answer = send(manager, f"/api/catalog/products/{lamp.pk}/images/", drawn())
    finally:
        events.unregister("before-call.s3.PutObject", refuse)

    assert (answer.status_code, answer.json()["code"]) == (503, "files_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert len(puts) == saved + 1
    assert not lamp.images.exists()
    assert bucket.list_objects_v2(Bucket=BUCKET)["KeyCount"] == before


def test_an_address_is_made_without_asking_the_storage():
    nobody = ObjectStorage(
        bucket_name=BUCKET,
        endpoint_url="http://127.0.0.1:1",
        url_protocol="https:",
        custom_domain="images.example.com/shop",
        **KEYS,
    )

    assert nobody.url("products/1.jpg") == "https://images.example.com/shop/products/1.jpg"


def test_the_settings_name_the_bucket_and_a_shop_without_one_does_not_carry_boto3():
    code = (
        "import sys, shop_backend.wsgi\n"
        "from django.core.files.storage import default_storage as s\n"
        "print(s.url('a.jpg'), s.__class__.__name__, 'boto3' in sys.modules)"
    )
    seen = {}
    for bucket in ("", BUCKET):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).resolve().parents[2],
            env={
                "PATH": os.environ["PATH"],
                "SHOP_ENV_FILE": os.devnull,
                "DEBUG": "True",
                "MEDIA_URL": "https://images.example.com/",
                "MEDIA_S3_BUCKET": bucket,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        seen[bucket] = done.stdout.split()

    address = "https://images.example.com/a.jpg"
    assert seen[""] == [address, "FileSystemStorage", "False"]
    assert seen[BUCKET] == [address, "ObjectStorage", "True"]


def _wait_for(port):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise TimeoutError("moto's server did not start")
