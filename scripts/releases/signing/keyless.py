"""Sign SHA256SUMS without a key, by sigstore: an identity provider vouches, a public log remembers.

It is an extra: slipway[sigstore].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.scripts.releases.manifest import SUMS

if TYPE_CHECKING:
    from sigstore.models import Bundle, ClientTrustConfig
    from sigstore.oidc import IdentityToken

__all__ = ["KeylessSigner"]

_NAME = f"{SUMS}.sigstore.json"
#: Bytes of a file that names a private instance.
_MOST = 8 << 20


@dataclass(frozen=True)
class KeylessSigner:
    """An identity that signs."""

    token: str | None = field(default=None, repr=False)
    """An identity token. None: that of the machine."""
    trust_config: Path | None = None
    """The file that names a private instance. None: the public one."""

    def check(self) -> None:
        """Check, without any other machine's help, that it could sign.

        Raises:
            MissingTool: The library is missing, or this machine has no identity.
            WrongInput: The token or the file is none.
        """
        self._identity()
        if self.trust_config is not None:
            self._config()

    def signed(self, sums: Path) -> tuple[str, bytes]:
        """Return the signature of a file as a bundle, after verifying it.

        Raises:
            MissingTool: The library is missing, or this machine has no identity.
            WrongInput: The token or the file is none.
            StageFailed: The identity provider, the authority or the log refused, or is not there.
        """
        identity = self._identity()
        try:
            bundle = self._sign(identity, self._config(), sums.read_bytes())
        except (MissingTool, WrongInput):
            raise
        except Exception as error:  # noqa: BLE001  it raises what the libraries below it raise
            msg = f"sigstore: it did not sign: {self._reason(error)}; nothing was signed"
            raise StageFailed(msg) from None
        return _NAME, bundle.to_json().encode()

    def _sign(self, identity: IdentityToken, config: ClientTrustConfig, data: bytes) -> Bundle:
        from sigstore.sign import SigningContext
        from sigstore.verify import Verifier, policy

        with SigningContext.from_trust_config(config).signer(identity) as signer:
            bundle = signer.sign_artifact(data)
        said = policy.Identity(identity=identity.identity, issuer=identity.federated_issuer)
        Verifier(trusted_root=config.trusted_root).verify_artifact(data, bundle, said)
        return bundle

    def _identity(self) -> IdentityToken:
        try:
            from sigstore.oidc import IdentityError, IdentityToken, detect_credential
        except ModuleNotFoundError as error:
            msg = "sigstore: its library is not installed; install slipway[sigstore]"
            raise MissingTool(msg) from error
        try:
            token = self.token if self.token is not None else detect_credential()
        except IdentityError as error:
            msg = f"sigstore: this machine's identity cannot be had: {self._reason(error)}"
            raise MissingTool(msg) from None
        if token is None:
            msg = (
                "sigstore: this machine has no identity of its own; give a token: "
                'token = { command = ["program", "argument"] }'
            )
            raise MissingTool(msg)
        try:
            return IdentityToken(token)
        except IdentityError as error:
            msg = f"site.sigstore.token: {self._reason(error)}; a token lives for minutes"
            raise WrongInput(msg) from None

    def _config(self) -> ClientTrustConfig:
        from sigstore.models import ClientTrustConfig

        if self.trust_config is None:
            return ClientTrustConfig.production()
        try:
            with self.trust_config.open("rb") as stream:
                text = stream.read(_MOST).decode()
            return ClientTrustConfig.from_json(text)
        except OSError as error:
            msg = f"site.sigstore.trust-config: {self.trust_config}: {error.strerror}"
            raise WrongInput(msg) from None
        except Exception as error:  # noqa: BLE001  the same
            msg = f"site.sigstore.trust-config: {self.trust_config} is none: {self._reason(error)}"
            raise WrongInput(msg) from None

    def _reason(self, error: Exception) -> str:
        """Return the first line of an error, without the token."""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0] if lines else type(error).__name__
        return (reason.replace(self.token, "***") if self.token else reason)[:300]
