"""A shop that sells by groupbuy, for integrators to copy: README.md tells how to run it."""
