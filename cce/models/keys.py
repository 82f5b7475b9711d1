"""Keys: each goes to the host that it is for, and to no other.

`OPENAI_API_KEY` goes to OpenAI over https. Another host gets `CCE_API_KEY_<HOST>`, its name in capitals with _ for
every other sign, such as CCE_API_KEY_API_MISTRAL_AI, or the variable that the model's settings name. `CCE_API_KEY`
will do where all models of a process are at one host.
"""

import os
import re
from urllib.parse import urlsplit

from cce.errors import BadInput

NO_KEY = "no-key"
# So short a stand-in, such as EMPTY without its last letters, is no secret: to mask it would maim words.
SHORTEST_SECRET = 4
# By the value of CCE_API_KEY, the host that it went to.
_given: dict[str, str] = {}


def key_for(url: str, needed: bool = True, own: str | None = None) -> str:
    """The key for an address, or NO_KEY; where `own` is given, that of this variable.

    Raises BadInput for a key that cannot be sent or would go to two hosts, and unless none is `needed` for OpenAI or an
    `own` variable without one.
    """
    address = urlsplit(url)
    if own:
        if not (key := _from(own)) and needed:
            raise BadInput(f"no key for {url}: set {own}, which the settings of this model name")
        return key or NO_KEY
    if is_openai(url):
        if address.scheme != "https":
            raise BadInput(
                f"{url}: a key goes to OpenAI over https alone; write https://{address.netloc}{address.path}"
            )
        key = _from("OPENAI_API_KEY")
        if needed and not key:
            raise BadInput(f"no key for {url}: set OPENAI_API_KEY, or name the model NAME@BASE_URL for another server")
        return key or NO_KEY
    return _from(own_name(address.hostname)) or _shared(address.hostname) or NO_KEY


def is_openai(url: str) -> bool:
    """Whether the address is OpenAI's."""
    return f".{urlsplit(url).hostname}".endswith(".openai.com")


def own_name(host: str) -> str:
    """The environment variable that holds a host's own key."""
    return "CCE_API_KEY_" + re.sub("[^A-Z0-9]", "_", host.upper())


def masked(said: str, key: str) -> str:
    """The text without the key."""
    return said if len(key) < SHORTEST_SECRET or key == NO_KEY else said.replace(key, "***")


def _shared(host: str) -> str:
    key = _from("CCE_API_KEY")
    if key and (other := _given.setdefault(key, host)) != host:
        names = f"{own_name(other)} and {own_name(host)}"
        raise BadInput(
            f"CCE_API_KEY would go to {other} and to {host}: set {names} instead, each with the key of its host"
        )
    return key


def _from(name: str) -> str:
    key = os.environ.get(name, "").strip()
    if not re.fullmatch(r"[!-~]*", key):
        raise BadInput(f"{name}: this key holds a space or a sign that no key has; copy it anew")
    return key
