"""Secrets never leave as text, in whatever shape they stand; everything else stays readable."""

from __future__ import annotations

import io
import json
import logging
import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync import masking
from qqgroup_sync.masking import (
    HIDDEN,
    MaskingFilter,
    Secret,
    SecretBytes,
    know,
    know_proxy,
    mask,
    mask_library,
    masked_logger,
)

SECRET = "hG7-kQ2_xW9.zR4"
KEYS = ("access_token", "clientSecret", "client_secret", "auth_token", "password", "file_data")


def header(value):
    """Return request headers as requests keeps them."""
    return {"Authorization": f"QQBot {value}", "Accept": "*/*"}


@pytest.mark.parametrize(
    "text",
    [
        *(json.dumps({key: SECRET, "x": 1}) for key in KEYS),
        *(repr({key: SECRET}) for key in KEYS),
        *(f"{key}={SECRET}" for key in KEYS),
        json.dumps(json.dumps({"access_token": SECRET, "expires_in": "7200"})),
        json.dumps(json.dumps(json.dumps({"access_token": SECRET}))),
        repr({"client_secret": SECRET.encode()}),
        repr(json.dumps({"client_secret": SECRET}).encode()),
        json.dumps({"token": [SECRET]}),
        json.dumps({"ACCESS_TOKEN": SECRET}, indent=4),
        f'{{"access_token":"{SECRET}',  # a text cut off
        f"{{'access_token': '{SECRET}",
        f'{{"access_token": "a\\"b{SECRET}"}}',  # a quote within
        f"{{'token': 'it\\'s {SECRET}'}}",
        json.dumps(header(SECRET)),
        repr(header(SECRET)),
        repr(list(header(SECRET).items())),
        f"Authorization: QQBot {SECRET}",
        f"authorization: Bearer {SECRET}",
        f"Authorization: Basic {SECRET}",
        f"Proxy-Authorization: Basic {SECRET}",
        f"curl -H 'Authorization: QQBot {SECRET}' https://api.bot.qq.com",
        f"Authorization: Bot 102003004.{SECRET}",
        f"Bot 102003004.{SECRET}",
        f"QQBot {SECRET} was refused",
        f"凭证QQBot {SECRET}",
        f"令牌token={SECRET}，请更新",
        f"token：{SECRET}",
        f"bot_token = {SECRET}",
        f"X-Union-Token: {SECRET}",
        f'token=\n{{"access_token":"{SECRET}"}}',  # the first of the two has no value
        f"aws_secret_access_key={SECRET}",
        f"SecretId={SECRET}&SecretKey={SECRET}",
        f'"scene": ["auth_token={SECRET}", "msg_idx=REFIDX_1"]',
        f"https://cos.example.com/part?partNumber=1&sign={SECRET}",
        f"https://multimedia.nt.qq.com.cn/download?appid=1407&fileid={SECRET}",
        f"multimedia.nt.qq.com.cn/download?appid=1407&rkey={SECRET}",
        f"下载链接https://a.example.com/x.png?k={SECRET}。",
        f"HTTPS://A.EXAMPLE.COM/X?{SECRET}",
        f"https:\\/\\/a.example.com\\/x?k={SECRET}",
        f"wss://gateway.example.com/?t={SECRET}",
        f"http://user:{SECRET}@proxy.example.com:8080",
        f"socks5h://user:{SECRET}@127.0.0.1",
    ],
)
def test_a_secret_is_hidden(text):
    """Whatever the shape around it, the secret is gone and a mark stands for it."""
    masked = mask(text)
    assert SECRET not in masked
    assert HIDDEN in masked


@pytest.mark.parametrize("length", [200, 100_000])
def test_contents_of_files_are_hidden(length):
    """Base64 and hex of that length are a file, not prose."""
    for content in ("QUJD" * (length // 4), "0fA9" * (length // 4), "-_-a" * (length // 4)):
        assert mask(f"before {content}== after") == f"before {HIDDEN} after"


@pytest.mark.parametrize(
    "text",
    [
        "token ring, tokens: none, a secret garden, signed, design: good, assign=1",
        "the access token could not be refreshed: no answer",
        "Bot offline since noon; Bot started; Bots are here",
        "Bearer of news",
        "机器人已上线，令牌有效，密码学很有趣。签名：无",
        "GROUP 0A81EAA929FEE62EB9CB3A40EFF195CC user A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4",
        "POST /v2/groups/0A81EAA929FEE62EB9CB3A40EFF195CC/messages: refused (HTTP 400, code 22006)",
        "ROBOT1.0_kbcqZ2zJUn4Yu8Pi.WeVk9jq-tB-CY4iLLiDqIbQ8pE! REFIDX_CKcBEJ2Zkr8GGL==",
        "trace 0123456789abcdef0123456789abcdef",
        "https://api.bot.qq.com/v2/groups/G/messages and https://q.qq.com",
        "12:30 a=b key: value {'name': 'x'}",
        "see example.com?page=2",
        "啊" * 5000,
        "to be or not to be " * 500,
    ],
)
def test_ordinary_text_is_left_alone(text):
    """No word of a log line is lost because it resembles a secret."""
    assert mask(text) == text


def test_only_the_secret_part_of_an_address_goes():
    """Host and path of a download link stay, so that a log line still says what failed."""
    assert (
        mask("GET https://a.cn/x/y.png?k=1&z=2, then") == f"GET https://a.cn/x/y.png?{HIDDEN} then"
    )
    assert mask("https://u:pw@h.cn/x") == f"https://{HIDDEN}@h.cn/x"


def test_what_stands_beside_a_secret_stays():
    """Neighbouring fields remain readable."""
    masked = mask('{"access_token":"abc","expires_in":"7200","code":0}')
    assert masked == f'{{"access_token":{HIDDEN},"expires_in":"7200","code":0}}'


def test_known_secrets_are_hidden_without_a_pattern():
    """A secret that the caller names is hidden wherever it stands; trifles are not."""
    assert mask("we said hunter2 twice: hunter2", "hunter2") == f"we said {HIDDEN} twice: {HIDDEN}"
    assert mask("a cat", "a", "", None) == "a cat"


@pytest.fixture
def _no_secrets(monkeypatch):
    """Let what other tests made known stay out of this one, and the other way round."""
    monkeypatch.setattr(masking, "_lasting", {})
    monkeypatch.setattr(masking, "_passing", {})


@pytest.mark.usefixtures("_no_secrets")
def test_secrets_of_this_process_are_hidden_everywhere():
    """Without a pattern, too; and words stay words."""
    secret = "An0therSecretOfThisProcess"
    assert secret in mask(f"no pattern: {secret}")
    know(secret)
    know("simulated", lasting=True)
    assert mask(f"simulated, no pattern: {secret}!") == f"simulated, no pattern: {HIDDEN}!"


@pytest.mark.usefixtures("_no_secrets")
def test_of_very_many_tokens_the_oldest_are_forgotten():
    """They have ended long ago, and each one makes every masking slower."""
    for number in range(100):
        know(f"the token number {number:03}")
    assert mask("the token number 099") == HIDDEN
    assert mask("the token number 000") == "the token number 000"


@pytest.mark.usefixtures("_no_secrets")
def test_what_lasts_is_hidden_however_many_tokens_there_were():
    """The AppSecret and a proxy's password outlive them all."""
    know("the secret of the account", lasting=True)
    know_proxy("http://user:the-password@proxy.example")
    for number in range(100):
        know(f"the token number {number:03}")
    assert mask("the secret of the account") == HIDDEN
    assert mask("no pattern: the-password!") == f"no pattern: {HIDDEN}!"


@pytest.mark.usefixtures("_no_secrets")
def test_every_one_of_very_many_accounts_has_its_token_hidden():
    """Two of each, as the old one works beside the new one for a while."""
    for number in range(200):
        know(f"the secret number {number:03}", lasting=True)
    for number in range(400):
        know(f"the token number {number:03}")
    assert mask("the token number 000") == HIDDEN


def test_any_object_can_be_masked():
    """Exceptions and bodies are given as they are."""
    assert mask(ValueError("token=abc")) == f"token={HIDDEN}"
    assert mask({"token": 5}) == f"{{'token': {HIDDEN}}}"


@given(
    st.sampled_from(KEYS),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
)
def test_json_and_repr_hide_any_printable_value(key, value):
    """Quotes, backslashes and brackets inside a value do not let its rest through."""
    secret = f"{value}S3CRET-END"
    for text in (json.dumps({key: secret}), repr({key: secret}), repr({key: secret.encode()})):
        assert "S3CRET-END" not in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "a." * 50_000,
        "a_" * 50_000,
        "a-a." * 25_000,
        "https://" * 12_500,
        "http://:" * 12_500,
        "a:b@" * 25_000,
        "token " * 16_000,
        "token" + " " * 100_000,
        'token="\\"' * 10_000,
        'token=\\"' * 12_500,
        "token:" + "(" * 100_000 + ",",
        "authorization: " * 6_000,
        ("x" * 199 + "!") * 500,
        "\\" * 100_000,
        '"' * 100_000,
    ],
)
def test_long_input_takes_linear_time(text):
    """Eight times the text takes nowhere near 64 times as long."""

    def seconds(text):
        began = time.process_time()
        mask(text)
        return time.process_time() - began

    short = min(seconds(text[: len(text) // 8]) for _ in range(3))
    assert seconds(text) < 30 * short + 0.1


# ---------------------------------------------------------------------- values, logs, libraries


def test_a_secret_shows_itself_only_to_who_asks():
    """Repr is what debuggers, notebooks and error reports print; str is what is sent."""
    secret, packed = Secret(SECRET), SecretBytes(SECRET.encode())
    for shown in (
        repr(secret),
        repr(packed),
        repr({"token": secret}),
        f"{[packed]}",
        f"{secret!r}",
    ):
        assert SECRET not in shown
    assert str(secret) == f"{secret}" == SECRET
    assert secret == SECRET
    assert hash(secret) == hash(SECRET)
    assert bytes(packed) == packed == SECRET.encode()
    assert json.loads(json.dumps({"token": secret})) == {"token": SECRET}
    assert pickle.loads(pickle.dumps(secret)) == SECRET


@pytest.fixture
def written():
    """Return a masked logger and what its handler wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = masked_logger("tests.masked")
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, stream
    logger.removeHandler(handler)


def failing():
    """Raise as handlers of users do: with what they held in the text, and with causes."""
    try:
        try:
            raise KeyError(f"token={SECRET}-inner")
        except KeyError as error:
            raise OSError(f"GET https://a.cn/x?rkey={SECRET}-middle") from error
    except OSError:
        raise ValueError(f"QQBot {SECRET}-outer")  # noqa: B904 - chained all the same


def test_tracebacks_in_logs_are_masked_with_all_their_causes(written):
    """The user's own exceptions hold links and tokens, too, and so do those behind them."""
    logger, stream = written
    try:
        failing()
    except ValueError:
        logger.exception("handler failed with token=%s", SECRET)
    told = stream.getvalue()
    assert SECRET not in told
    assert told.count(HIDDEN) >= 4  # in the text, and for each of the three
    assert "ValueError: QQBot ***" in told
    assert "KeyError" in told
    assert "direct cause" in told
    assert 'raise OSError(f"GET' in told  # the code is shown as it is


def test_masking_breaks_no_log(written):
    """What holds no secret is left alone, and a wrong format stays logging's affair."""
    logger, stream = written
    logger.warning("%s of %d", "one", 2)
    try:
        raise RuntimeError("plain")
    except RuntimeError:
        logger.exception("failed")
    assert stream.getvalue().startswith("one of 2\nfailed\nTraceback")
    record = logging.LogRecord("x", logging.INFO, "", 0, "%d", ("no number",), None)
    assert MaskingFilter().filter(record)


def test_a_logger_is_masked_once():
    """However often a client is made."""
    for _ in range(5):
        mask_library("tests.library")
        logging.getLogger("tests.library.below")
    mask_library("tests.library")
    for name in ("tests.library", "tests.library.below"):
        filters = logging.getLogger(name).filters
        assert [type(one) for one in filters] == [MaskingFilter]
