"""A provider of OpenID Connect on loopback: discovery, keys, sign-in, token; and what may be wrong with its answers."""

import hashlib
import hmac
import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "portal", "between us two"


class Provider(ThreadingHTTPServer):
    """Signs people in without asking: `person` is who they are."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Counter)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})
        self.person: dict[str, Any] = {
            "sub": "7", "email": "marta@example.org", "email_verified": True, "name": "Marta Colantoni",
        }  # fmt: skip
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.claims: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] = self.honestly
        self.calls_itself = self.issuer
        self.also: dict[str, str] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def honestly(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "first"}, claims, self.key)

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.calls_itself,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return asked["redirect_uri"] + "?" + urlencode({"code": code, "state": asked["state"], **self.also})

    def token(self, asked: dict[str, str]) -> dict[str, Any] | None:
        """Return the token for a code, if whoever asks proves to be who began."""
        began = self.codes.pop(asked["code"], None)
        digest = urlsafe_b64encode(hashlib.sha256(asked["code_verifier"].encode()).digest()).decode().rstrip("=")
        if began is None or digest != began["code_challenge"] or asked["redirect_uri"] != began["redirect_uri"]:
            return None
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "nonce": began["nonce"], "iat": now, "exp": now + 300,
                  "auth_time": now, **self.person, **self.claims}  # fmt: skip
        token = self.sign({name: value for name, value in claims.items() if value is not None})
        return {"access_token": "x", "token_type": "Bearer", "id_token": token}

    # What may be wrong

    def with_another_key(self, claims: dict[str, Any]) -> str:
        other = RSAKey.generate_key(2048, {"kid": "first"})
        return jwt.encode({"alg": "RS256", "kid": "first"}, claims, other)

    def with_the_public_key_as_a_secret(self, claims: dict[str, Any]) -> str:
        signed = ".".join(_part(part) for part in ({"alg": "HS256", "kid": "first"}, claims))
        seal = hmac.new(self.key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{urlsafe_b64encode(seal).decode().rstrip('=')}"

    def with_the_shared_secret(self, claims: dict[str, Any]) -> str:
        shared = OctKey.import_key(SECRET.encode())
        return jwt.encode({"alg": "HS256"}, claims, shared, algorithms=["HS256"])

    def unsigned(self, claims: dict[str, Any]) -> str:
        return ".".join(_part(part) for part in ({"alg": "none", "kid": "first"}, claims)) + "."

    def changed_afterwards(self, claims: dict[str, Any]) -> str:
        head, _body, signature = self.honestly(claims).split(".")
        return f"{head}.{_part({**claims, 'sub': '1'})}.{signature}"


def _part(said: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


class _Counter(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(parts.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._say(self.server.description())
        elif parts.path == "/keys":
            self._say({"keys": [self.server.key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.server.authorize(asked))
            self.end_headers()
        else:
            self._say({}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        token = self.server.token(asked)
        self._say(token or {"error": "invalid_grant"}, 200 if token else 400)

    def _say(self, said: dict[str, Any], status: int = 200) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
