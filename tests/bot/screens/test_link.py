"""/link: what stands beside the link."""

from __future__ import annotations

from storage.customers import Customer
from storage.privacy import ConsentWord
from tests.bot.chat import Play


async def test_an_ambassador_puts_their_first_name_on_the_invitation_and_takes_it_off(play: Play) -> None:
    """Rule 41: a name is shown with consent only, and every word of it is on record."""
    anna, number, code = await play.connected("Anna")
    said = await play.say(anna, "/link")
    assert "ziet niet van wie die komt" in said.words
    await play.press(anna, "Toon mijn voornaam")
    assert "ziet dat die van Anna komt" in anna.last.words
    assert "Anna heeft iets voor je klaargezet" in (await play.start(play.person("Bram"), f"r_{code}")).words
    await play.press(anna, "Laat mijn voornaam weg")
    assert "ziet niet van wie die komt" in anna.last.words
    assert [row["link_consent"] for row in play.shop.rows(Customer) if row["id"] == number] == [False]
    words = [(row["about"], row["given"], row["channel"]) for row in play.shop.rows(ConsentWord)]
    assert words == [("name_on_link", True, "chat"), ("name_on_link", False, "chat")]
