"""The worker that counts live demand, `python -m services.pricing demand`: a view that can be thrown away.

It reads tallies alone, with Faust. Its table is the topic groupbuy.demand.v1, of which it keeps a copy on disk.
"""
