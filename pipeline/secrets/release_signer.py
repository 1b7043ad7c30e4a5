"""All that signs the releases of a site, as its settings say."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from slipway.model.errors import SlipwayError
from slipway.model.site import SiteSettings
from slipway.scripts.releases.signing.keyless import KeylessSigner
from slipway.scripts.releases.signing.openpgp import OpenPgpSigner
from slipway.scripts.releases.signing.signing import SiteSigner, SumsSigner
from slipway.secrets.reading import given_secret
from slipway.secrets.release_key import check_release_key, have_key
from slipway.state_folder import Home

__all__ = ["check_signers", "load_signer"]

#: A key must sign for so long, still, when a run starts.
_MARGIN = timedelta(days=30)


def load_signer(settings: SiteSettings, home: Home, folder: Path, now: datetime) -> SiteSigner:
    """Return all that signs releases; make the site's key, if none is given and there is none.

    Args:
        settings: The settings of the installation.
        home: Its state folder.
        folder: The folder of its pipeline.toml.
        now: The time.

    Raises:
        WrongInput: A key cannot be used.
        MissingTool: A key, or a program, cannot be had on this machine now.
    """
    ring, signer = have_key(settings, home, folder, now)
    others: list[SumsSigner] = []
    if (openpgp := _openpgp(settings, folder)) is not None:
        others.append(openpgp)
    if (keyless := _keyless(settings, folder)) is not None:
        others.append(keyless)
    return SiteSigner(ring, signer, tuple(others))


def check_signers(settings: SiteSettings, home: Home, folder: Path, now: datetime) -> str:
    """Return why a release of a run that starts now could not be signed; empty if it can."""
    if problem := check_release_key(settings, home, folder, now):
        return problem
    try:
        openpgp = _openpgp(settings, folder)
        expires = openpgp.check() if openpgp is not None else None
        if (keyless := _keyless(settings, folder)) is not None:
            keyless.check()
    except SlipwayError as error:
        return str(error)
    if openpgp is not None and expires is not None and expires - now < _MARGIN:
        return (
            f"openpgp: the key {openpgp.key} expires on {expires:%Y-%m-%d}, and a release needs "
            f"one for {_MARGIN.days} days more; `gpg --quick-set-expire` lets it sign for longer"
        )
    return ""


def _openpgp(settings: SiteSettings, folder: Path) -> OpenPgpSigner | None:
    given = settings.openpgp
    if given is None:
        return None
    secret = given.passphrase
    return OpenPgpSigner(
        given.key,
        folder / given.home if given.home else None,
        given_secret(secret, folder, "site.openpgp.passphrase") if secret else None,
        given.program,
    )


def _keyless(settings: SiteSettings, folder: Path) -> KeylessSigner | None:
    given = settings.sigstore
    if given is None:
        return None
    token = given_secret(given.token, folder, "site.sigstore.token") if given.token else None
    return KeylessSigner(token, folder / given.trust_config if given.trust_config else None)
