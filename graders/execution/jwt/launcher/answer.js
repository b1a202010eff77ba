'use strict';

// Loads the answer: as a module that others require, or as the program itself.

const http = require('node:http');
const Module = require('node:module');
const net = require('node:net');
const path = require('node:path');
const limits = require('./limits');
const watch = require('./watch');

const FOLDER = process.argv[3];
const APP = path.join(FOLDER, 'app.js');
const STORE = path.join(FOLDER, 'store.js');
const START_WITHIN = 3000;
// callers may take their time on a busy machine
const PATIENT = { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 };

const listen = net.Server.prototype.listen;
const load = Module._load;

// What happens when the answer calls `listen`: nothing, but where it is loaded as the program.
const ignore = (server) => server;
let onListen = ignore;

exports.takeOver = () => {
  net.Server.prototype.listen = function listening(...given) {
    return onListen(this, given);
  };
};

Module._load = function loading(request, parent, isMain) {
  const exported = load.call(this, request, parent, isMain);
  if (!parent || !parent.filename || !parent.filename.startsWith(FOLDER)) return exported;
  if (request === 'express-rate-limit') return limits.tightened(exported);
  return Module._resolveFilename(request, parent, isMain) === STORE ? watch.watched(exported) : exported;
};

function forget() {
  for (const file of Object.keys(require.cache)) {
    if (file.startsWith(FOLDER)) delete require.cache[file];
  }
}

function loadModule() {
  let listened = false;
  onListen = (server) => {
    listened = true;
    return server;
  };
  const app = Module._load(APP, null, false);
  const kind = typeof app;
  const server = kind === 'function' ? http.createServer(PATIENT, (req, res) => watch.gate(app, req, res)) : null;
  return { server, seen: { exports: kind, listened } };
}

// The port that `listen` was called with; the real one may be another where the box has no network of its own.
function asked([first]) {
  const port = first !== null && typeof first === 'object' ? first.port : first;
  return typeof port === 'string' ? Number(port) : port;
}

// The real `listen`, which stays within the box.
function loadProgram() {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({ server: null, seen: { port: null } }), START_WITHIN);
    onListen = (server, given) => {
      onListen = ignore;
      server.once('listening', () => {
        clearTimeout(timer);
        resolve({ server, seen: { port: asked(given) } });
      });
      server.once('error', reject);
      return listen.apply(server, given);
    };
    Module._load(APP, null, true);
  });
}

exports.load = async ({ direct, divisor }) => {
  forget();
  limits.divideBy(divisor ?? 1);
  try {
    return direct ? await loadProgram() : loadModule();
  } finally {
    onListen = ignore;
  }
};
