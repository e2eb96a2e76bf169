"""At the door: keyed pseudonyms in place of identifiers, and free text without addresses and numbers."""

import hmac
import os
import re
import stat
from pathlib import Path

KEY_BYTES = 16
PSEUDONYM = re.compile(r"\bp_[0-9a-f]{24}\b")


class PrivacyError(ValueError):
    """A rule about people's data is not met; the message says which, and the remedy."""


class Pseudonymiser:
    """Replace identifiers by keyed pseudonyms (HMAC-SHA256, the first 96 bits).

    The same key gives the same pseudonym in every table; without the key nobody can go from an
    identifier to its pseudonym. Method: Krawczyk, Bellare & Canetti (1997), RFC 2104.

    Parameters
    ----------
    key : bytes
        At least 16 bytes, kept outside the project.

    Raises
    ------
    PrivacyError
        If the key is shorter than 16 bytes.

    Examples
    --------
    >>> pseudonym = Pseudonymiser(b"sixteen bytes or more")
    >>> pseudonym("00123") == pseudonym("00123"), pseudonym("00123") == pseudonym("123")
    (True, False)
    """

    def __init__(self, key):
        if len(key) < KEY_BYTES:
            raise PrivacyError(
                f"The key for pseudonyms has {len(key)} bytes and needs at least {KEY_BYTES}. "
                "Make one with: python -c \"import secrets; print(secrets.token_hex(32))\""
            )
        self._key = bytes(key)

    def __repr__(self):
        return "Pseudonymiser(key withheld)"

    def __call__(self, identifier):
        return "p_" + hmac.digest(self._key, identifier.encode(), "sha256").hex()[:24]

    @classmethod
    def from_environment(cls, variable):
        """Read a hexadecimal key from an environment variable, or from the file `<variable>_FILE` names.

        Raises
        ------
        PrivacyError
            If neither is set, the key is not hexadecimal, or others may read the file.
        """
        text, path = os.environ.get(variable), os.environ.get(f"{variable}_FILE")
        if text is None and path is None:
            raise PrivacyError(
                f"This study holds people's identifiers and no key is set to replace them. Make a key once "
                f'(python -c "import secrets; print(secrets.token_hex(32))"), keep it outside the project, '
                f"and set the environment variable {variable} to it, or {variable}_FILE to a file of mode 600."
            )
        if text is None:
            if not Path(path).is_file():
                raise PrivacyError(f"The key file that {variable}_FILE names does not exist.")
            if os.name == "posix" and stat.S_IMODE(os.stat(path).st_mode) & 0o077:
                raise PrivacyError(
                    f"Others may read the key file that {variable}_FILE names; give it mode 600.")
            text = Path(path).read_text(encoding="ascii", errors="replace")
        try:
            return cls(bytes.fromhex(text.strip()))
        except ValueError as error:
            if isinstance(error, PrivacyError):
                raise
            raise PrivacyError(f"The key that {variable} gives is not hexadecimal (0-9, a-f).") from None


_SCRUBBED = (
    (re.compile(r"(?:https?://|www\.)\S+", re.I), "[link]"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9a-f]{1,4}:){4,7}(?:[0-9a-f]{1,4}\b|:)", re.I), "[address]"),
    (re.compile(r"\b[A-Za-z]{0,4}\d{5,}[A-Za-z]?\b"), "[number]"),
    (re.compile(r"\+?\d(?:[\s().-]?\d){6,}"), "[number]"),
)


def scrub(text):
    """Replace e-mail and network addresses, links, telephone numbers and identifiers in free text.

    Examples
    --------
    >>> scrub("Write to a.reader@example.org or ring 020 7946 0000, card B0012345")
    'Write to [e-mail] or ring [number], card [number]'
    """
    for pattern, word in _SCRUBBED:
        text = pattern.sub(word, text)
    return text
