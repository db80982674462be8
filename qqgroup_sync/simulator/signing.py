"""How webhook posts are signed (6.2, 6.3): Ed25519 with a key made of the bot's secret. Pure.

cryptography is loaded when the first key is made: most simulators never need it.
"""

from __future__ import annotations

_SEED = 32


class Signer:
    """The key pair of one bot, which both sides make of the secret.

    Args:
        secret: The client secret (AppSecret).
    """

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("webhook posts are signed with the bot's secret, and it has none")
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - lazy
            Ed25519PrivateKey,
        )

        seed = secret.encode()
        while len(seed) < _SEED:
            seed += seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed[:_SEED])

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that a receiver verifies with."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, timestamp: str, body: bytes) -> str:
        """Return the ``X-Signature-Ed25519`` of a post: over time stamp and exact body, in hex."""
        return self._key.sign(timestamp.encode() + body).hex()

    def proves(self, event_ts: str, plain_token: str, signature: str) -> bool:
        """Tell whether an answer to the address check (op 13) was made with the same secret."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - lazy

        try:
            signed = bytes.fromhex(signature)
            self._key.public_key().verify(signed, f"{event_ts}{plain_token}".encode())
        except (InvalidSignature, ValueError):
            return False
        return True
