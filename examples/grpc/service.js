// A gRPC service by hand: node's http2 module, and messages of text where real ones have Protocol Buffers.
// Say: one message, one answer. Sum: many, one answer. Count: one, many answers. Chat: an answer to each.
const http2 = require('http2');

function frame(text) {
  const body = Buffer.from(text);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

function onMessages(stream, each) {
  let held = Buffer.alloc(0);
  stream.on('data', piece => {
    held = Buffer.concat([held, piece]);
    while (held.length >= 5 && held.length >= 5 + held.readUInt32BE(1)) {
      const size = held.readUInt32BE(1);
      each(held.subarray(5, 5 + size).toString());
      held = held.subarray(5 + size);
    }
  });
}

const methods = {
  Say: stream => onMessages(stream, text => stream.end(frame('hello ' + text))),
  Sum: stream => {
    let sum = 0;
    onMessages(stream, text => { sum += Number(text); });
    stream.on('end', () => stream.end(frame(String(sum))));
  },
  Count: stream => onMessages(stream, text => {
    for (let n = 1; n <= Number(text); n++) stream.write(frame(String(n)));
    stream.end();
  }),
  Chat: stream => {
    onMessages(stream, text => stream.write(frame('you said ' + text)));
    stream.on('end', () => stream.end());
  },
};

const server = http2.createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const method = methods[headers[':path'].split('/').pop()];
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  if (!method || headers.te !== 'trailers') {
    stream.respond({ ...head, 'grpc-status': '12', 'grpc-message': 'no such method' }, { endStream: true });
    return;
  }
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  method(stream);
});
server.listen(Number(process.argv[2] || 50051), '127.0.0.1', () => console.log(`port ${server.address().port}.`));
