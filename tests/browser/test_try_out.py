"""The try-out in a real browser: what somebody sees who types ``make demo`` and plays all three people."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from bot.demo import Demo
from bot.sandbox.build import ANNA, BRAM, OLGA

pytestmark = pytest.mark.timeout(180)


async def test_anna_shares_bram_buys_and_the_bonus_arrives(browser: BrowserContext, demo: Demo, tmp_path: Path) -> None:
    """Rule 44: from START to the credit, with nothing but clicks."""
    chats = await browser.new_page()
    await chats.goto(demo.chat_url)
    await anna_shares_her_link(demo, chats)
    await picture(chats, tmp_path, "shared")

    shop = await bram_opens_it(browser, chats)
    await picture(shop, tmp_path, "shop")
    await bram_buys(demo, shop)
    await picture(shop, tmp_path, "bought")

    await heard(phone(chats, ANNA), demo.service.texts.say("notice.bonus_held").partition("\n")[0])
    await picture(chats, tmp_path, "waiting")
    await chats.locator("#later").click()
    await heard(phone(chats, ANNA), demo.service.texts.say("notice.bonus_available").partition(":")[0])
    await picture(chats, tmp_path, "arrived")


async def test_the_doors_page_leads_into_the_chat(browser: BrowserContext, demo: Demo, tmp_path: Path) -> None:
    """Rule 44: a t.me link of the try-out asks who tapped it, and that person can press START."""
    page = await browser.new_page()
    await page.goto(demo.door_url)
    await picture(page, tmp_path, "door")

    await page.locator("a[href*='/t.me/']").first.click()
    await page.locator("#sheet .choices button").nth(1).click()
    await phone(page, BRAM).locator(".foot-bar button").last.click()

    await expect(phone(page, BRAM).locator("article.bot").first).to_be_visible()
    await picture(page, tmp_path, "started")


async def test_a_question_is_answered_from_the_owners_phone(
    browser: BrowserContext, demo: Demo, tmp_path: Path
) -> None:
    """Requirement G1: the message reaches a person and the reply comes back, with nothing but clicks and keys."""
    chats = await browser.new_page()
    await chats.goto(demo.chat_url)
    anna, olga = phone(chats, ANNA), phone(chats, OLGA)
    for each in (anna, olga):
        await each.locator(".foot-bar button").last.click()
        await expect(each.locator("article.bot").first).to_be_visible()

    await writes(anna, "/vraag Waar blijft mijn tafel?")
    card = olga.locator("article", has_text="Waar blijft mijn tafel?").last
    await card.hover()
    await card.locator("button.reply").click()
    await picture(chats, tmp_path, "replying")
    await writes(olga, "Die komt morgen.")

    await heard(anna, "Die komt morgen.")
    await picture(chats, tmp_path, "replied")


async def writes(phone: Locator, words: str) -> None:
    """They type and send."""
    await phone.locator("textarea").fill(words)
    await phone.locator("textarea").press("Enter")


async def test_the_mail_connects_anna_and_a_month_later_she_is_asked(
    browser: BrowserContext, demo: Demo, tmp_path: Path
) -> None:
    """Rule 44: an order, the mail about it, START, and the time machine; the wall is a click away."""
    say = demo.service.texts.say
    shop = await browser.new_page()
    await shop.goto(demo.shop_url)
    await shop.locator("#people button", has_text="Anna").click()
    await shop.locator("#products button").first.click()
    await shop.locator("#both").click()
    await shop.locator("#orders button", has_text=say("sandbox.action.mail")).first.click()

    chats, anna = shop, phone(shop, ANNA)  # the link in the mail leads to the page with the phones
    await chats.locator("#sheet .choices button").first.click()
    await anna.locator(".foot-bar button").last.click()
    await key(anna, say("button.yes_me")).click()
    await heard(anna, say("connect.connected", name="Anna").partition(".")[0])
    await chats.locator("[data-months]").click()
    await heard(anna, say("score.scale"))
    await picture(chats, tmp_path, "asked")

    async with browser.expect_page() as opened:
        await chats.locator("#wall").click()
    await expect((await opened.value).locator("h1")).to_have_text(say("page.wall.title"))


async def anna_shares_her_link(demo: Demo, chats: Page) -> None:
    """START, [Mijn link], [Delen], [Stuur naar Bram]."""
    say, anna = demo.service.texts.say, phone(chats, ANNA)
    await anna.locator(".foot-bar button").last.click()
    await key(anna, say("button.link")).click()
    await key(anna, say("button.share")).click()
    await chats.locator("#sheet .choices button").first.click()


async def bram_opens_it(browser: BrowserContext, chats: Page) -> Page:
    """The link that Anna sent, which leads through the programme to the shop."""
    link = phone(chats, BRAM).locator("article.friend a[href*='/r/']").first
    async with browser.expect_page() as opened:
        await link.click()
    shop = await opened.value
    await expect(shop.locator("#came")).to_be_visible()
    return shop


async def bram_buys(demo: Demo, shop: Page) -> None:
    """The first product, ordered and paid; the programme has taken the order."""
    await shop.locator("#products button").first.click()
    await expect(shop.locator("#first_name")).to_have_value("Bram")
    await shop.locator("#both").click()
    await expect(shop.locator("#orders .answer").first).to_contain_text("200")


async def heard(phone: Locator, words: str) -> None:
    """The bot has said this, and it is in view."""
    await expect(phone.locator("article", has_text=words).last).to_be_in_viewport(ratio=0.9)


def phone(page: Page, person: int) -> Locator:
    """One person's phone on the page."""
    return page.locator(f"section.phone[data-id='{person}']")


def key(phone: Locator, text: str) -> Locator:
    """The newest button that says this."""
    return phone.locator(".rows button", has_text=text).last


async def picture(page: Page, folder: Path, name: str) -> None:
    """What it looked like, for whoever wants to see."""
    await page.screenshot(path=folder / f"{name}.png")
