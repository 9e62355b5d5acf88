"""Olga's config.toml as she would write it; what a line needs otherwise comes from the environment."""

from __future__ import annotations

from pathlib import Path

from tests.outside.processes import HOST
from tests.outside.shop import BIN_SHOP, NEWER, SECRET, SHOP, WOO_SECRET

USERNAME = "atelier_noord_bot"
OLGA_ID = 9_000_001

_TEXT = """\
[programme]
name = "Atelier Noord"
base_url = "http://{host}:{port}"
no_history = true

[storage]
url = "{url}"

[web]
port = {port}

[telegram]
token = "{token}"
username = "{username}"
api_server = "{telegram}"
owner_ids = [{olga}]

[[shops]]
name = "{shop}"
kind = "standard"
secrets = ["{secret}", "{newer}"]
landing_url = "https://shop.example/?ref={{code}}"

[[shops]]
name = "{bin_shop}"
kind = "woocommerce"
secrets = ["{woo_secret}"]
landing_url = "https://noord.example/?ref={{code}}"

[bonus.friend]
amount = "10.00"
min_order = "25.00"

[cadence]
holdout_percent = 0
"""


def write_config(path: Path, *, url: str, port: int, telegram: str, token: str) -> Path:
    """The file is written; € 15 for a friend's first order is what stands there by default."""
    path.write_text(
        _TEXT.format(
            host=HOST, port=port, url=url, telegram=telegram, token=token, username=USERNAME, olga=OLGA_ID,
            shop=SHOP, secret=SECRET, newer=NEWER, bin_shop=BIN_SHOP, woo_secret=WOO_SECRET,
        ),
        encoding="utf-8",
    )  # fmt: skip
    return path
