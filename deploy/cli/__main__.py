"""`python -m deploy.cli` is `groupbuy`."""

from deploy.cli import main

main()
