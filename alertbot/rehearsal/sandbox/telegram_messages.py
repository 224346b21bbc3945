"""What a bot may do with messages: send, edit, delete, pin. Every refusal in Telegram's own words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypedDict

from alertbot.rehearsal.sandbox.accounts import (
    Chat,
    ChatObject,
    PostedPicture,
    Posts,
    TelegramAccount,
    TelegramPost,
)
from alertbot.rehearsal.sandbox.http import Upload
from alertbot.rehearsal.sandbox.telegram_chats import (
    LONGEST_CAPTION,
    LONGEST_TEXT,
    BadCall,
    Chats,
    Keyboard,
    MessageEntity,
    ParsedText,
    attached,
    keyboard_of,
    labels_of,
    nested,
    read_text,
    whole,
)

DELETABLE_FOR = timedelta(hours=48)
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup "
    "are exactly the same as a current content and reply markup of the message"
)
LARGEST_PHOTO_BYTES = 10_000_000


class BotUser(TypedDict, total=False):
    """A person or a bot, as the Bot API writes it."""

    id: int
    is_bot: bool
    first_name: str
    username: str


class StoredFile(TypedDict, total=False):
    """A file or a size of a photo, as the Bot API writes it."""

    file_id: str
    file_unique_id: str
    file_name: str
    file_size: int
    width: int
    height: int


BotMessage = TypedDict(
    "BotMessage",
    {
        "message_id": int,
        "date": int,
        "edit_date": int,
        "chat": ChatObject,
        "sender_chat": ChatObject,
        "from": BotUser,
        "text": str,
        "entities": list[MessageEntity],
        "caption": str,
        "caption_entities": list[MessageEntity],
        "photo": list[StoredFile],
        "document": StoredFile,
        "reply_to_message": "BotMessage",
        "reply_markup": Keyboard,
    },
    total=False,
)
"""A message as the bot sees it."""


class TelegramMessages:
    """Keeps every message as the bot sees it, and as the public sees it."""

    def __init__(
        self, account: TelegramAccount, chats: Chats, posts: Posts, clock: Callable[[], datetime]
    ) -> None:
        self._chats, self._posts, self._clock = chats, posts, clock
        self._messages: dict[tuple[int, int], BotMessage] = {}
        self._last: dict[int, int] = {}
        self.documents: dict[tuple[int, int], Upload] = {}
        self.bot: BotUser = {
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

    def shown(self, chat: int, message: int) -> BotMessage:
        """A message as the bot sees it. Raises `KeyError`."""
        return self._messages[chat, message]

    def send_text(self, fields: Mapping[str, Any]) -> BotMessage:
        read = read_text(fields, "text", LONGEST_TEXT)
        if not read.text:
            raise BadCall("Bad Request: message text is empty")
        content: BotMessage = {"text": read.text}
        if read.entities:
            content["entities"] = list(read.entities)
        return self._publish(fields, read, content, ())

    def send_photo(self, fields: Mapping[str, Any]) -> BotMessage:
        photo = attached(fields, "photo")
        if not photo:
            raise BadCall("Bad Request: there is no photo in the request")
        size = len(photo.content) if isinstance(photo, Upload) else len(str(photo))
        if size > LARGEST_PHOTO_BYTES:
            raise BadCall("Bad Request: file is too big")
        read = read_text(fields, "caption", LONGEST_CAPTION)
        name = f"photo-{len(self._messages) + 1}"
        photo_size: StoredFile = {
            "file_id": name,
            "file_unique_id": name,
            "width": 1280,
            "height": 720,
            "file_size": size,
        }
        content: BotMessage = {"photo": [photo_size]}
        if read.text:
            content["caption"] = read.text
            content["caption_entities"] = list(read.entities)
        picture = PostedPicture(name, read.text, photo.content if isinstance(photo, Upload) else b"")
        return self._publish(fields, read, content, (picture,))

    def send_document(self, fields: Mapping[str, Any]) -> BotMessage:
        file = attached(fields, "document")
        if not isinstance(file, Upload):
            raise BadCall("Bad Request: there is no document in the request")
        read = read_text(fields, "caption", LONGEST_CAPTION)
        name = f"document-{len(self._messages) + 1}"
        content: BotMessage = {
            "document": {
                "file_id": name,
                "file_unique_id": name,
                "file_name": file.filename,
                "file_size": len(file.content),
            },
            "caption": read.text,
            "caption_entities": list(read.entities),
        }
        message = self._publish(fields, read, content, ())
        self.documents[message["chat"]["id"], message["message_id"]] = file
        return message

    def hear(self, chat: int, text: str, person: BotUser, reply_to: int | None) -> BotMessage:
        """A person's own message; the public does not see it as one of our posts."""
        found = self.chat({"chat_id": chat})
        number = self._last[chat] = self._last.get(chat, 0) + 1
        message: BotMessage = {
            "message_id": number,
            "date": int(self._clock().timestamp()),
            "chat": found.as_json(),
            "from": person,
            "text": text,
        }
        command = re.match(r"/[A-Za-z0-9_@]+", text)
        if command:
            length = command.end()
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        if reply_to is not None:
            message["reply_to_message"] = self._quoted(chat, reply_to)
        self._messages[chat, number] = message
        return message

    def buttons(self, chat: int, message: int) -> dict[str, str]:
        """The data behind each button under a message, by its label."""
        keyboard = self._messages[chat, message].get("reply_markup")
        rows = keyboard["inline_keyboard"] if keyboard else []
        return {button["text"]: button.get("callback_data", "") for row in rows for button in row}

    def _quoted(self, chat: int, message: int) -> BotMessage:
        quoted = self._messages[chat, message].copy()
        quoted.pop("reply_to_message", None)
        return quoted

    def _publish(
        self,
        fields: Mapping[str, Any],
        read: ParsedText,
        content: BotMessage,
        pictures: tuple[PostedPicture, ...],
    ) -> BotMessage:
        chat = self.chat(fields)
        parent = self._parent(chat, fields)
        keyboard = keyboard_of(fields)
        number = self._last[chat.id] = self._last.get(chat.id, 0) + 1
        at = self._clock()
        message = self._head(chat, number, at) | content
        if parent:
            message["reply_to_message"] = self._quoted(chat.id, parent)
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
                reply_to=self._post_id(chat.id, parent),
                pictures=pictures,
                buttons=labels_of(keyboard),
            )
        )
        return message

    def _head(self, chat: Chat, number: int, at: datetime) -> BotMessage:
        head: BotMessage = {
            "message_id": number,
            "date": int(at.timestamp()),
            "chat": chat.as_json(),
        }
        if chat.type == "channel":
            head["sender_chat"] = chat.as_json()
        else:
            head["from"] = self.bot
        return head

    def _parent(self, chat: Chat, fields: Mapping[str, Any]) -> int | None:
        wanted = nested(fields.get("reply_parameters")) or {}
        if not isinstance(wanted, dict):
            raise BadCall("Bad Request: object expected as reply parameters")
        number = whole(wanted, "message_id") or whole(fields, "reply_to_message_id")
        if not number:
            return None
        post = self._posts.telegram_post(chat.id, number)
        heard = post is None and (chat.id, number) in self._messages
        if heard or (post is not None and post.deleted_at is None):
            return number
        if wanted.get("allow_sending_without_reply"):
            return None
        raise BadCall("Bad Request: message to be replied not found")

    def _post_id(self, chat: int, message: int | None) -> str | None:
        """The post that is answered; none where a person's message is."""
        post = self._posts.telegram_post(chat, message) if message else None
        return None if post is None else post.id

    def _standing(self, fields: Mapping[str, Any], purpose: str) -> TelegramPost:
        chat = self.chat(fields)
        post = self._posts.telegram_post(chat.id, whole(fields, "message_id"))
        if post is None or post.deleted_at is not None:
            raise BadCall(f"Bad Request: message to {purpose} not found")
        return post

    def edit_text(self, fields: Mapping[str, Any]) -> BotMessage:
        post = self._standing(fields, "edit")
        read = read_text(fields, "text", LONGEST_TEXT)
        if not read.text:
            raise BadCall("Bad Request: message text is empty")
        keyboard = keyboard_of(fields)
        old = self._messages[post.chat, post.message]
        if "text" not in old:
            raise BadCall("Bad Request: there is no text in the message to edit")
        before = (old["text"], old.get("entities", []), old.get("reply_markup"))
        if before == (read.text, list(read.entities), keyboard):
            raise BadCall(NOT_MODIFIED)
        return self._edited(post, read, {"text": read.text, "entities": list(read.entities)}, keyboard)

    def edit_caption(self, fields: Mapping[str, Any]) -> BotMessage:
        post = self._standing(fields, "edit")
        read = read_text(fields, "caption", LONGEST_CAPTION)
        keyboard = keyboard_of(fields)
        old = self._messages[post.chat, post.message]
        if "text" in old:
            raise BadCall("Bad Request: there is no caption in the message to edit")
        entities = list(read.entities)
        before = (old.get("caption", ""), old.get("caption_entities", []), old.get("reply_markup"))
        if before == (read.text, entities, keyboard):
            raise BadCall(NOT_MODIFIED)
        pictures = tuple(replace(one, description=read.text) for one in post.pictures)
        post = self._posts.change(post, pictures=pictures)
        return self._edited(post, read, {"caption": read.text, "caption_entities": entities}, keyboard)

    def _edited(
        self,
        post: TelegramPost,
        read: ParsedText,
        content: BotMessage,
        keyboard: Keyboard | None,
    ) -> BotMessage:
        at = self._clock()
        changed = self._messages[post.chat, post.message] | content
        changed["edit_date"] = int(at.timestamp())
        changed.pop("reply_markup", None)
        if keyboard:
            changed["reply_markup"] = keyboard
        self._messages[post.chat, post.message] = changed
        self._posts.change(
            post,
            text=read.text,
            html=read.html,
            edited_at=at,
            buttons=labels_of(keyboard),
            earlier=(*post.earlier, (at, post.html)),
        )
        return changed

    def edit_buttons(self, fields: Mapping[str, Any]) -> BotMessage:
        """Replace or remove the buttons under a message. Raises `BadCall`."""
        post = self._standing(fields, "edit")
        old = self._messages[post.chat, post.message]
        keyboard = keyboard_of(fields)
        if old.get("reply_markup") == keyboard:
            raise BadCall(NOT_MODIFIED)
        changed = old.copy()
        changed.pop("reply_markup", None)
        if keyboard:
            changed["reply_markup"] = keyboard
        self._messages[post.chat, post.message] = changed
        self._posts.change(post, buttons=labels_of(keyboard))
        return changed

    def delete(self, fields: Mapping[str, Any]) -> bool:
        """Delete a message, as for a bot without rights on others' messages: its own, for 48 hours.
        Raises `BadCall`."""
        post = self._standing(fields, "delete")
        if self._clock() - post.at > DELETABLE_FOR:
            raise BadCall("Bad Request: message can't be deleted")
        self._posts.change(post, deleted_at=self._clock(), pinned=False)
        return True

    def pin(self, fields: Mapping[str, Any]) -> bool:
        self._posts.change(self._standing(fields, "pin"), pinned=True)
        return True

    def unpin(self, fields: Mapping[str, Any]) -> bool:
        """Unpin this message, else the last pinned one. Raises `BadCall`."""
        if whole(fields, "message_id"):
            self._posts.change(self._standing(fields, "unpin"), pinned=False)
            return True
        chat = self.chat(fields).id
        pinned = [post for post in self._posts.telegram() if post.chat == chat and post.pinned]
        if not pinned:
            raise BadCall("Bad Request: message to unpin not found")
        self._posts.change(max(pinned, key=lambda post: post.message), pinned=False)
        return True

    def show_chat(self, fields: Mapping[str, Any]) -> dict[str, object]:
        limits = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}
        return {**self.chat(fields).as_json(), **limits}


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
