"""FoodFleet's delivery beside django-post-office and django-mailer, into a small Amazon of its own process.

    python benchmarks/delivery.py

Needs PostgreSQL and Redis (--redis, emptied), and the peers' environment that `make bench` builds. All three write the
same mail (HTML and text from a template) into the same database, a transaction a mail, and send it with django-ses over
boto3; Amazon takes --latency for an answer, throttles 1 % and fails 1 %. Then: a code behind a queue
of bulk, senders killed with SIGKILL, and four workers under one quota.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import redis
from processes import HERE, PEER_PYTHON, REDIS, ROOT, environment_of, free_port, new_database, stop_on_sigterm

SYSTEMS = ("foodfleet", "post_office", "mailer")
PROCESSES = {5: 1, 10: 2, 20: 2}  # how many processes the senders are spread over
LEASE = 4


class Bench:
    """What all measurements share."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.systems = arguments.systems
        self.amazon = f"http://127.0.0.1:{arguments.port}"
        self.env = {
            **environment_of(new_database("delivery")), "LOG_LEVEL": "WARNING",
            "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y",
            "REDIS_URL": arguments.redis, "CELERY_BROKER_URL": arguments.redis,
            "EMAIL_URL": "amazonses://", "EMAIL_MAX_PER_SECOND": "", "AWS_ENDPOINT_URL": self.amazon,
            "DELIVERY_LEASE_SECONDS": str(LEASE), "SES_API": arguments.api,
            "BATCH_SIZE": str(arguments.batch),
        }  # fmt: skip
        self.running = []
        self.found = {}

    # -- Processes
    def start(self, command, **more):
        env = {**self.env, **more.pop("env", {})}
        more.setdefault("stdout", subprocess.DEVNULL)
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, start_new_session=True, stderr=subprocess.DEVNULL, **more
        )
        self.running.append(process)
        return process

    def kill(self, process):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.running.remove(process)

    def command(self, system, *arguments):
        script = [sys.executable, HERE / "delivery_ours.py"]
        if system != "foodfleet":
            script = [PEER_PYTHON, HERE / "delivery_peers.py", system]
        return [*script, *map(str, arguments)]

    def ask(self, system, *arguments):
        """Run a command of a system to its end; what it printed."""
        done = subprocess.run(  # noqa: PLW1510  what it says is of more use than the exception
            self.command(system, *arguments), cwd=ROOT, env=self.env, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{system} {arguments[0]}:\n{done.stderr[-2000:]}")
        return done.stdout

    def dispatchers(self, system, senders, processes, env=()):
        """Processes that are ready to send, together with so many senders."""
        if system == "foodfleet":
            commands = [self.command(system, "dispatch", senders // processes)] * processes
        else:  # post-office forks by itself; django-mailer has one sender
            commands = [self.command(system, "dispatch", processes)]
        more = {**dict(env), "THREADS": str(max(1, senders // processes))}
        dispatchers = [
            self.start(command, env=more, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for command in commands
        ]
        for dispatcher in dispatchers:
            dispatcher.stdout.readline()
        return dispatchers

    def go(self, dispatchers):
        for dispatcher in dispatchers:
            dispatcher.stdin.write("\n")
            dispatcher.stdin.flush()

    def ended(self, dispatchers, seconds):
        """Whether all of them came to an end within these seconds; whoever did not is killed."""
        until = time.monotonic() + seconds
        are_done = True
        for dispatcher in dispatchers:
            try:
                dispatcher.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                are_done = False
            self.kill(dispatcher)
        return are_done

    # -- Amazon
    def report(self):
        return json.load(urllib.request.urlopen(f"{self.amazon}/report"))

    def reset(self):
        urllib.request.urlopen(f"{self.amazon}/reset", data=b"").read()

    def prepare(self):
        redis.Redis.from_url(self.arguments.redis).flushdb()
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=self.env, check=True)
        self.ask("post_office", "prepare", self.ask("foodfleet", "content"))
        latency = str(self.arguments.latency)
        port = str(self.arguments.port)
        self.start([sys.executable, HERE / "fake_amazon.py", "--port", port, "--latency", latency])
        for _ in range(100):
            try:
                return self.reset()
            except OSError:
                time.sleep(0.1)
        sys.exit("The small Amazon did not start.")


def throughput(bench):
    """Enqueue and send in rounds, the systems in turn, so that a machine that is busy for a while is so for all."""
    rounds = {}
    for _ in range(bench.arguments.rounds):
        for senders in PROCESSES:
            for system, numbers in one_round(bench, senders).items():
                for part, values in numbers.items():
                    rounds.setdefault(part, {}).setdefault(system, []).append(values)
    for part, systems in rounds.items():
        bench.found[part] = {system: medians(values) for system, values in systems.items()}
        print(f"\n{part}, medians of {bench.arguments.rounds} rounds")
        for system, values in bench.found[part].items():
            print(f"  {system:12}", *(f"{name} {value:,.4g}" for name, value in values.items()), flush=True)


def one_round(bench, senders):
    """Return {system: {part: numbers}} of one round with so many senders."""
    messages, part = bench.arguments.messages, f"{senders} senders"
    rate, cpu = map(float, bench.ask("foodfleet", "bare", senders, messages).split())
    found = {"bare boto3": {part: {"per_second": rate, "cpu_ms": cpu}}}
    for system in bench.systems:
        rate, cpu = map(float, bench.ask(system, "enqueue", f"{system}{senders}x", messages).split())
        found[system] = {"enqueue": {"per_second": rate, "cpu_ms": cpu}}
        if system != "mailer" or senders == min(PROCESSES):  # it has one sender, whatever it is asked for
            found[system][part] = drained(bench, system, senders, messages)
        bench.ask(system, "forget")
    return found


def drained(bench, system, senders, messages):
    """Send what is queued; CPU is of the senders alone, without their start."""
    bench.reset()
    dispatchers = bench.dispatchers(system, senders, PROCESSES[senders])
    bench.go(dispatchers)
    bench.ended(dispatchers, 300)
    cpu = sum(float(dispatcher.stdout.read() or 0) for dispatcher in dispatchers)
    report = bench.report()
    lost = messages + 10 - report["recipients"]
    return {"per_second": report["a_second"], "cpu_ms": cpu / max(1, report["mails"]) * 1000, "lost": lost}


def medians(rounds):
    """Return the medians of each number; of what was lost, the sum."""
    found = {name: statistics.median(values[name] for values in rounds) for name in rounds[0]}
    return {**found, "lost": sum(values["lost"] for values in rounds)} if "lost" in found else found


def codes(bench):
    """How long a code takes that is queued behind bulk."""
    arguments = bench.arguments
    print(f"\na code behind {arguments.bulk} bulk mails, {arguments.codes} codes, seconds until Amazon took it")
    for system in bench.systems:
        bench.ask(system, "fill", f"{system}bulk", arguments.bulk)
        bench.reset()
        workers = celery(bench) if system == "foodfleet" else bench.dispatchers(system, 5, 1)
        if system != "foodfleet":
            bench.go(workers)
        until = time.monotonic() + 60
        while bench.report()["mails"] < 100 and time.monotonic() < until:
            time.sleep(0.2)
        asked = json.loads(bench.ask(system, "codes", f"{system}code", arguments.codes, 0.2))
        until = time.monotonic() + arguments.patience
        while True:
            report = bench.report()
            if asked.keys() <= report["first_taken"].keys() or time.monotonic() >= until:
                break
            time.sleep(0.5)
        for worker in workers:
            bench.kill(worker)
        still = f"{arguments.bulk - report['mails']} bulk mails still waiting"
        taken = report["first_taken"]
        waited = sorted(taken.get(name, float("inf")) - at for name, at in asked.items())
        half, most = waited[len(waited) // 2], waited[int(len(waited) * 0.95)]
        print(f"{system:12} p50 {half:.3f}, p95 {most:.3f}, longest {waited[-1]:.3f}; {still}", flush=True)
        bench.ask(system, "forget")
        redis.Redis.from_url(arguments.redis).flushdb()


def celery(bench):
    """As `make worker` and `make beat` start them."""
    run = [sys.executable, "-m", "celery", "-A", "foodfleet"]
    schedule = f"/tmp/foodfleet-bench-{os.getpid()}"
    return [
        bench.start([*run, "worker", "--hostname", "codes@%h", "--queues", "codes,default", "--concurrency", "2"]),
        bench.start([*run, "worker", "--hostname", "all@%h", "--concurrency", "2"]),
        bench.start([*run, "beat", "--schedule", schedule]),
    ]


def killed(bench):
    """Senders die in the middle; what was lost and what went out twice."""
    arguments, senders = bench.arguments, 5
    print(f"\n{arguments.kill_messages} mails, killed with SIGKILL {arguments.kills} times with {senders} senders")
    for system in bench.systems:
        bench.ask(system, "fill", f"{system}kill", arguments.kill_messages)
        bench.reset()
        share = arguments.kill_messages // (arguments.kills + 1)
        in_flight = []
        for number in range(arguments.kills):
            dispatchers = bench.dispatchers(system, senders, 1)
            bench.go(dispatchers)
            until = time.monotonic() + 60
            while (report := bench.report())["mails"] < share * (number + 1) and time.monotonic() < until:
                time.sleep(0.02)
            for dispatcher in dispatchers:
                bench.kill(dispatcher)
            in_flight.append(1 if system == "mailer" else senders)
        dispatchers = bench.dispatchers(system, senders, 1)
        bench.go(dispatchers)
        is_done = bench.ended(dispatchers, 120)
        report = bench.report()
        twice = sum(report["twice"].values()) - len(report["twice"])
        print(
            f"{system:12} lost {arguments.kill_messages - report['recipients']}{'' if is_done else ' (not finished)'}, "
            f"sent twice {twice} (in flight when killed: at most {sum(in_flight)}), "
            f"{report['same_id']} of them with the same Message-ID",
            flush=True,
        )
        bench.ask(system, "forget")


def quota(bench):
    """Four workers of ours under one rate of Amazon's."""
    rate, seconds = bench.arguments.quota, bench.arguments.quota_seconds
    bench.ask("foodfleet", "fill", "quota", int(rate * seconds * 2))
    bench.reset()
    dispatchers = bench.dispatchers("foodfleet", 20, 4, env={"EMAIL_MAX_PER_SECOND": str(rate)}.items())
    bench.go(dispatchers)
    bench.ended(dispatchers, seconds)
    report = bench.report()
    print(
        f"\nfour workers of 5 senders under {rate:g} recipients a second, {seconds:g} s: at most "
        f"{report['most_in_a_second']} came to Amazon in any second, {report['a_second']:.1f} on average",
        flush=True,
    )
    bench.ask("foodfleet", "forget")


PARTS = {"throughput": throughput, "codes": codes, "killed": killed, "quota": quota}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these measurements alone")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    parser.add_argument("--messages", type=int, default=1000, help="of each system, number of senders and round")
    parser.add_argument("--rounds", type=int, default=3, help="of throughput")
    parser.add_argument("--latency", type=float, default=0.02, help="seconds that an answer of Amazon takes")
    parser.add_argument("--bulk", type=int, default=10000, help="mails before a code")
    parser.add_argument("--codes", type=int, default=50)
    parser.add_argument("--patience", type=float, default=60, help="seconds that codes are waited for")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--kill-messages", type=int, default=1000)
    parser.add_argument("--quota", type=float, default=14, help="recipients a second")
    parser.add_argument("--quota-seconds", type=float, default=15)
    parser.add_argument("--api", choices=("v1", "v2"), default="v1", help="of SES, for FoodFleet")
    parser.add_argument("--batch", type=int, default=100, help="post-office's BATCH_SIZE")
    parser.add_argument("--port", type=int, default=free_port())
    parser.add_argument("--redis", default=REDIS)
    parser.add_argument("--json", type=Path, help="file for the numbers of throughput")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; Amazon answers in {arguments.latency} s")
    stop_on_sigterm()
    bench = Bench(arguments)
    try:
        bench.prepare()
        for part in arguments.only:
            PARTS[part](bench)
    finally:
        for process in list(bench.running):
            bench.kill(process)
    if arguments.json:
        arguments.json.write_text(json.dumps(bench.found))
    print(f"\nload {os.getloadavg()[0]:.1f} after")


if __name__ == "__main__":
    main()
