'use strict';

// Stands between the answer and its store, as a database would: a call takes a while, and may fail. In a race every request
// is held at its next call of the store until all of them have come to one; only then do they go on, together.

const { AsyncLocalStorage } = require('node:async_hooks');

// Somebody waits for a lock, so the others will not come. Long, because it may happen only then, and once in a race.
const ALONE = 1000;

const asyncFunction = (async () => {}).constructor;
const racer = new AsyncLocalStorage();
const shells = new WeakMap();

let broken = null;
let race = null;
let held = 0;

exports.race = (count) => {
  held = 0;
  race = { count, gathered: [], running: new Set(), waiting: [], timer: null };
};

exports.raced = () => held;

exports.breakStore = (text) => {
  broken = text;
};

// Requests of a race start in the same turn, when the last of them is there with its body.
exports.gate = (app, req, res) => {
  if (!race || race.gathered.length === race.count) {
    app(req, res);
    return;
  }
  const now = race;
  const id = now.gathered.length;
  now.running.add(id);
  now.gathered.push(() => racer.run(id, () => app(req, res)));
  res.once('close', () => {
    now.running.delete(id);
    settle(now);
  });
  if (now.gathered.length === now.count) setImmediate(() => now.gathered.forEach((start) => start()));
};

function settle(now) {
  const waiting = new Set(now.waiting.map(({ id }) => id));
  if (waiting.size >= now.running.size) release(now);
  if (now.running.size === 0) end(now);
}

function release(now) {
  clearTimeout(now.timer);
  for (const { go } of now.waiting.splice(0)) go();
}

function end(now) {
  if (race !== now) return;
  race = null;
  racer.disable(); // following every promise costs time
}

function hold() {
  const now = race;
  if (!now || now.gathered.length < now.count) return null;
  held += 1;
  return new Promise((go) => {
    now.waiting.push({ id: racer.getStore() ?? Symbol('nobody'), go });
    clearTimeout(now.timer);
    now.timer = setTimeout(() => {
      release(now);
      end(now);
    }, ALONE);
    settle(now);
  });
}

async function slowly(call) {
  if (broken !== null) throw Object.assign(new Error(broken), { code: 'ECONNREFUSED' });
  await hold();
  return call();
}

const isClass = (fn) => /^class\b/.test(Function.prototype.toString.call(fn));

// Whatever is not known to give a promise keeps giving what it gives: its result may be needed at once.
function slowed(fn, shell, owner) {
  let promises = fn instanceof asyncFunction;
  return function call(...given) {
    const self = this === shell() ? owner : this;
    if (promises) return slowly(() => fn.apply(self, given));
    const result = fn.apply(self, given);
    promises = typeof result?.then === 'function';
    return promises ? slowly(() => result) : result;
  };
}

// A plain object or an instance of a class, which may group functions of the store; no Map, Date, array.
const isGroup = (value) => Object.prototype.toString.call(value) === '[object Object]';

// Calls from within the store are its own business: they see the store as it is.
exports.watched = function watched(store) {
  if (!isGroup(store)) return store;
  if (shells.has(store)) return shells.get(store);
  const known = new Map();
  // of a frozen object a proxy may show nothing but its own values
  const shell = new Proxy(Object.isFrozen(store) ? { ...store } : store, {
    get(_, name) {
      const value = Reflect.get(store, name, store);
      if (typeof value !== 'function') return watched(value);
      if (isClass(value)) return value;
      if (!known.has(value)) known.set(value, slowed(value, () => shell, store));
      return known.get(value);
    },
  });
  shells.set(store, shell);
  return shell;
};
