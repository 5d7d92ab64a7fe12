#!/usr/bin/env python
"""Django's command line for FoodFleet, in a checkout. `foodfleet manage` is the same for an installed package."""

import sys

from foodfleet.__main__ import manage

if __name__ == "__main__":
    manage(sys.argv)
