"""What the inspector must never show."""

import json

import pytest

from qqgroup_sync.simulator.inspect_masking import mask, mask_text

SECRET = "s3cret-V4lue"


@pytest.mark.parametrize(
    "value",
    [
        {"op": 2, "d": {"token": f"QQBot {SECRET}", "intents": 1}},
        {"op": 6, "d": {"token": SECRET, "session_id": "x"}},
        {"appId": "1", "clientSecret": SECRET},
        {"access_token": SECRET, "expires_in": "7200"},
        {"Authorization": f"QQBot {SECRET}"},
        {"parts": [{"index": 1, "presigned_url": f"http://x/cos/a?q-signature={SECRET}"}]},
        {"url": f"https://x/download?appid=1&fileid=2&rkey={SECRET}&spec=0"},
        {"raw_url": f"https://x/a.png?X-Amz-Signature={SECRET}"},
        {"message_scene": {"ext": ["msg_idx=REFIDX_a", f"auth_token={SECRET}"]}},
        {"file_data": "QUJD" * 300},
        {"content": f"my header is QQBot {SECRET}"},
        f'{{"op":2,"d":{{"token":"QQBot {SECRET}"',
        f'not json, "access_token": "{SECRET}"',
    ],
)
def test_secrets_are_hidden_wherever_they_stand(value):
    """Tokens, secrets, presigned addresses and base64, in frames, bodies and broken text."""
    shown = json.dumps(mask(value))

    assert SECRET not in shown
    assert "QUJDQUJD" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "value",
    [
        {"content": "hello token of love", "msg_id": "ROBOT1.0_abc", "msg_seq": 1},
        {"ext": ["msg_idx=REFIDX_abc=="]},
        {"url": "https://example.com/?city=Beijing"},
        {"op": 9, "d": False},
        {"file_info": "ab" * 40, "ttl": 0},
        [None, 1, 2.5, True, "x"],
    ],
)
def test_everything_else_stays(value):
    """What one looks for in an inspector is left as it is."""
    assert mask(value) == value


def test_lengths_are_told_and_long_texts_cut():
    """Base64 tells its length; a long text its own; deep nests end."""
    assert mask_text("A" * 1000) == "*** (1000 characters)"
    long = "word " * 2000
    assert mask_text(long).startswith("word word")
    assert mask_text(long).endswith("(10000 characters)")
    deep = value = []
    for _ in range(100):
        value.append([])
        value = value[0]
    assert "…" in json.dumps(mask(deep), ensure_ascii=False)
