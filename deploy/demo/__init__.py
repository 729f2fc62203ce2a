"""The demo: acts as a shop, the chats and the members would, and shows what the engine really does.

A scene (scene/, scenes/*.toml) is played (play/) by calls with the platform's key (actor.py); what follows is received:
events from Kafka (observe.py), messages by SMTP and HTTP (sinks.py). At the end everything is checked (proof/).
"""
