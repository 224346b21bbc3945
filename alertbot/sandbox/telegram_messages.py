"""What a bot may do with messages: send, edit, delete, pin. Every refusal in Telegram's own words."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from alertbot.sandbox.accounts import Chat, TelegramAccount
from alertbot.sandbox.http import Upload
from alertbot.sandbox.posts import Picture, Posts, TelegramPost
from alertbot.sandbox.telegram_chats import Chats
from alertbot.sandbox.telegram_html import BadMarkup, Parsed, parse, plain

LONGEST_TEXT, LONGEST_CAPTION = 4096, 1024
BUTTON_BYTES = range(1, 65)
LARGEST_PHOTO_BYTES = 10_000_000


class BadCall(Exception):
    """A call that Telegram refuses."""

    def __init__(self, description: str, code: int = 400, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.parameters = code, parameters


class Desk:
    """Keeps every message as the bot sees it beside what the public sees."""

    def __init__(
        self, account: TelegramAccount, chats: Chats, posts: Posts, clock: Callable[[], datetime]
    ) -> None:
        self._chats, self._posts, self._clock = chats, posts, clock
        self._messages: dict[tuple[int, int], dict[str, Any]] = {}
        self._last: dict[int, int] = {}
        self.bot: dict[str, Any] = {
            "id": account.id,
            "is_bot": True,
            "first_name": account.name,
            "username": account.username,
        }

    def chat(self, fields: Mapping[str, Any]) -> Chat:
        """The chat a call names. Raises `BadCall`."""
        if not fields.get("chat_id"):
            raise BadCall("Bad Request: chat_id is empty")
        found = self._chats.find(str(fields["chat_id"]))
        if found is None:
            raise BadCall("Bad Request: chat not found")
        return found

    def shown(self, chat: int, message: int) -> dict[str, Any]:
        """A message as the bot sees it. Raises `KeyError`."""
        return self._messages[chat, message]

    def send_text(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        read = _read(fields, "text", LONGEST_TEXT)
        if not read.text:
            raise BadCall("Bad Request: message text is empty")
        content: dict[str, Any] = {"text": read.text}
        if read.entities:
            content["entities"] = list(read.entities)
        return self._publish(fields, read, content, ())

    def send_photo(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        photo = fields.get("photo")
        if isinstance(photo, str) and photo.startswith("attach://"):
            photo = fields.get(photo.removeprefix("attach://"))
        if not photo:
            raise BadCall("Bad Request: there is no photo in the request")
        size = len(photo.content) if isinstance(photo, Upload) else len(str(photo))
        if size > LARGEST_PHOTO_BYTES:
            raise BadCall("Bad Request: file is too big")
        read = _read(fields, "caption", LONGEST_CAPTION)
        name = f"photo-{len(self._messages) + 1}"
        measures = {"width": 1280, "height": 720, "file_size": size}
        content: dict[str, Any] = {"photo": [{"file_id": name, "file_unique_id": name, **measures}]}
        if read.text:
            content["caption"] = read.text
            content["caption_entities"] = list(read.entities)
        return self._publish(fields, read, content, (Picture(name, read.text),))

    def _publish(
        self,
        fields: Mapping[str, Any],
        read: Parsed,
        content: dict[str, Any],
        pictures: tuple[Picture, ...],
    ) -> dict[str, Any]:
        chat = self.chat(fields)
        parent = self._parent(chat, fields)
        keyboard = _keyboard(fields)
        number = self._last[chat.id] = self._last.get(chat.id, 0) + 1
        at = self._clock()
        message = self._head(chat, number, at) | content
        if parent:
            quoted = self._messages[chat.id, parent]
            message["reply_to_message"] = {
                name: value for name, value in quoted.items() if name != "reply_to_message"
            }
        if keyboard:
            message["reply_markup"] = keyboard
        self._messages[chat.id, number] = message
        self._posts.add(
            TelegramPost(
                id=f"{chat.id}/{number}",
                at=at,
                text=read.text,
                html=read.html,
                chat=chat.id,
                chat_title=chat.title,
                message=number,
                chat_type=chat.type,
                reply_to=f"{chat.id}/{parent}" if parent else None,
                pictures=pictures,
                buttons=_labels(keyboard),
            )
        )
        return message

    def _head(self, chat: Chat, number: int, at: datetime) -> dict[str, Any]:
        sender = {"sender_chat": chat.as_json()} if chat.type == "channel" else {"from": self.bot}
        return {"message_id": number, "date": int(at.timestamp()), "chat": chat.as_json(), **sender}

    def _parent(self, chat: Chat, fields: Mapping[str, Any]) -> int | None:
        wanted = _json(fields.get("reply_parameters")) or {}
        if not isinstance(wanted, dict):
            raise BadCall("Bad Request: object expected as reply parameters")
        number = whole(wanted, "message_id") or whole(fields, "reply_to_message_id")
        if not number:
            return None
        post = self._posts.telegram_post(chat.id, number)
        if post is not None and post.deleted_at is None:
            return number
        if wanted.get("allow_sending_without_reply"):
            return None
        raise BadCall("Bad Request: message to be replied not found")

    def _standing(self, fields: Mapping[str, Any], purpose: str) -> TelegramPost:
        chat = self.chat(fields)
        post = self._posts.telegram_post(chat.id, whole(fields, "message_id"))
        if post is None or post.deleted_at is not None:
            raise BadCall(f"Bad Request: message to {purpose} not found")
        return post

    def edit_text(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        post = self._standing(fields, "edit")
        read = _read(fields, "text", LONGEST_TEXT)
        if not read.text:
            raise BadCall("Bad Request: message text is empty")
        keyboard = _keyboard(fields)
        old = self._messages[post.chat, post.message]
        if "text" not in old:
            raise BadCall("Bad Request: there is no text in the message to edit")
        before = (old["text"], old.get("entities", []), old.get("reply_markup"))
        if before == (read.text, list(read.entities), keyboard):
            raise BadCall(
                "Bad Request: message is not modified: specified new message content and reply markup "
                "are exactly the same as a current content and reply markup of the message"
            )
        at = self._clock()
        changed = {**old, "text": read.text, "entities": list(read.entities)}
        changed["edit_date"] = int(at.timestamp())
        changed.pop("reply_markup", None)
        if keyboard:
            changed["reply_markup"] = keyboard
        self._messages[post.chat, post.message] = changed
        self._posts.change(
            post, text=read.text, html=read.html, edited_at=at, buttons=_labels(keyboard)
        )
        return changed

    def delete(self, fields: Mapping[str, Any]) -> bool:
        post = self._standing(fields, "delete")
        self._posts.change(post, deleted_at=self._clock())
        return True

    def pin(self, fields: Mapping[str, Any], *, pinned: bool) -> bool:
        self._posts.change(self._standing(fields, "pin" if pinned else "unpin"), pinned=pinned)
        return True

    def show_chat(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        limits = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}
        return self.chat(fields).as_json() | limits


_NO_GIFTS = dict.fromkeys(
    (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    ),
    False,
)


def _read(fields: Mapping[str, Any], name: str, limit: int) -> Parsed:
    """Read a text field with its markup. Raises `BadCall`."""
    source, mode = str(fields.get(name, "")), str(fields.get("parse_mode") or "").lower()
    if mode not in ("", "html"):
        raise BadCall("Bad Request: unsupported parse_mode")
    try:
        read = parse(source) if mode else plain(source)
    except BadMarkup as bad:
        raise BadCall(f"Bad Request: can't parse entities: {bad}") from bad
    if read.length > limit:
        what = "message caption" if name == "caption" else "message"
        raise BadCall(f"Bad Request: {what} is too long")
    return read


def whole(fields: Mapping[str, Any], name: str) -> int:
    """A whole number among the fields; 0 where it is not given. Raises `BadCall`."""
    written = str(fields.get(name) or 0)
    if not re.fullmatch(r"-?[0-9]{1,18}", written):
        raise BadCall(f'Bad Request: field "{name}" must be a valid Number')
    return int(written)


def _json(value: object) -> Any:
    """Nested objects come as JSON in forms and as they are in JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise BadCall("Bad Request: can't parse a JSON-serialized field") from error


def _keyboard(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    keyboard = _json(fields.get("reply_markup"))
    if not keyboard:
        return None
    rows = keyboard.get("inline_keyboard") if isinstance(keyboard, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise BadCall("Bad Request: object expected as reply markup")
    for button in (button for row in rows for button in row):
        if not isinstance(button, dict) or not isinstance(button.get("text"), str):
            raise BadCall("Bad Request: inline keyboard button text is empty")
        data = button.get("callback_data")
        if data is not None and len(str(data).encode()) not in BUTTON_BYTES:
            raise BadCall("Bad Request: BUTTON_DATA_INVALID")
    return {"inline_keyboard": rows} if rows else None


def _labels(keyboard: dict[str, Any] | None) -> tuple[tuple[str, ...], ...]:
    rows = keyboard["inline_keyboard"] if keyboard else []
    return tuple(tuple(str(button["text"]) for button in row) for row in rows)
