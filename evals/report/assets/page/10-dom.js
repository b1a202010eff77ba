// Elements from data. Every string of the data ends in a text node; characters that could deceive are shown by code point.
const D = JSON.parse(document.getElementById('data').textContent);
const MINUS = '\u2212', NB = '\u00a0', DAGGER = '\u2020';
const ODD = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]|\r(?!\n)/g;

function appendText(element, value) {
  const text = String(value);
  let at = 0;
  for (const odd of text.matchAll(ODD)) {
    if (odd.index > at) element.append(document.createTextNode(text.slice(at, odd.index)));
    const shown = document.createElement('span');
    shown.className = 'ctl';
    shown.textContent = 'U+' + odd[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    element.append(shown);
    at = odd.index + odd[0].length;
  }
  if (at < text.length) element.append(document.createTextNode(text.slice(at)));
}

function add(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(element, child);
    else if (child instanceof Node) element.append(child);
    else appendText(element, child);
  }
  return element;
}

function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else element.setAttribute(name, value === true ? '' : value);
  }
  return element;
}

/** h('p.dim', {title}, child, …): an HTML element; children are nodes, strings, or lists of them. */
function h(tag, attributes, ...children) {
  const [name, ...classes] = tag.split('.');
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(' ');
  return add(setAttributes(element, attributes), children);
}

function svg(tag, attributes, ...children) {
  return add(setAttributes(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes), children);
}

const button = (tag, act, ...children) => h(tag, { type: 'button', on: { click: act } }, ...children);
const hidden = (...children) => h('span.vh', null, ...children);
const mute = (...children) => h('span', { 'aria-hidden': 'true' }, ...children);
const toned = (tag, tone) => tone ? `${tag}.${tone}` : tag;

// ---- numbers and words
const score = value => value === null || value === undefined ? 'unscored' : value.toFixed(2);
const signed = (value, digits = 2) => {
  const rounded = Number(value.toFixed(digits));
  return (rounded < 0 ? MINUS : rounded > 0 ? '+' : '') + Math.abs(value).toFixed(digits);
};
const number = value => value.toLocaleString('en');
const count = (n, one, many) => `${number(n)}${NB}${n === 1 ? one : many || one + 's'}`;
const total = pairs => pairs.reduce((sum, [, n]) => sum + n, 0);
const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
const cropped = (text, limit) => text.length > limit ? text : null;
const A = D.sides[0], B = D.sides[1], NAMES = ['A', 'B'];

const SIGNS = {
  'regressed': '\u25bc', 'improved': '\u25b2', 'not worse': '=', 'inconclusive': '?',
  'too little scored': '\u25cc', 'not comparable': '\u2205',
};
const toneOf = verdict => verdict === 'regressed' ? 'worse' : verdict === 'improved' ? 'better' : '';
const comparable = D.verdict.kind !== 'not comparable';

function section(id, title, how, ...children) {
  return h('section', { id, 'aria-labelledby': id + '-h' },
    h('header', null, h('h2', { id: id + '-h', tabindex: -1 }, title), how && h('p', null, how)), ...children);
}
