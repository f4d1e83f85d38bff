"""Flask-Security without its own passkeys and providers: ours import what they need when somebody uses one."""

from portal.kernel.lean import load

load("flask_security", "webauthn", "authlib", "cryptography")
