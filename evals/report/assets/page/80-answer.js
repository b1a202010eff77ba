// An answer's text: prose and fenced code, with the evidence marked in place.

/** [kind, start, end, info] for each stretch of prose and each fenced block. */
function stretches(text) {
  const found = [];
  let at = 0, fence = null, begun = 0;
  while (at < text.length) {
    const next = text.indexOf('\n', at), end = next < 0 ? text.length : next, line = text.slice(at, Math.min(end, at + 200));
    const mark = /^ {0,3}(`{3,}|~{3,})\s*(.*)$/.exec(line);
    if (!fence && mark && !(mark[1][0] === '`' && mark[2].includes('`'))) {
      if (at > begun) found.push(['prose', begun, at, '']);
      fence = { sign: mark[1], info: mark[2].trim() };
      begun = Math.min(end + 1, text.length);
    } else if (fence && mark && mark[1].startsWith(fence.sign) && !mark[2]) {
      found.push(['code', begun, at, fence.info]);
      fence = null;
      begun = Math.min(end + 1, text.length);
    }
    at = end + 1;
  }
  if (fence || begun < text.length) found.push([fence ? 'code' : 'prose', begun, text.length, fence ? fence.info : '']);
  return found;
}

function filled(element, text, from, to, marks) {
  let at = from;
  for (const mark of marks) {
    const start = Math.max(mark.from, at), end = Math.min(mark.to, to);
    if (end <= start) continue;
    if (start > at) appendText(element, text.slice(at, start));
    const el = h('mark');
    if (mark.to <= to) el.dataset.n = mark.n;
    appendText(el, text.slice(start, end));
    element.append(el);
    at = end;
  }
  if (at < to) appendText(element, text.slice(at, to));
  return element;
}

function trimmed(text, from, to) {
  while (from < to && text[from] === '\n') from++;
  while (to > from && text[to - 1] === '\n') to--;
  return [from, to];
}

function answerText(text, marks) {
  const sorted = [...marks].sort((a, b) => a.from - b.from);
  return h('div.ans', null, stretches(text).map(([kind, start, end, info]) => {
    if (kind === 'code') {
      return [info ? h('p.info.mono', { dir: 'ltr' }, info) : null, filled(h('pre', { dir: 'ltr' }), text, start, Math.max(start, end - (text[end - 1] === '\n' ? 1 : 0)), sorted)];
    }
    const [from, to] = trimmed(text, start, end);
    return to > from ? filled(h('div.prose', { dir: 'auto' }), text, from, to, sorted) : null;
  }));
}

/** Numbered marks of the given spans; those that overlap become one. */
function marksOf(spans) {
  const marks = [];
  for (const [from, to] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = marks.at(-1);
    if (last && from < last.to) last.to = Math.max(last.to, to);
    else marks.push({ from, to, n: marks.length + 1 });
  }
  return marks;
}
