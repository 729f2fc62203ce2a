"""Tells members, in the way they asked for.

Owns: members' contact points, a copy of teams and seats, deliveries and their attempts.
Listens to: platform, team, price and settlement events. Publishes: `groupbuy.delivery.v1`.
Answers: `groupbuy.notification.v1.Notification`.

The way of a message: event -> handlers (who is told what: domain/messages.py) -> rendering -> a pending row ->
sender -> a channel -> the outcome in the row, and `DeliveryEnded`.
"""
