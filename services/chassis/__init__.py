"""What every service runs on: one subject per module, no business word, no import of a service.

The path of a message through it: `server` (gRPC in) or `consumer` (Kafka in) or `timers` -> `coalesce` -> `work` (one
transaction: load, decide, save, tell) -> `outbox` -> `relay` -> Kafka. `runner` starts the parts, and stops them in
reverse.
"""
