"""The team's bot on Telegram: asks approvers with buttons, hears their answers, halts, says how things stand.

It decides nothing: every answer goes to `service.pressing`, with the linked person and the digest that
stands behind the button.
"""
