'use strict';

// The clock that the answer sees: the real one, until it is stopped at a given time.

const Real = Date;
let stopped = null;

const now = () => stopped ?? Real.now();

const Shown = new Proxy(Real, {
  construct(target, given, newTarget) {
    return Reflect.construct(target, given.length ? given : [now()], newTarget === Shown ? target : newTarget);
  },
  apply() {
    return new Real(now()).toString();
  },
  get(target, name) {
    return name === 'now' ? now : Reflect.get(target, name);
  },
});
Real.prototype.constructor = Shown;
globalThis.Date = Shown;

exports.stopAt = (at) => {
  stopped = at;
};
