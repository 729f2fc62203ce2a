"""Tells members, in the way they asked for.

Owns: members' contact points and groups' chats, a copy of campaigns, teams and seats, deliveries and their attempts;
platforms' webhook endpoints and what is posted to them.
Listens to: platform, campaign, team, price and settlement events. Publishes: `groupbuy.delivery.v1`.
Answers: `groupbuy.notification.v1.Notification`.

The way of a message: event -> handlers (who is told what: domain/messages.py) -> rendering -> a pending row ->
sender -> a channel -> the outcome in the row, and `DeliveryEnded`. The way of an event to the platform itself: kept
before its handler, with a post for each endpoint that wants it -> poster -> the outcome in the row.
"""
