"""Forms buying teams from shared invite links.

Owns: platforms and keys, campaigns, teams, seats, invites.
Listens to: groupbuy.tally.v1, which fills ladders of a whole campaign, and groupbuy.settlement.v1, for money that
did not come. The prices it shows are read from its own price tables.
Publishes: groupbuy.platform.v1, groupbuy.campaign.v1, groupbuy.team.v1.
Answers: gRPC TeamFormation, and TeamFormationInternal for the other services and operators.
"""
