'use strict';

// The limits of express-rate-limit, divided: the same limiter stands in the same place, and is reached sooner.

let divisor = 1;

exports.divideBy = (number) => {
  divisor = number;
};

const least = (limit) => (Number.isFinite(limit) && limit > 0 ? Math.ceil(limit / divisor) : limit);

function divided(limit) {
  return typeof limit === 'function' ? async (...given) => least(await limit(...given)) : least(limit);
}

exports.tightened = (library) => {
  if (divisor === 1 || typeof library !== 'function') return library;
  const rateLimit = (options = {}) => {
    const tight = { ...options };
    for (const name of ['limit', 'max']) {
      if (name in tight) tight[name] = divided(tight[name]);
    }
    return library(tight);
  };
  return Object.assign(rateLimit, library, { rateLimit, default: rateLimit });
};
