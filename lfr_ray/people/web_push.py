"""Web Push to one session's browser: encrypted for it alone (RFC 8291), and signed as this site's (RFC 8292)."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from lfr_ray.data_dir import DataDir
from lfr_ray.durable_files import exclusive, write_durable
from lfr_ray.errors import InputError
from lfr_ray.people.tokens_and_sessions import Handset

TTL_S = 300
"""A push service keeps a message for a handset that is off so long; later the console itself catches up."""
PROVEN_S = 12 * 3600


def push_key(data_dir: DataDir) -> ECKey:
    """The site's key for push services, made at the first use."""
    with exclusive(data_dir.keys_lock, "making the push key", wait=True):
        if not data_dir.push_key.exists():
            write_durable(data_dir.push_key, ECKey.generate_key("P-256").as_pem(private=True), 0o600)
    return _read(data_dir.push_key)


@cache
def _read(path: Path) -> ECKey:
    found: ECKey = ECKey.import_key(path.read_bytes())
    return found


def public_text(key: ECKey) -> str:
    """What a browser subscribes with."""
    return _text(key.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def check_handset(handset: Handset, services: tuple[str, ...]) -> None:
    """Refuse a subscription that cannot be used.

    Raises:
        InputError: Its push service is not one of the site's, or its key is none.
    """
    if not any(handset.endpoint.startswith(f"{one}/") for one in services):
        raise InputError("this browser's push service is not one of the site's", allowed=", ".join(services))
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), _bytes(handset.p256dh))
    except ValueError:
        raise InputError("the browser's key is no point of P-256") from None


def message(handset: Handset, alert_id: str, key: ECKey, contact: str, now_s: float) -> tuple[bytes, dict[str, str]]:
    """A message that names one alert and says nothing of it: its body and headers.

    A repeat takes the place of an earlier one that has not arrived yet.
    """
    import http_ece  # where nobody is woken, nobody needs it

    body = http_ece.encrypt(
        json.dumps({"alert_id": alert_id}).encode(),
        private_key=generate_private_key(SECP256R1()),
        dh=_bytes(handset.p256dh),
        auth_secret=_bytes(handset.auth),
        version="aes128gcm",
    )
    claims = {"aud": "/".join(handset.endpoint.split("/")[:3]), "exp": int(now_s) + PROVEN_S, "sub": contact}
    token = jwt.encode({"alg": "ES256", "typ": "JWT"}, claims, key)
    return body, {
        "Authorization": f"vapid t={token},k={public_text(key)}",
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(TTL_S),
        "Urgency": "high",
        "Topic": alert_id[:32],
    }


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
