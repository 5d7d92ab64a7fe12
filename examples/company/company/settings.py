"""The settings of FoodFleet, and those of the company. Most values come from the environment of the process."""

from foodfleet.settings import *
from foodfleet.settings import env

TIME_ZONE = "Europe/Berlin"
MOST_TRUCKS_OF_A_FLEET = env.integer("MOST_TRUCKS_OF_A_FLEET", 50, minimum=1, maximum=10_000)
