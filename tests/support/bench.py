"""rpx-bench as tests run it, and servers for it whose behaviour is known."""

import json
import os
import subprocess
import time

from support.flow import FlowTest
from support.origin import OK
from support.proxy import BINARY, environment, run_tool
from support.waiting import PATIENCE

BENCH = os.path.join(os.path.dirname(BINARY), "rpx-bench")
ANSWER = '[[route]]\nrespond = { status = 200, body = "hello\\n" }\n'
LISTEN = '[[listen]]\naddress = "127.0.0.1:0"\n'


def delayed(seconds, stall_at=None, stall=0.0):
    """A script that answers each request after the same time; the request at `stall_at` after `stall` seconds."""

    def serve(connection):
        count = 0
        while True:
            connection.request()
            count += 1
            time.sleep(stall if count == stall_at else seconds)
            connection.send(OK)

    return serve


class BenchTest(FlowTest):
    def bench(self, *arguments, expect=0):
        done = run_tool(*arguments, "-o", "json", binary=BENCH, cwd=self.folder(), timeout=PATIENCE * 2)
        self.assertEqual(done.returncode, expect, done.stderr)
        return json.loads(done.stdout)

    def built_in_origin(self, *arguments):
        process = subprocess.Popen([BENCH, "origin", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment())

        def end():
            process.terminate()
            _, err = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, 0, err)

        self.addCleanup(end)
        return process.stdout.readline().strip()
