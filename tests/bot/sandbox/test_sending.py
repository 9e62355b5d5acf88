from __future__ import annotations

from io import BytesIO

import aiohttp
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramUnauthorizedError
from aiogram.types import (
    BufferedInputFile,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    ReplyParameters,
)
from segno import make_qr

from bot.sandbox.people import Person
from bot.sandbox.sandbox import Sandbox
from tests.bot.sandbox.conftest import HandClock


def keys(*buttons: InlineKeyboardButton) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(inline_keyboard=[[button] for button in buttons])


def picture(scale: int = 4) -> BufferedInputFile:
    return BufferedInputFile(_png(scale), "qr.png")


def _png(scale: int) -> bytes:
    out = BytesIO()
    make_qr("ANNA7K3Q").save(out, kind="png", scale=scale)
    return out.getvalue()


async def test_html_becomes_text_and_entities_counted_in_utf16_units(bot: Bot, anna: Person) -> None:
    anna.start()
    sent = await bot.send_message(
        anna.id, "🎉 <b>Hoi</b> &lt;Anna&gt; <a href='https://a.example/x'>kijk</a>", parse_mode="HTML"
    )
    assert sent.text == "🎉 Hoi <Anna> kijk"
    assert [(e.type, e.offset, e.length) for e in sent.entities or []] == [("bold", 3, 3), ("text_link", 14, 4)]
    assert sent.html_text.startswith("🎉 <b>Hoi</b> &lt;Anna&gt;")


@pytest.mark.parametrize(
    "html, complaint",
    [
        ("<b>Hoi", "Can't find end tag corresponding to start tag"),
        ("Hoi <p>Anna</p>", 'Unsupported start tag "p" at byte offset 4'),
        ("<b>é<i>x</b></i>", 'Unmatched end tag at byte offset 9, expected "</i>", found "</b>"'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("Hoi</b>", "Unexpected end tag at byte offset 3"),
    ],
)
async def test_html_that_is_not_well_formed_is_refused(bot: Bot, anna: Person, html: str, complaint: str) -> None:
    anna.start()
    with pytest.raises(TelegramBadRequest, match="can't parse entities") as refused:
        await bot.send_message(anna.id, html, parse_mode="HTML")
    assert complaint in refused.value.message


@pytest.mark.parametrize(
    "text, fits", [("x" * 4096, True), ("x" * 4097, False), ("🎉" * 2048, True), ("🎉" * 2049, False), (" \n ", False)]
)
async def test_a_text_has_at_most_4096_utf16_units_and_at_least_one(
    bot: Bot, anna: Person, text: str, fits: bool
) -> None:
    anna.start()
    if fits:
        assert (await bot.send_message(anna.id, text)).text == text
        return
    with pytest.raises(TelegramBadRequest, match=r"message (is too long|text is empty)"):
        await bot.send_message(anna.id, text)


@pytest.mark.parametrize(
    "button, complaint",
    [
        (InlineKeyboardButton(text="Kies", callback_data="é" * 33), "BUTTON_DATA_INVALID"),
        (InlineKeyboardButton(text="Ga", url="http://localhost:8080/x"), "Wrong HTTP URL"),
        (InlineKeyboardButton(text="Ga", url="javascript://a.example"), "Unsupported URL protocol"),
        (InlineKeyboardButton(text="Deel", copy_text=CopyTextButton(text="x" * 257)), "COPY_TEXT"),
        (InlineKeyboardButton(text="Niets"), "text buttons are unallowed"),
    ],
)
async def test_buttons_that_no_app_could_show_are_refused(
    bot: Bot, anna: Person, button: InlineKeyboardButton, complaint: str
) -> None:
    anna.start()
    with pytest.raises(TelegramBadRequest, match=complaint):
        await bot.send_message(anna.id, "Hoi", reply_markup=keys(button))


async def test_the_bot_cannot_write_first_nor_to_strangers_nor_after_a_block(
    telegram: Sandbox, bot: Bot, anna: Person, bram: Person
) -> None:
    with pytest.raises(TelegramForbiddenError, match="bot can't initiate conversation with a user"):
        await bot.send_message(anna.id, "Hoi")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(123, "Hoi")
    anna.start()
    anna.block()
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(anna.id, "Hoi")
    bram.start()
    bram.delete_account()
    with pytest.raises(TelegramForbiddenError, match="user is deactivated"):
        await bot.send_message(bram.id, "Hoi")
    assert [call.error for call in telegram.calls] == [403, 400, 403, 403]


async def test_an_edit_stands_in_place_and_the_same_again_is_refused(bot: Bot, anna: Person, clock: HandClock) -> None:
    anna.start()
    sent = await bot.send_message(
        anna.id, "Tegoed: € 0", reply_markup=keys(InlineKeyboardButton(text="A", callback_data="a"))
    )
    clock.forward(minutes=1)
    await bot.edit_message_text("Tegoed: <b>€ 15</b>", chat_id=anna.id, message_id=sent.message_id, parse_mode="HTML")
    assert (anna.last.text, anna.last.buttons, len(anna.chat)) == ("Tegoed: € 15", [], 2)
    assert anna.last.edit_date
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text(
            "Tegoed: <b>€ 15</b>", chat_id=anna.id, message_id=sent.message_id, parse_mode="HTML"
        )
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("Hoi", chat_id=anna.id, message_id=999)
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("Hoi", chat_id=anna.id, message_id=anna.chat[0].id)


async def test_a_deleted_message_is_gone_and_cannot_be_edited(bot: Bot, anna: Person) -> None:
    anna.start()
    sent = await bot.send_message(anna.id, "Hoi")
    await bot.delete_message(anna.id, sent.message_id)
    assert [message.words for message in anna.chat] == ["/start"]
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(anna.id, sent.message_id)


async def test_a_picture_is_uploaded_once_and_sent_again_by_its_id(telegram: Sandbox, bot: Bot, anna: Person) -> None:
    anna.start()
    first = await bot.send_photo(anna.id, picture(), caption="<b>Jouw QR</b>", parse_mode="HTML")
    assert first.photo
    assert (first.caption, first.photo[-1].width) == ("Jouw QR", 116)
    again = await bot.send_photo(anna.id, first.photo[-1].file_id)
    assert again.photo == first.photo
    file = await bot.get_file(first.photo[-1].file_id)
    downloaded = await bot.download_file(file.file_path or "")
    assert downloaded
    assert downloaded.read() == _png(4)


async def test_pictures_are_swapped_and_captioned_but_a_text_never_becomes_one(bot: Bot, anna: Person) -> None:
    anna.start()
    card = await bot.send_photo(anna.id, picture())
    number = card.message_id
    await bot.edit_message_media(InputMediaPhoto(media=picture(6), caption="Nieuw"), chat_id=anna.id, message_id=number)
    await bot.edit_message_caption(caption="Nieuwer", chat_id=anna.id, message_id=number)
    assert (len(anna.chat), anna.last.words, anna.last.photo and anna.last.photo.size) == (2, "Nieuwer", (174, 174))
    with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
        await bot.edit_message_text("Hoi", chat_id=anna.id, message_id=number)
    text = await bot.send_message(anna.id, "Hoi")
    with pytest.raises(TelegramBadRequest, match="there is no media"):
        await bot.edit_message_media(InputMediaPhoto(media=picture()), chat_id=anna.id, message_id=text.message_id)


@pytest.mark.parametrize("content, complaint", [(b"", "non-empty"), (b"no picture", "IMAGE_PROCESS_FAILED")])
async def test_what_is_no_picture_is_not_sent_as_one(
    telegram: Sandbox, anna: Person, content: bytes, complaint: str
) -> None:
    anna.start()
    form = aiohttp.FormData({"chat_id": str(anna.id)})
    form.add_field("photo", content, filename="x.png", content_type="image/png")
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{telegram.url}/bot{telegram.token}/sendPhoto", data=form) as reply,
    ):
        assert reply.status == 400
        assert complaint in (await reply.json())["description"]


@pytest.mark.parametrize("how", ["json", "form", "query"])
async def test_parameters_come_in_any_form_and_unknown_or_missing_ones_are_named(
    telegram: Sandbox, anna: Person, how: str
) -> None:
    anna.start()
    url = f"{telegram.url}/bot{telegram.token}/SendMessage"
    cases = {
        "": ({"chat_id": anna.id, "text": "Hoi", "disable_notification": "true"}, 200),
        'unknown parameter "txt"': ({"chat_id": anna.id, "text": "Hoi", "txt": "x"}, 400),
        "message text is empty": ({"chat_id": anna.id}, 400),
        "chat_id is empty": ({"text": "Hoi"}, 400),
        "can't parse reply_markup": ({"chat_id": anna.id, "text": "Hoi", "reply_markup": "{"}, 400),
    }
    async with aiohttp.ClientSession() as session:
        for complaint, (body, status) in cases.items():
            place = {"json": "json", "form": "data", "query": "params"}[how]
            async with session.post(url, **{place: body}) as reply:  # type: ignore[arg-type] # the place is a word of aiohttp's
                assert reply.status == status, body
                assert complaint in (await reply.json()).get("description", "")


async def test_copies_and_forwards_carry_the_words_but_not_the_buttons(bot: Bot, anna: Person, bram: Person) -> None:
    anna.start()
    bram.start()
    sent = await bot.send_message(anna.id, "Hoi", reply_markup=keys(InlineKeyboardButton(text="A", callback_data="a")))
    await bot.copy_message(bram.id, anna.id, sent.message_id)
    assert (bram.last.words, bram.last.buttons) == ("Hoi", [])
    forwarded = await bot.forward_message(bram.id, anna.id, sent.message_id)
    assert forwarded.forward_origin
    with pytest.raises(TelegramBadRequest, match="message to copy not found"):
        await bot.copy_message(bram.id, anna.id, 999)
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(bram.id, "Hoi", reply_parameters=ReplyParameters(message_id=999))


async def test_a_wrong_token_opens_nothing_and_an_unknown_method_is_404(telegram: Sandbox, bot: Bot) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{telegram.url}/bot{telegram.token}/getCoffee") as reply:
            assert (reply.status, (await reply.json())["description"]) == (404, "Not Found: method not found")
        async with session.get(f"{telegram.url}/bot1:wrong/getMe") as reply:
            assert reply.status == 401
    stranger = Bot("1:wrong", session=bot.session)
    with pytest.raises(TelegramUnauthorizedError):
        await stranger.get_me()
