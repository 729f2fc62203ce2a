"""Forms buying teams from shared invite links.

Owns: platforms and keys, campaigns, teams, seats, invites.
Listens to: nothing yet; the prices it shows are read from its own price tables.
Publishes: groupbuy.platform.v1, groupbuy.campaign.v1, groupbuy.team.v1.
Answers: gRPC TeamFormation, and TeamFormationInternal for the other services and operators.
"""
