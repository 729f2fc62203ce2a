"""What a proved event says, as one small value for all services; one file for each service's words.

A reader takes `Event.payload`, raises nothing whatever is in it, and gives None for what nobody here acts on.
"""
