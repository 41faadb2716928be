"""A proxy that is followed by others, each started anew by rpx-serve upgrade, and what can be seen of their processes."""

import json
import os
import signal

from support.flow import FlowTest
from support.proxy import REPORT, Proxy, run_tool
from support.waiting import PATIENCE, until


def stat_of(pid):
    """(state, parent) of a process; nothing when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(") ", 1)[1].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_alive(pid):
    stat = stat_of(pid)
    return stat is not None and stat[0] != "Z"


def children_of(pid):
    stats = {int(name): stat_of(name) for name in os.listdir("/proc") if name.isdigit()}
    return [child for child, stat in stats.items() if stat and stat[0] != "Z" and stat[1] == str(pid)]


class Upgraded(Proxy):
    """A proxy that does not end with its parent, and may be followed by others; all of them end with it."""

    def __init__(self, config, **more):
        self.pids = [0]
        super().__init__(config, dies=False, **more)
        self.pids = [self.process.pid]

    def launcher(self):
        """The process beside the last one that starts the next."""
        return children_of(self.pids[-1])[0]

    def upgrade(self, expect=0, arguments=()):
        done = run_tool("upgrade", "--socket", self.path("rpx.sock"), "-o", "json", *arguments, timeout=PATIENCE * 2)
        assert done.returncode == expect, (done.returncode, done.stderr, self.text("stderr"))
        if expect == 0:
            self.pids.append(json.loads(done.stdout)["pid"])
        return done

    def end(self):
        for pid in self.pids[1:]:
            if is_alive(pid):
                os.kill(pid, signal.SIGTERM)
        until(lambda: not any(is_alive(pid) for pid in self.pids[1:]), "the last process to end")
        self.log = self.text("stderr")
        assert not REPORT.search(self.log), self.log
        self.stop()

    def kill(self):
        for pid in self.pids[1:]:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        super().kill()


class Started(FlowTest):
    def start(self, config, **more):
        proxy = Upgraded(config, **more)
        self.proxies.append(proxy)
        self.addCleanup(proxy.kill)
        self.addCleanup(proxy.end)
        return proxy
