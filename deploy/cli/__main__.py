"""`python -m deploy.cli`: the same as the console script `paidan`."""

from deploy.cli import main

main()
