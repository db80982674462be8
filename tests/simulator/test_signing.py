"""Ed25519 as the platform's pages compute it: the published vectors, and one of our own."""

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from qqgroup_sync.simulator.signing import Signer

SECRET = "naOC0ocQE3shWLAfffVLB1rhYPG7"
TIMESTAMP = "1725442341"


def test_the_vector_of_the_address_check():
    """Webhook page, 2026-08."""
    signature = (
        "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d0"
        "1bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706"
    )
    signer = Signer("DG5g3B4j9X2KOErG")
    assert signer.proves(TIMESTAMP, "Arq0D5A61EgUu4OxUvOp", signature)
    assert not signer.proves(TIMESTAMP, "Brq0D5A61EgUu4OxUvOp", signature)
    assert not signer.proves(TIMESTAMP, "Arq0D5A61EgUu4OxUvOp", "not hex")


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (
            '{\n  "op": 0,\n  "d": {},\n  "t": "GATEWAY_EVENT_NAME"\n}',
            (
                "865ad13a61752ca65e26bde6676459cd36cf1be609375b37bd62af366e1dc25a"
                "8dc789ba7f14e017ada3d554c671a911bfdf075ba54835b23391d509579ed002"
            ),
        ),
        (
            '{ "op": 0,"d": {}, "t": "GATEWAY_EVENT_NAME"}',
            (
                "2eb9983ebb8bb209e78fd095942f58e442656656e7975d01e64f9023a84b7c96"
                "4290fdd40e5500c33867ccfe9563b7e0b6bac0e1d42c13e787b304fd51f71102"
            ),
        ),
    ],
    ids=["as it was signed", "as it is printed"],
)
def test_the_vectors_of_an_event(body, signature):
    """Signature page, 2026-08: it holds for the body with line breaks only."""
    signer = Signer(SECRET)
    assert signer.public_key.hex() == (
        "d7c362fe78aef81ff23287b493628b5db02a3c4fe30b215e4d19609b5d76673a"
    )
    assert signer.sign(TIMESTAMP, body.encode()) == signature


@pytest.mark.parametrize("secret", ["x", "0123456789abcdef" * 4])
def test_secrets_of_any_length(secret):
    """A short one is doubled until it is long enough, a long one is cut."""
    signer = Signer(secret)
    key = Ed25519PublicKey.from_public_bytes(signer.public_key)
    key.verify(bytes.fromhex(signer.sign("1", b"body")), b"1body")
    with pytest.raises(InvalidSignature):
        key.verify(bytes.fromhex(signer.sign("2", b"body")), b"1body")
    assert Signer((secret * 32)[:32]).public_key == signer.public_key


def test_without_a_secret_there_is_no_key():
    """Said at once."""
    with pytest.raises(ValueError, match="secret"):
        Signer("")
