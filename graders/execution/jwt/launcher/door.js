'use strict';

// Started in the box instead of the answer. It loads the answer as often as it is told to, each time with fresh memory,
// and joins callers outside to the one they name. A connection says in its first line, as JSON, what it is for:
//
//   {"do": "http", "to": NAME, "from": ADDRESS}   then HTTP, as if it came from that network address
//   {"do": "load", "name": NAME, "direct": BOOL, "divisor": N}  load it anew, as a module or as the program, with N times
//                                                  lower limits of requests
//   {"do": "env", "values": {NAME: TEXT or null}}  set or unset environment variables
//   {"do": "clock", "at": MILLISECONDS or null}   stop the clock there, or let it run
//   {"do": "race", "count": N}                    the next N requests run in lockstep
//   {"do": "raced"}                               how many calls of the store were held for that
//   {"do": "break", "text": TEXT or null}         every call of the store fails with that text, or works again
//
// Each is answered by one line of JSON.

const clock = require('./clock');
const hashing = require('./hashing');
const answer = require('./answer');
const watch = require('./watch');
const net = require('node:net');

const FIRST_LINE = 4096;
const SOCKET = process.argv[2];

const servers = new Map();

const orders = {
  async load(order) {
    const loaded = await answer.load(order);
    servers.set(order.name, loaded.server);
    return loaded.seen;
  },
  env({ values }) {
    for (const [name, value] of Object.entries(values)) {
      if (value === null) delete process.env[name];
      else process.env[name] = value;
    }
    return {};
  },
  clock({ at }) {
    clock.stopAt(at);
    return {};
  },
  race({ count }) {
    watch.race(count);
    return {};
  },
  raced() {
    return { held: watch.raced() };
  },
  break({ text }) {
    watch.breakStore(text);
    return {};
  },
};

function say(socket, words) {
  socket.write(`${JSON.stringify(words)}\n`);
}

async function obey(socket, order) {
  if (order.do === 'http') {
    const server = servers.get(order.to);
    Object.defineProperties(socket, {
      remoteAddress: { value: order.from }, remoteFamily: { value: 'IPv4' }, remotePort: { value: 40000 },
    });
    say(socket, {});
    server.emit('connection', socket);
    return;
  }
  try {
    say(socket, await orders[order.do](order));
  } catch (error) {
    say(socket, { error: String(error).slice(0, 2000) });
  }
  socket.end();
}

const door = net.createServer((socket) => {
  let line = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', function read(piece) {
    line = Buffer.concat([line, piece]);
    const end = line.indexOf(10);
    if (end < 0 && line.length < FIRST_LINE) return;
    socket.removeListener('data', read);
    obey(socket, JSON.parse(line.subarray(0, end).toString()));
  });
});

hashing.shorten();
door.listen(SOCKET);
answer.takeOver();
