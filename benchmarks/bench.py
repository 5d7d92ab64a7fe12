"""`make bench`: FoodFleet beside its peers on this machine.

python benchmarks/bench.py [--only me list ...] [--quick]
"""

import argparse
import json
import os
import sys
import time

from processes import FOLDER, Control, install_peers

HTTP = ("me", "list", "refresh", "login", "embedded")


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=HTTP, default=[], help="these parts; results are not written")
    parser.add_argument("--quick", action="store_true", help="one short round of each; results are not written")
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of a round")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 1, 2
    return options


def show(found):
    for part, systems in found.items():
        print(f"\n{part}")
        for name, numbers in systems.items():
            print(f"  {name:26}", *(f"{key} {value:,.4g}" for key, value in numbers.items()))


def main():
    options = options_of(sys.argv[1:])
    began = time.monotonic()
    FOLDER.mkdir(parents=True, exist_ok=True)
    install_peers()
    control = Control()
    import http_load

    calls = [call for call in HTTP if not options.only or call in options.only]
    found = http_load.measure(control, options, calls)
    show(found)
    (FOLDER / "last.json").write_text(json.dumps(found, indent=1))
    print(f"\n{time.monotonic() - began:.0f} s, {control.rejected} rounds repeated, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
