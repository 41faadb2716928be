"""Does rpx-bench tell the truth? By hand, on a machine that does nothing else, against the build in $RPX_BIN:

    measures.py delays              percentiles of replies whose delays are known
    measures.py same --runs 100     a server compared with itself: how often it is said to have changed
    measures.py slower --runs 20    a server compared with one that takes a tenth longer: how often that is found
    measures.py peers               requests for a second of CPU, in turns with wrk, h2load, and nginx as an origin

Prints what was measured; ends with 1 where delays are off by more than 1 % and 50 µs of what the origin says they took, more than one verdict of 20 is wrong,
or one of the peers does more for its CPU. No part of ctest: these are benchmarks, and their figures are those of the machine.
"""

import argparse
import collections
import json
import os
import re
import resource
import statistics
import subprocess
import sys

from support.peers import Nginx
from support.proxy import BINARY, Proxy
from support.waiting import PATIENCE

BENCH = os.path.join(os.path.dirname(BINARY), "rpx-bench")
DELAYS_MS = (1, 2, 5, 10, 20, 50, 100)
SLACK_MS = 0.05
SHARE = 0.01


class BuiltIn:
    """`rpx-bench origin` while a `with` lasts."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __enter__(self):
        where = () if "--listen" in self.arguments else ("--listen", "127.0.0.1:0")
        self.process = subprocess.Popen([BENCH, "origin", "--threads", "1", *where, *self.arguments], text=True,
                                        stdout=subprocess.PIPE)
        self.url = self.process.stdout.readline().strip()
        return self

    def end(self):
        """What it tells when it ends."""
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE)[0]

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.end()


def bench(*arguments):
    done = subprocess.run([BENCH, "-o", "json", "--no-progress", *arguments], capture_output=True, text=True, check=False)
    if not done.stdout:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def delayed(arguments, path_of_delay):
    """The latencies of replies that an origin delays, and how long it says that each took: both in percentiles."""
    with BuiltIn("--awake", "--delays", "-o", "json") as origin:
        latency = bench("--awake", "-t", "1", *arguments, *(origin.url + one for one in path_of_delay))["latency"]
        return latency, json.loads(origin.end())[0]


def judged(what, latency, real, idle, wanted):
    """Prints how far off each percentile is; whether all are close enough."""
    ok = True
    for name, delay in wanted:
        error = latency[name] - idle - real[name]
        bound = real[name] * SHARE + SLACK_MS
        ok = ok and abs(error) <= bound
        print(f"{what:>6} {name[:-3]:>4} {latency[name]:9.3f} ms  off by {error:+.3f} (bound {bound:.3f}), of {delay} ms that took "
              f"{real[name]:.3f}{'' if abs(error) <= bound else '  OUTSIDE'}")
    return ok


def measured(what, arguments, paths, idle, wanted):
    """Once, or up to twice again: between the clocks of the two the machine may stand still as well, which is no error of either."""
    for _ in range(3):
        if judged(what, *delayed(arguments, paths), idle, wanted):
            return True
    return False


def delays(_options):
    """Each delay alone, then all of them mixed, where percentiles fall onto one delay or another. A machine that stands still
    lengthens delays, too: what counts is how long they took."""
    with BuiltIn("--awake") as origin:
        idle = bench("--awake", "-c", "1", "-n", "2000", "-t", "1", origin.url + "/")["latency"]["p50_ms"]
    print(f"a reply without delay: {idle:.3f} ms, taken off below")
    good = [measured(f"{delay} ms", ("-c", "4", "-d", "3s"), [f"/?delay={delay}ms"], idle,
                     [(name, delay) for name in ("p50_ms", "p90_ms", "p99_ms")]) for delay in DELAYS_MS]
    # 60 % take 5 ms, 30 % 20 ms, 10 % 100 ms: by a rate, so that slow ones do not keep fast ones from being sent.
    good.append(measured("mixed", ("-c", "60", "-d", "6s", "--rate", "400", "--weights", "6,3,1"),
                         [f"/?delay={d}ms" for d in (5, 20, 100)], idle, [("p50_ms", 5), ("p75_ms", 20), ("p99_ms", 100)]))
    return all(good)


def verdicts(runs, seconds, first, other):
    found = collections.Counter()
    for run in range(runs):
        found[bench("-c", "8", "-t", "1", "-d", f"{seconds}s", "--compare", other, first)["verdict"]] += 1
        print(f"\r{run + 1} of {runs}: {dict(found)}", end="", flush=True)
    print()
    return found


def same(options):
    with BuiltIn() as one, BuiltIn() as other:
        found = verdicts(options.runs, options.seconds, one.url + options.path, other.url + options.path)
    return found["worse"] + found["better"] <= options.runs * 0.05


def slower(options):
    with BuiltIn() as one, BuiltIn() as other:
        found = verdicts(options.runs, options.seconds, one.url + "/?delay=10ms", other.url + "/?delay=11ms")
    return found["worse"] >= options.runs * 0.95


def cpu_of(command):
    """What a command printed, and the CPU seconds that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ticks_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def nginx_cpu(nginx):
    """Of its worker; the master does nothing."""
    children = subprocess.run(["pgrep", "-P", str(nginx.process.pid)], capture_output=True, text=True, check=True).stdout.split()
    return sum(ticks_of(pid) for pid in children)


def by_our_client(url, *arguments):
    """Requests for a second of rpx-bench's own CPU."""
    out, cpu = cpu_of([BENCH, "-o", "json", "-t", "1", "-d", "3s", *arguments, url])
    return json.loads(out)["requests"] / cpu


def peers(options):
    """Each figure in turns; what is compared is requests for a second of CPU, medians."""
    figures = collections.defaultdict(list)
    clear = ('[[listen]]\naddress = "127.0.0.1:0"\nprotocols = ["h2c"]\n[[route]]\nrespond = { status = 200, body = "hello" }\n')
    nginx, proxy = Nginx(server="location = /x { return 200 'hello'; }"), Proxy(clear, serve="workers = 1")
    with BuiltIn() as origin, BuiltIn("--listen", f"unix:{nginx.dir}/origin") as on_path:
        http2 = proxy.url + "/"
        for _ in range(options.rounds):
            out, cpu = cpu_of(["wrk", "-t1", "-c50", "-d3s", origin.url + "/"])
            figures["wrk, HTTP/1.1"].append(int(re.search(r"(\d+) requests in", out).group(1)) / cpu)
            figures["rpx-bench, HTTP/1.1"].append(by_our_client(origin.url + "/", "-c", "50"))
            out, cpu = cpu_of(["h2load", "-t1", "-c10", "-m10", "-D3", http2])
            figures["h2load, HTTP/2"].append(int(re.search(r"(\d+) succeeded", out).group(1)) / cpu)
            figures["rpx-bench, HTTP/2"].append(by_our_client(http2, "--http2", "-c", "10", "-m", "10"))
            # Both on a path, which costs less than TCP.
            for name, path, used in (("rpx-bench origin", on_path.url, lambda: ticks_of(on_path.process.pid)),
                                     ("nginx return 200", nginx.url, lambda: nginx_cpu(nginx))):
                before = used()
                run = bench("-t", "1", "-c", "50", "-d", "3s", "--unix", path.removeprefix("unix:"), "http://origin/x")
                figures[name].append(run["requests"] / (used() - before))
    nginx.close()
    proxy.stop()
    proxy.kill()
    medians = {name: statistics.median(values) for name, values in figures.items()}
    for name, value in medians.items():
        print(f"{name:<22}{value:>10.0f} requests for a second of CPU")
    return all(medians[ours] >= medians[theirs] for ours, theirs in (
        ("rpx-bench, HTTP/1.1", "wrk, HTTP/1.1"), ("rpx-bench, HTTP/2", "h2load, HTTP/2"), ("rpx-bench origin", "nginx return 200")))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("delays", "same", "slower", "peers"))
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--path", default="/?delay=2ms")
    options = parser.parse_args()
    sys.exit(0 if globals()[options.what](options) else 1)


if __name__ == "__main__":
    main()
