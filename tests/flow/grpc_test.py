"""gRPC end to end: node's http2 module as client and as server, through the proxy of examples/grpc."""

import os
import re
import subprocess
import unittest

from support.examples import EXAMPLES, ExampleTest
from support.peers import Peer
from support.waiting import until

# Sends `messages` to a method, each once the answer to the one before has come where `turns` says so; prints what came.
CLIENT = """
const [url, method, turns, ...messages] = process.argv.slice(1);
const frame = t => { const b = Buffer.alloc(5 + t.length); b.writeUInt32BE(t.length, 1); b.write(t, 5); return b; };
const c = require('http2').connect(url);
const s = c.request({':method': 'POST', ':path': '/greet.Greeter/' + method, te: 'trailers',
  'content-type': 'application/grpc'});
let held = Buffer.alloc(0), status = 'none'; const next = () => messages.length ? s.write(frame(messages.shift())) : s.end();
s.on('response', (h, flags) => { if (h['grpc-status']) status = 'only ' + h['grpc-status'] + ' ' + !!(flags & 1); });
s.on('trailers', t => { status = t['grpc-status']; });
s.on('data', d => { held = Buffer.concat([held, d]);
  while (held.length >= 5 && held.length >= 5 + held.readUInt32BE(1)) { const n = held.readUInt32BE(1);
    console.log(held.subarray(5, 5 + n).toString()); held = held.subarray(5 + n); if (turns == 'yes') next(); } });
s.on('close', () => { console.log('status ' + status); c.close(); });
if (turns == 'yes') next(); else { while (messages.length) next(); next(); }
"""


class Grpc(ExampleTest):
    def setUp(self):
        super().setUp()
        service = Peer()
        self.addCleanup(service.close)
        service.start("node", os.path.abspath(os.path.join(EXAMPLES, "grpc", "service.js")), "0")
        port = until(lambda: re.search(r"port (\d+)\.", service.said()), "the service's port").group(1)
        self.proxy = self.start("grpc/rpx.toml", SERVICE=f"http://127.0.0.1:{port}")

    def call(self, method, *messages, turns=False):
        done = subprocess.run(["node", "-e", CLIENT, self.proxy.url, method, "yes" if turns else "no", *messages],
                              capture_output=True, text=True, timeout=30, check=False)
        return done.stdout.splitlines() or done.stderr

    def test_one_message_each_way(self):
        self.assertEqual(self.call("Say", "you"), ["hello you", "status 0"])

    def test_a_stream_from_the_client(self):
        self.assertEqual(self.call("Sum", *[str(n) for n in range(100)]), ["4950", "status 0"])

    def test_a_stream_from_the_server(self):
        self.assertEqual(self.call("Count", "500"), [str(n) for n in range(1, 501)] + ["status 0"])

    def test_both_take_turns(self):
        said = [f"word {n}" for n in range(20)]
        self.assertEqual(self.call("Chat", *said, turns=True), [f"you said {s}" for s in said] + ["status 0"])

    def test_a_reply_of_trailers_alone_ends_with_its_head(self):
        self.assertEqual(self.call("None", "x"), ["status only 12 true"])


if __name__ == "__main__":
    unittest.main()
