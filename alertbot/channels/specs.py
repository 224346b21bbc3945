"""What each shipped type of channel can do: plain data, so that a preview needs no adapter.

Limits, paces and prices as the platforms document them (2026): X counts 280 weighted characters and
allows 100 posts in 15 minutes and 300 in 3 hours; Telegram takes 4096 characters after entities,
30 calls a second, one a second to the same chat. Gaps leave a hair of room (1/29 s for 30 a second).
"""

from datetime import timedelta

from alertbot.model import ChannelSpec, Markup, Measure, Pace, Price

X = ChannelSpec(
    type="x",
    limit=280,
    measure=Measure.WEIGHTED,
    parts=True,
    can_delete=True,
    can_reply=True,
    can_read_back=True,
    can_picture=True,
    longest_alt=1000,
    can_reconcile=True,
    pace=Pace(
        per_second=1.0,
        windows=((100, timedelta(minutes=15)), (300, timedelta(hours=3))),
    ),
    price=Price("USD", post=0.015, post_with_link=0.20),
)
TELEGRAM = ChannelSpec(
    type="telegram",
    limit=4096,
    measure=Measure.UTF16,
    markup=Markup.TELEGRAM,
    form="long",
    parts=True,
    can_edit=True,
    can_delete=True,
    can_reply=True,
    can_pin=True,
    can_read_back=True,
    can_picture=True,
    picture_apart=True,
    longest_alt=1024,
    pace=Pace(per_second=29.0, per_chat_second=0.98),
)
EMAIL = ChannelSpec(
    type="email",
    limit=None,
    markup=Markup.EMAIL,
    form="long",
    per_recipient=True,
    can_picture=True,
    public_post=False,
    pace=Pace(per_second=1000.0),
)
APPRISE = ChannelSpec(type="apprise", limit=None, form="long", pace=Pace(per_second=1.0))
CONSOLE = ChannelSpec(
    type="console",
    limit=None,
    form="long",
    can_edit=True,
    can_delete=True,
    can_reply=True,
    can_pin=True,
    can_picture=True,
    public_post=False,
)
MEMORY = ChannelSpec(
    type="memory",
    limit=None,
    form="long",
    can_edit=True,
    can_delete=True,
    can_reply=True,
    can_pin=True,
    can_read_back=True,
    can_picture=True,
)

SHIPPED = {spec.type: spec for spec in (X, TELEGRAM, EMAIL, APPRISE, CONSOLE, MEMORY)}
