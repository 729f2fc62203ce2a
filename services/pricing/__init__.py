"""Says what a team costs, why, and who owes or gets back how much.

Owns: price tables, fills, tallies, prices, explanations, settlements.
Listens to: groupbuy.platform.v1, groupbuy.campaign.v1, groupbuy.team.v1; groupbuy.demand.v1, its own live view.
Publishes: groupbuy.price.v1, groupbuy.settlement.v1, groupbuy.tally.v1; groupbuy.demand.v1, by a process of its own.
Answers: gRPC Pricing, and PricingInternal for the other services.
"""
