"""Hosting in S3-compatible storage: moto's S3 server, and what COS and OSS would be sent."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
import runpy
import subprocess
import sys
import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import requests

from qqgroup_sync.errors import ConfigError, HostingError, MediaError
from qqgroup_sync.masking import mask
from qqgroup_sync.media.builder import ChainBuilder, Surroundings
from qqgroup_sync.media.hosting import s3
from qqgroup_sync.media.hosting.s3 import S3ChainBuilder
from qqgroup_sync.media.sources import load
from qqgroup_sync.runtime.clock import Clock, Deadline
from tests.api.scripted_server import ScriptedServer, refusing_port, silence

moto_server = pytest.importorskip("moto.server")

BUCKET = "pictures-1250000000"
KEY_ID, SECRET = "AKIDofTheTests0000", "the-secret-key-of-the-tests"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
SILK = b"\x02#!SILK_V3" + bytes(range(200))
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"\x00\x00\x00\x08free"


class Seen(NamedTuple):
    """What came in; header names are lower-case."""

    method: str
    target: str
    headers: dict[str, str]
    length: int
    sha256: str


class StandIn:
    """A storage on this machine that answers as a test tells it and keeps no content.

    Args:
        script: Status and body of each answer; the last one holds for all that follow.
        tls: Context of an HTTPS server.
    """

    def __init__(self, *script, tls=None):
        self.script = list(script) or [(200, b"")]
        self.requests = []
        self.connections = 0
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # answers Expect: 100-continue, too

            def setup(self):
                super().setup()
                stand_in.connections += 1

            def answer(self):
                length = left = int(self.headers.get("Content-Length", 0))
                digest = hashlib.sha256()
                while left:
                    piece = self.rfile.read(min(left, 65536))
                    left -= len(piece)
                    digest.update(piece)
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, length, digest.hexdigest())
                stand_in.requests.append(seen)
                script = stand_in.script
                status, body = script.pop(0) if len(script) > 1 else script[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_PUT = do_DELETE = answer  # noqa: N815 - the names of http.server

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # such as a handshake that a client refuses
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


def error_document(code, message):
    """Return how S3 says no."""
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, tmp_path):
    """Keep away keys and settings of this machine; let refused connections fail at once."""
    for name in os.environ:
        if name.startswith(("AWS_", "COS_", "OSS_", "TENCENTCLOUD_", "ALIBABA_CLOUD_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(s3, "ATTEMPTS", 1)


@pytest.fixture(scope="module")
def moto():
    """The address of moto's server, in which the bucket exists."""
    server = moto_server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    assert requests.put(f"{address}/{BUCKET}", timeout=10).status_code == 200
    yield address
    server.stop()


@pytest.fixture
def build():
    """Return a function that makes builders with the keys of the tests; they are closed."""
    made = []

    def make(bucket=BUCKET, **options):
        builder = S3ChainBuilder(bucket, **{"access_key": KEY_ID, "secret_key": SECRET, **options})
        made.append(builder)
        return builder

    yield make
    for builder in made:
        builder.close()


def fetched(url):
    """Return what anybody gets who has the URL."""
    return requests.get(url, timeout=10)


def objects(moto):
    """Return the names of all objects in the bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=moto,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    try:
        listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    finally:
        client.close()
    return {one["Key"] for one in listed}


def sampled(tmp_path, name, content):
    """Return the path of a file with this content."""
    path = tmp_path / name
    path.write_bytes(content)
    return str(path)


# ---------------------------------------------------------------------- what arrives


@pytest.mark.parametrize(
    "sample",
    [
        ("get_image", PNG, ".png", "image/png"),
        ("get_voice", SILK, ".silk", "audio/silk"),
        ("get_video", MP4, ".mp4", "video/mp4"),
        ("get_file", b"%PDF-1.7 and so on", ".pdf", "application/pdf"),
        ("get_file", b"\x00\x01\x02", "", "application/octet-stream"),
    ],
    ids=["image", "voice", "video", "file", "unknown file"],
)
def test_a_file_can_be_fetched_by_its_url(moto, build, tmp_path, sample):
    """Byte for byte, with the type of its content, whatever its name claims."""
    method, content, suffix, content_type = sample
    url = getattr(build(endpoint_url=moto), method)(sampled(tmp_path, "名 字.txt", content))
    answered = fetched(url)
    assert answered.content == content
    assert answered.headers["Content-Type"] == content_type
    path = urlsplit(url).path
    assert re.fullmatch(rf"/{BUCKET}/qqgroup/[0-9a-f]{{32}}{re.escape(suffix)}", path)


def test_a_picture_may_be_bytes(moto, build):
    """As ChainBuilder.get_image allows."""
    assert fetched(build(endpoint_url=moto).get_image(PNG)).content == PNG


def test_the_url_is_good_for_the_lifetime(moto, build):
    """It is signed with version 4 for so many seconds; a part of a second counts as one."""
    url = build(endpoint_url=moto, lifetime=90.2).get_image(PNG)
    query = parse_qs(urlsplit(url).query)
    assert query["X-Amz-Expires"] == ["91"]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]


def test_a_public_address_makes_plain_urls(moto, build):
    """A CDN or a public bucket needs no signature; odd characters of the prefix are escaped."""
    builder = build(endpoint_url=moto, public_url=f"{moto}/{BUCKET}/", prefix="图 a/")
    public = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    ]}  # fmt: skip
    assert requests.put(f"{moto}/{BUCKET}?policy", json=public, timeout=10).ok
    url = builder.get_image(PNG)
    assert re.fullmatch(rf"{moto}/{BUCKET}/%E5%9B%BE%20a/[0-9a-f]{{32}}\.png", url)
    assert fetched(url).content == PNG


def test_the_same_content_gets_another_name_each_time(moto, build):
    """So that deleting one cannot take the other away."""
    builder = build(endpoint_url=moto)
    assert len({urlsplit(builder.get_image(PNG)).path for _ in range(5)}) == 5


def test_a_url_is_passed_on(build):
    """It is public already: nothing is stored."""
    url = "https://example.com/a.png"
    assert build(endpoint_url=f"http://127.0.0.1:{refusing_port()}").get_image(url) == url


def test_the_default_builder_is_overridden(moto, build, tmp_path):
    """What a chain carries reaches the bucket through ChainBuilder's own hook."""
    builder = build(endpoint_url=moto)
    assert isinstance(builder, ChainBuilder)
    source = load(sampled(tmp_path, "a.png", PNG), "image")
    assert fetched(builder.hand_over(source).url).content == PNG


# ---------------------------------------------------------------------- deleting


def test_what_qq_has_taken_is_deleted(moto, build):
    """The object goes; a second call finds nothing to do."""
    builder = build(endpoint_url=moto)
    before = objects(moto)
    url = builder.get_image(PNG)
    assert len(objects(moto) - before) == 1
    builder.uploaded(url)
    builder.uploaded(url)
    assert objects(moto) == before
    assert fetched(url).status_code == 404


def test_what_was_not_taken_stays(moto, build):
    """A picture inside markdown is never reported as taken."""
    builder = build(endpoint_url=moto)
    stays, goes = builder.get_image(PNG), builder.get_image(PNG)
    builder.uploaded(goes)
    assert fetched(stays).content == PNG


def test_only_its_own_objects_are_deleted(moto, build):
    """Neither another builder's, nor one that looks like it, nor one that merely was named."""
    other = build(endpoint_url=moto)
    foreign = other.get_image(PNG)
    builder = build(endpoint_url=moto)
    builder.uploaded(foreign)
    builder.uploaded("https://example.com/qqgroup/a.png")
    builder.uploaded(builder.get_image(foreign))
    assert fetched(foreign).content == PNG


def test_deleting_can_be_turned_off(moto, build):
    """For those who keep what they sent."""
    builder = build(endpoint_url=moto, delete_after_upload=False)
    url = builder.get_image(PNG)
    builder.uploaded(url)
    assert fetched(url).content == PNG


def test_a_failed_deletion_is_one_line_in_the_log(build, caplog):
    """The message went out, so nothing is raised; no secret is written."""
    refusal = error_document("AccessDenied", f"not {SECRET}")
    with StandIn((200, b""), (403, refusal)) as server:
        builder = build(endpoint_url=server.url)
        url = builder.get_image(PNG)
        builder.uploaded(url)
    (record,) = [one for one in caplog.records if one.name.startswith("qqgroup_sync")]
    assert record.levelname == "WARNING"
    assert "AccessDenied: not ***" in record.getMessage()
    assert urlsplit(url).path not in record.getMessage()


def test_logs_of_boto_hide_what_it_signs_with(moto, build, caplog):
    """At level DEBUG it tells every header of every request, and each step of the signature."""
    with caplog.at_level(logging.DEBUG):
        builder = build(endpoint_url=moto, session_token="T0KEN-" + SECRET)
        url = builder.get_image(PNG)
        builder.uploaded(url)
    told = caplog.text
    assert "botocore.auth" in told
    signatures = re.findall(r"Signature=([0-9a-f]{64})|Signature:\n([0-9a-f]{64})", told)
    assert signatures == []
    assert SECRET not in told
    assert urlsplit(url).query not in told


def test_what_is_remembered_is_bounded(moto, build, monkeypatch):
    """Pictures inside markdown are never asked for again: the oldest is forgotten, not deleted."""
    monkeypatch.setattr(s3, "_REMEMBERED", 2)
    builder = build(endpoint_url=moto)
    first, second, third = (builder.get_image(PNG) for _ in range(3))
    for url in (first, second, third):
        builder.uploaded(url)
    assert [fetched(url).status_code for url in (first, second, third)] == [200, 404, 404]


# ---------------------------------------------------------------------- the providers


def signed_url(builder):
    """Return the URL that the builder would sign for a file, without any traffic."""
    return builder._url(builder._connected(), "qqgroup/a.png")


@pytest.mark.parametrize(
    ("make", "start", "scope"),
    [
        (
            lambda: S3ChainBuilder.cos(BUCKET, "ap-guangzhou", secret_id="i", secret_key="k"),
            f"https://{BUCKET}.cos.ap-guangzhou.myqcloud.com/qqgroup/a.png?",
            "/ap-guangzhou/s3/aws4_request",
        ),
        (
            lambda: S3ChainBuilder.oss(
                "pictures", "cn-hangzhou", access_key_id="i", access_key_secret="k"
            ),
            "https://pictures.s3.oss-cn-hangzhou.aliyuncs.com/qqgroup/a.png?",
            "/cn-hangzhou/s3/aws4_request",
        ),
        (
            lambda: S3ChainBuilder.oss(
                "pictures",
                "oss-cn-hangzhou",
                access_key_id="i",
                access_key_secret="k",
                internal=True,
            ),
            "https://pictures.s3.oss-cn-hangzhou.aliyuncs.com/qqgroup/a.png?",
            "/cn-hangzhou/s3/aws4_request",
        ),
        (
            lambda: S3ChainBuilder(
                "pictures", region="eu-central-1", access_key="i", secret_key="k"
            ),
            "https://pictures.s3.eu-central-1.amazonaws.com/qqgroup/a.png?",
            "/eu-central-1/s3/aws4_request",
        ),
        (
            lambda: S3ChainBuilder(
                "pictures", endpoint_url="https://minio.example.com", access_key="i", secret_key="k"
            ),
            "https://minio.example.com/pictures/qqgroup/a.png?",
            "/us-east-1/s3/aws4_request",
        ),
        (
            lambda: S3ChainBuilder(
                "pictures",
                endpoint_url="http://minio:9000",
                public_endpoint_url="https://files.example.com",
                access_key="i",
                secret_key="k",
            ),
            "https://files.example.com/pictures/qqgroup/a.png?",
            "/us-east-1/s3/aws4_request",
        ),
    ],
    ids=["cos", "oss", "oss internal", "amazon", "any", "another way in"],
)
def test_the_hosts_that_qq_is_sent_to(make, start, scope):
    """COS and OSS want the bucket in the host; QQ gets the public one, signed for the region."""
    url = signed_url(make())
    assert url.startswith(start)
    query = parse_qs(urlsplit(url).query)
    assert query["X-Amz-Credential"][0].endswith(scope)
    assert query["X-Amz-Expires"] == ["3600"]


def test_internal_traffic_goes_to_the_internal_host():
    """Uploading within Aliyun is free of charge."""
    builder = S3ChainBuilder.oss(
        "pictures", "cn-hangzhou", access_key_id="i", access_key_secret="k", internal=True
    )
    assert builder.endpoint_url == "https://s3.oss-cn-hangzhou-internal.aliyuncs.com"
    assert "oss-cn-hangzhou-internal" in repr(builder)


def test_an_endpoint_that_is_given_wins(moto):
    """Over every address that the provider's name stands for."""
    keys = {"access_key_id": "i", "access_key_secret": "k"}
    builder = S3ChainBuilder.oss(BUCKET, "cn-hangzhou", internal=True, endpoint_url=moto, **keys)
    assert fetched(builder.get_image(PNG)).content == PNG
    builder.close()


def test_an_upload_is_a_plain_put(build, monkeypatch):
    """Seen by a proxy of the environment, as COS gets it: bucket in the host, no aws-chunked."""
    with StandIn() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        builder = S3ChainBuilder.cos(
            BUCKET,
            "ap-guangzhou",
            secret_id=KEY_ID,
            secret_key=SECRET,
            endpoint_url="http://cos.ap-guangzhou.myqcloud.com",
        )
        url = builder.get_image(PNG)
        builder.uploaded(url)
        builder.close()
    put, delete = proxy.requests
    assert put.method == "PUT"
    assert put.target == url.partition("?")[0]
    assert put.headers["host"] == f"{BUCKET}.cos.ap-guangzhou.myqcloud.com"
    assert put.length == len(PNG)
    assert put.headers["x-amz-content-sha256"] == put.sha256 == hashlib.sha256(PNG).hexdigest()
    assert put.headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={KEY_ID}/")
    assert "content-encoding" not in put.headers
    assert "transfer-encoding" not in put.headers
    assert not [name for name in put.headers if "checksum" in name or "trailer" in name]
    assert (delete.method, delete.target) == ("DELETE", put.target)


@pytest.mark.parametrize(
    "variables",
    [("COS_SECRET_ID", "COS_SECRET_KEY"), ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY")],
)
def test_cos_takes_keys_from_the_environment(moto, monkeypatch, variables):
    """The variables of Tencent's own tools; the endpoint may be another one."""
    for name, value in zip(variables, (KEY_ID, SECRET), strict=True):
        monkeypatch.setenv(name, value)
    builder = S3ChainBuilder.cos(BUCKET, "ap-guangzhou", endpoint_url=moto)
    url = builder.get_image(PNG)
    builder.close()
    assert f"X-Amz-Credential={KEY_ID}%2F" in url
    assert fetched(url).content == PNG


@pytest.mark.parametrize(
    "variables",
    [
        ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"),
        (
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "ALIBABA_CLOUD_SECURITY_TOKEN",
        ),
    ],
)
def test_oss_takes_keys_from_the_environment(moto, monkeypatch, variables):
    """The variables of Aliyun's own tools, temporary keys included."""
    for name, value in zip(variables, (KEY_ID, SECRET, "a-token"), strict=True):
        monkeypatch.setenv(name, value)
    builder = S3ChainBuilder.oss(BUCKET, "cn-hangzhou", endpoint_url=moto)
    url = builder.get_image(PNG)
    builder.close()
    assert f"X-Amz-Credential={KEY_ID}%2F" in url
    assert "X-Amz-Security-Token=a-token" in url
    assert fetched(url).content == PNG


def test_the_example_hosts_where_it_is_told(moto, monkeypatch):
    """examples/cloud_storage.py, with moto in the place of COS."""
    monkeypatch.setenv("COS_BUCKET", BUCKET)
    monkeypatch.setenv("COS_SECRET_ID", KEY_ID)
    monkeypatch.setenv("COS_SECRET_KEY", SECRET)
    monkeypatch.setenv("S3_ENDPOINT_URL", moto)
    monkeypatch.setenv("QQ_APPID", "1")
    monkeypatch.setenv("QQ_CLIENT_SECRET", "secret-of-1")
    example = Path(__file__).parents[2] / "examples" / "cloud_storage.py"
    storage = runpy.run_path(str(example))["storage"]
    url = storage.get_image(PNG)
    storage.close()
    assert url.startswith(f"{moto}/{BUCKET}/")
    assert fetched(url).content == PNG


def test_keys_of_amazon_are_not_sent_elsewhere(monkeypatch):
    """COS without keys says so, though boto3 would find some."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "amazon")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "amazon")
    with pytest.raises(ConfigError, match="no keys") as caught:
        S3ChainBuilder.cos(BUCKET, "ap-guangzhou")
    assert "COS_SECRET_ID / COS_SECRET_KEY" in caught.value.remedy


def test_other_stores_take_amazons_keys(moto, monkeypatch):
    """Without keys boto3 looks where it always does."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "fromtheenvironment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    builder = S3ChainBuilder(BUCKET, endpoint_url=moto)
    assert "X-Amz-Credential=fromtheenvironment%2F" in builder.get_image(PNG)
    builder.close()


# ---------------------------------------------------------------------- wrong arguments


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bucket": ""}, "bucket=''"),
        ({"bucket": None}, "bucket=None"),
        ({"bucket": "https://a.example.com/b"}, "bucket="),
        ({"lifetime": 0}, "lifetime=0"),
        ({"lifetime": 7 * 24 * 3600 + 1}, "lifetime=604801"),
        ({"lifetime": float("nan")}, "lifetime=nan"),
        ({"lifetime": "1h"}, "lifetime='1h'"),
        ({"prefix": "/a"}, "prefix='/a'"),
        ({"prefix": "a/../b"}, "prefix="),
        ({"endpoint_url": "cos.ap-guangzhou.myqcloud.com"}, "endpoint_url="),
        ({"public_url": "ftp://example.com"}, "public_url="),
        ({"public_url": "https://example.com/?a=1"}, "public_url="),
        ({"public_endpoint_url": "http://example.com:99999"}, "public_endpoint_url="),
        ({"addressing_style": "cname"}, "addressing_style='cname'"),
        ({"signature_version": "v4"}, "signature_version='v4'"),
        ({"secret_key": None}, "the secret key is missing"),
        ({"access_key": ""}, "the key id is missing"),
    ],
    ids=str,
)
def test_what_cannot_be_right_is_refused_at_once(build, options, words):
    """In the user's line, with what would be right."""
    with pytest.raises(ConfigError) as caught:
        build(**options)
    assert caught.value.summary.startswith(words)
    assert caught.value.remedy


@pytest.mark.parametrize("bucket", ["pictures", "pictures-1", "pictures-1250000000/", "", None])
def test_a_cos_bucket_needs_its_appid(bucket):
    """Without it COS answers that there is no such bucket, which helps nobody."""
    with pytest.raises(ConfigError) as caught:
        S3ChainBuilder.cos(bucket, "ap-guangzhou", secret_id="i", secret_key="k")
    assert "APPID" in caught.value.remedy


@pytest.mark.parametrize("make", [S3ChainBuilder.cos, S3ChainBuilder.oss])
@pytest.mark.parametrize("region", ["", None, "广州", "example.com/", "ap_guangzhou"])
def test_a_region_is_no_host(make, region):
    """It becomes part of a host name: the keys go nowhere else."""
    with pytest.raises(ConfigError, match="region="):
        make(BUCKET, region)


def test_constructing_does_nothing():
    """No import of boto3, no traffic: a script starts as fast as ever."""
    script = (
        "import sys, socket\n"
        "socket.socket.connect = None\n"
        "from qqgroup_sync.media.hosting.s3 import S3ChainBuilder\n"
        "S3ChainBuilder.cos('pictures-1250000000', 'ap-guangzhou', secret_id='i', secret_key='k')\n"
        "print(sorted({'boto3', 'botocore'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "[]"


def test_without_boto3_the_extra_is_named(monkeypatch, build, moto):
    """When the builder is made, and also when boto3 went away since."""
    made = build(endpoint_url=moto)
    monkeypatch.setitem(sys.modules, "boto3", None)
    for attempt in (build, lambda: made.get_image(PNG)):
        with pytest.raises(ConfigError, match="boto3") as caught:
            attempt()
        assert 'pip install "qqgroup_sync[s3]"' in caught.value.remedy


# ---------------------------------------------------------------------- failures


def refused(builder, content=PNG):
    """Return the error with which the builder refuses, after looking for secrets in it."""
    with pytest.raises(HostingError) as caught:
        builder.get_image(content)
    error = caught.value
    chain = f"{error} {error!r} {error.__cause__}"
    assert SECRET not in chain
    assert "Signature=" not in chain
    assert error.remedy
    assert "\n" not in error.summary
    return error


def test_a_wrong_bucket(moto, build):
    """Name, storage's own words and what to do."""
    error = refused(build("no-such-bucket", endpoint_url=moto))
    assert error.summary.startswith("cannot put image into bucket no-such-bucket: NoSuchBucket: ")
    assert "region" in error.remedy


@pytest.mark.parametrize(("language", "word"), [("en", "not the bot's"), ("zh", "而不是机器人的")])
def test_wrong_keys(moto, build, language, word):
    """As moto refuses them once it checks keys; in the language of the client."""
    builder = build(endpoint_url=moto)
    builder.attach(1, Surroundings(Clock(), language=language))
    requests.post(f"{moto}/moto-api/reset-auth", data=b"0", timeout=10)
    try:
        error = refused(builder)
    finally:
        requests.post(f"{moto}/moto-api/reset-auth", data=b"inf", timeout=10)
    assert "InvalidAccessKeyId" in error.summary
    assert word in str(error)


REMEDIES = {
    "SignatureDoesNotMatch": "secret key",
    "AccessDenied": "PutObject",
    "RequestTimeTooSkewed": "clock",
    "PathStyleDomainForbidden": "virtual",
    "PublicEndpointForbidden": "internal=True",
    "UserDisable": "arrears",
    "SlowDown": "later",
    "NeverHeardOf": "documentation",
}


def test_what_a_storage_answers_gets_a_remedy(build, monkeypatch):
    """Codes of Amazon, COS and OSS; the storage's text is kept, but for secrets."""
    monkeypatch.setenv("QQ_LANGUAGE", "en")
    answers = [(403, error_document(code, f"No\n{KEY_ID} here")) for code in REMEDIES]
    with StandIn(*answers) as server:
        builder = build(endpoint_url=server.url)
        for code, word in REMEDIES.items():
            error = refused(builder)
            assert error.summary.endswith(f"{code}: No *** here")
            assert word in error.remedy


def test_a_refused_connection(build):
    """Nobody listens there."""
    error = refused(build(endpoint_url=f"http://127.0.0.1:{refusing_port()}"))
    assert "no connection (EndpointConnectionError)" in error.summary
    assert "endpoint_url" in error.remedy or "endpoint_url" in str(error)


def test_a_silent_storage(build, monkeypatch):
    """It is left after the time-out."""
    monkeypatch.setattr(s3, "READ_TIMEOUT", 0.2)
    with ScriptedServer(silence) as server:
        error = refused(build(endpoint_url=server.url))
    assert "no answer in time (ReadTimeoutError)" in error.summary


def test_attempts_are_counted(build, monkeypatch):
    """A storage in trouble is asked again, but not for ever."""
    monkeypatch.setattr(s3, "ATTEMPTS", 2)
    with StandIn((503, error_document("SlowDown", "busy")), (200, b"")) as server:
        build(endpoint_url=server.url).get_image(PNG)
    assert [one.length for one in server.requests] == [len(PNG), len(PNG)]


def test_a_web_server_is_no_storage(build):
    """A wrong address gives an error of ours, whatever is answered there."""
    with StandIn((404, b"<html>no such page"), (502, b"{}")) as server:
        builder = build(endpoint_url=server.url)
        for status in (404, 502):
            assert str(status) in refused(builder).summary


def test_what_speaks_no_http(build):
    """Another port of the same machine, for example."""
    with ScriptedServer(b"SSH-2.0-OpenSSH_9.6\r\n") as server:
        assert "no connection" in refused(build(endpoint_url=server.url)).summary


def test_no_keys_at_all(moto, build):
    """Neither given nor found."""
    error = refused(build(endpoint_url=moto, access_key=None, secret_key=None))
    assert "there are no keys" in error.summary


def test_an_untrusted_certificate(build, monkeypatch, tmp_path):
    """The client's own certificates count: without the right one TLS fails."""
    ssl_context, ca_file = _self_signed(tmp_path)
    with StandIn(tls=ssl_context) as server:
        builder = build(endpoint_url=server.url)
        assert "certificate" in refused(builder).summary
        builder.close()
        builder.attach(1, Surroundings(Clock(), ca_bundle=str(ca_file)))
        assert builder.get_image(PNG).startswith(server.url)


def _self_signed(tmp_path):
    """Return a server's TLS context for 127.0.0.1, and the file of its certificate."""
    import datetime as dt
    import ipaddress
    import ssl

    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    both = tmp_path / "server.pem"
    ca_file = tmp_path / "ca.pem"
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    both.write_bytes(private + public)
    ca_file.write_bytes(public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, ca_file


@pytest.mark.parametrize("content", [b"", "missing.png"], ids=["empty", "missing"])
def test_nothing_to_put(moto, build, content):
    """As everywhere in the package: an error that names the file."""
    with pytest.raises(MediaError) as caught:
        build(endpoint_url=moto).get_image(content)
    assert caught.value.remedy


def test_no_secret_shows(build):
    """Neither in repr, nor in str, nor when an address carries a password."""
    builder = build(endpoint_url="http://user:password@example.com", session_token="the-token")
    for text in (repr(builder), str(builder)):
        assert BUCKET in text
        for secret in (KEY_ID, SECRET, "password", "the-token"):
            assert secret not in text


def test_the_url_is_masked_where_text_is(moto, build):
    """What signs it never reaches a log through our mask."""
    url = build(endpoint_url=moto).get_image(PNG)
    assert "Signature" in url
    assert "Signature" not in mask(f"uploading {url}")


# ---------------------------------------------------------------------- threads and memory


def test_many_threads_at_once(moto, build, tmp_path):
    """Eight threads that are first together share one client, and none gets another's file."""
    builder = build(endpoint_url=moto)
    ready = threading.Barrier(8)
    results = {}

    def one(number):
        ready.wait(10)
        path = sampled(tmp_path, f"{number}.bin", f"file {number}".encode() * 1000)
        results[number] = [builder.get_file(path) for _ in range(5)]

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len({url for urls in results.values() for url in urls}) == 40
    for number, urls in results.items():
        for url in urls:
            assert fetched(url).content == f"file {number}".encode() * 1000


def test_no_thread_is_left(moto, build, tmp_path):
    """boto3's own transfers would begin some; here the caller's thread does it all."""
    content = bytes(9 * 1024 * 1024)  # more than boto3 puts into one part
    builder = build(endpoint_url=moto)
    before = set(threading.enumerate())
    url = builder.get_file(sampled(tmp_path, "big.bin", content))
    new = {one.name for one in set(threading.enumerate()) - before}
    assert [name for name in new if "process_request" not in name] == []  # those are moto's
    assert fetched(url).content == content


def test_a_large_file_is_streamed(build, tmp_path):
    """30 MB from disk cost a few MB of memory."""
    path = tmp_path / "film.mp4"
    piece = MP4 + os.urandom(1024 * 1024 - len(MP4))
    expected = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(30):
            file.write(piece)
            expected.update(piece)
    with StandIn() as storage:
        builder = build(endpoint_url=storage.url)
        builder._connected()  # boto3's own data is not what is measured
        tracemalloc.start()
        try:
            builder.get_file(str(path))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    (put,) = storage.requests
    assert (put.length, put.sha256) == (30 * len(piece), expected.hexdigest())
    assert peak < 8 * 1024 * 1024


# ---------------------------------------------------------------------- its client's life


def test_connections_close_with_the_last_client(build):
    """A stopped bot leaves no socket; a later start opens new ones."""
    with StandIn() as server:
        builder = build(endpoint_url=server.url)
        for user in (1, 2):
            builder.attach(user, Surroundings(Clock()))
        builder.get_image(PNG)
        assert builder.detach(1, Deadline(Clock(), 1)) == []
        builder.get_image(PNG)
        assert server.connections == 1
        assert builder.detach(2, Deadline(Clock(), 1)) == []
        builder.get_image(PNG)
        assert server.connections == 2
