"""Writes what `make bench` found: docs/performance/results.json, a picture, and the tables of docs/performance.md."""

import json
import os
import platform
import re
from datetime import UTC, datetime

from processes import ROOT

PAGE = ROOT / "docs" / "performance.md"
FOLDER = ROOT / "docs" / "performance"
TITLES = {
    "me": "`GET /users/me/`",
    "list": "List of 20 users, permission checked",
    "refresh": "Refresh with rotation",
    "login": "Sign-in (bcrypt, 12 rounds)",
    "me_beside_logins": "`me` while sign-ins keep both cores busy",
    "me_embedded": "`me` on SQLite, without Redis",
    "start": "Start and memory",
    "workers": "Processes x threads",
    "access": "Permission check",
    "enqueue": "Queue an e-mail, a transaction each",
    "5 senders": "Dispatch to a provider that takes 20 ms, 5 senders",
    "10 senders": "Dispatch, 10 senders",
    "20 senders": "Dispatch, 20 senders",
    "scale": "List of users: ten thousand and a million",
    "growth": "The API, the admin and delivery: ten thousand and a million users and messages",
    "equal_time": "Does the time of an answer tell whether an address has an account?",
    "kills": "Workers killed while they send",
}
COLUMNS = {
    "per_second": ("a second", "{:,.0f}"),
    "cpu_us": ("CPU of the server, µs", "{:,.0f}"),
    "cpu_ms": ("CPU, ms", "{:.2f}"),
    "p50_ms": ("median, ms", "{:.1f}"),
    "p99_ms": ("p99, ms", "{:.0f}"),
    "p99_beside_logins_ms": ("p99 beside sign-ins, ms", "{:.0f}"),
    "lost": ("lost", "{}"),
    "started_in": ("start, s", "{:.1f}"),
    "worker_mb": ("a worker, MB PSS", "{:.0f}"),
    "all_mb": ("all processes, MB PSS", "{:.0f}"),
    "codename_us": ("check, µs", "{:.2f}"),
    "scope_us": ("in a scope, µs", "{:.2f}"),
    "next_sql": ("queries of the next request", "{}"),
    "few_ms": ("10,000, ms", "{:.1f}"),
    "many_ms": ("1,000,000, ms", "{:.1f}"),
    "times": ("times", "{:.2f}"),
    "sql": ("statements", "{}"),
    "account_ms": ("with an account, ms", "{:.1f}"),
    "none_ms": ("without, ms", "{:.1f}"),
    "slower": ("slower with an account (0.50 tells nothing)", "{:.2f}"),
    "messages": ("messages", "{:,}"),
    "kills": ("kills", "{}"),
    "twice": ("sent twice", "{}"),
    "in_flight": ("of being sent at a kill", "{}"),
    "codes": ("codes", "{}"),
    "codes_twice": ("codes sent twice", "{}"),
    "given_up": ("codes given up, perhaps sent", "{}"),
    "control": ("quietness", "{:.2f}"),
}


def table(numbers):
    """Return a Markdown table of {system: numbers}."""
    columns = [name for name in COLUMNS if any(values.get(name) is not None for values in numbers.values())]
    lines = ["| | " + " | ".join(COLUMNS[name][0] for name in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for system, values in numbers.items():
        cells = ["-" if values.get(n) is None else COLUMNS[n][1].format(values[n]) for n in columns]
        lines.append(f"| {system} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


RATIOS = (  # part, our system, the other one, and how often we answer at least when it answers once
    ("me", "foodfleet", "djoser", 3),
    ("me", "foodfleet", "fastapi-users", 2.5),
    ("me", "foodfleet", "bare view", 0.5),
    ("list", "foodfleet", "djoser", 2),
    ("list", "foodfleet", "fastapi-users", 1.3),
    ("refresh", "foodfleet", "djoser", 3),
    ("login", "foodfleet", "raw bcrypt", 0.92),
    ("me_embedded", "foodfleet-embedded", "djoser-embedded", 1),
    ("enqueue", "foodfleet", "post_office", 1.2),
    ("5 senders", "foodfleet", "bare boto3", 0.9),
    ("10 senders", "foodfleet", "bare boto3", 0.9),
    ("20 senders", "foodfleet", "bare boto3", 0.9),
)


def ratios(found):
    """Return a Markdown table of FoodFleet's numbers as multiples of another system's."""
    lines = ["| | beside | a second | at least | CPU |", "|---|---|---|---|---|"]
    for part, ours, theirs, bar in RATIOS:
        if part not in found or not {ours, theirs} <= found[part].keys():
            continue
        mine, other = found[part][ours], found[part][theirs]
        if not other["per_second"]:
            continue
        cpu = "cpu_us" if "cpu_us" in other else "cpu_ms"
        share = f"{mine[cpu] / other[cpu]:.2f}" if other.get(cpu) else ""
        times = mine["per_second"] / other["per_second"]
        lines.append(f"| {TITLES[part]} | {theirs} | {times:.2f} | {bar} | {share} |")
    return "\n".join(lines)


def picture(found):
    """Return an SVG with a bar a system for the calls over HTTP."""
    rows, y = [], 10
    for call in ("me", "list", "refresh", "me_embedded"):
        systems = found.get(call, {})
        most = max((values["per_second"] for values in systems.values()), default=1)
        if systems:
            rows.append(
                f'<text x="10" y="{y + 14}" font-weight="bold">{TITLES[call].replace("`", "")}, a second</text>'
            )
            y += 22
        for system, values in systems.items():
            width, color = 360 * values["per_second"] / most, "#c2410c" if "foodfleet" in system else "#94a3b8"
            rows.append(f'<text x="10" y="{y + 13}">{system}</text>')
            rows.append(f'<rect x="190" y="{y}" width="{width:.0f}" height="16" fill="{color}"/>')
            rows.append(f'<text x="{195 + width:.0f}" y="{y + 13}">{values["per_second"]:,.0f}</text>')
            y += 20
        y += 10
    style = 'font-family="sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{y}" viewBox="0 0 640 {y}" {style}>'
    return "\n".join([head, f'<rect width="640" height="{y}" fill="white"/>', *rows, "</svg>"]) + "\n"


def write(found):
    """Merge into the results of earlier runs, part by part, and write all files anew."""
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / "results.json"
    kept = json.loads(file.read_text()) if file.is_file() else {}
    machine = f"{os.cpu_count()} cores shared with the load generator, Python {platform.python_version()}"
    stamped = {part: {"measured_on": datetime.now(UTC).date().isoformat(), "machine": machine, "systems": numbers}
               for part, numbers in found.items()}  # fmt: skip
    results = {part: ({**kept, **stamped})[part] for part in TITLES if part in kept or part in stamped}
    file.write_text(json.dumps(results, indent=1) + "\n")
    (FOLDER / "calls.svg").write_text(picture({part: result["systems"] for part, result in results.items()}))
    parts = [f"### {TITLES[part]}\n{table(result['systems'])}\n\n{result['measured_on']}, {result['machine']}."
             for part, result in results.items()]  # fmt: skip
    multiples = ratios({part: result["systems"] for part, result in results.items()})
    tables = "<!-- results -->\n" + "\n\n".join([multiples, *parts]) + "\n<!-- end of results -->"
    PAGE.write_text(
        re.sub(r"<!-- results -->.*<!-- end of results -->", lambda _: tables, PAGE.read_text(), flags=re.DOTALL)
    )
