// Moving in the grid: one stop in the tab order, arrows, Home and End, page keys, Enter; and what pointing shows.
function focusTile(el) {
  if (!el) return;
  if (current) current.tabIndex = -1;
  current = el;
  el.tabIndex = 0;
  el.focus();
}

const middle = el => { const box = el.getBoundingClientRect(); return [(box.left + box.right) / 2, (box.top + box.bottom) / 2]; };

/** The tile nearest in one direction: straight on first, aside only where there is none. */
function towards(el, list, dx, dy) {
  const [x, y] = middle(el);
  let best = null, least = Infinity;
  for (const other of list) {
    const [ox, oy] = middle(other), ahead = dx ? (ox - x) * dx : (oy - y) * dy, aside = Math.abs(dx ? oy - y : ox - x);
    const cost = ahead + 3 * aside;
    if (other !== el && ahead > 3 && cost < least) [best, least] = [other, cost];
  }
  return best;
}

function target(event, el) {
  const all = [...gridBox.querySelectorAll('.tile')], row = [...el.closest('tr').querySelectorAll('.tile')];
  const step = 10 * 26;
  switch (event.key) {
    case 'ArrowRight': return towards(el, row, 1, 0);
    case 'ArrowLeft': return towards(el, row, -1, 0);
    case 'ArrowDown': return towards(el, all, 0, 1);
    case 'ArrowUp': return towards(el, all, 0, -1);
    case 'Home': return event.ctrlKey ? all[0] : row[0];
    case 'End': return event.ctrlKey ? all.at(-1) : row.at(-1);
    case 'PageDown': return towards(el, all.filter(other => middle(other)[1] >= middle(el)[1] + step), 0, 1) || all.at(-1);
    case 'PageUp': return towards(el, all.filter(other => middle(other)[1] <= middle(el)[1] - step), 0, -1) || all[0];
    default: return undefined;
  }
}

gridBox.addEventListener('keydown', event => {
  const el = event.target.closest('.tile'), to = el && target(event, el);
  if (to === undefined || !el) return;
  event.preventDefault();
  focusTile(to);
});
gridBox.addEventListener('click', event => {
  const el = event.target.closest('.tile');
  if (el) { focusTile(el); openCell(tiles.get(el)); }
});
const point = el => {
  tell(el ? tiles.get(el) : null);
  if (el) lit = [el.closest('tr').firstElementChild];
  lit.forEach(x => x.classList.add('hl'));
};
gridBox.addEventListener('pointerover', event => point(event.target.closest('.tile') || (gridBox.contains(document.activeElement) ? document.activeElement.closest('.tile') : null)));
gridBox.addEventListener('focusin', event => { const el = event.target.closest('.tile'); if (el) point(el); });

// ---- the tools above it
const chips = FILTERS.map(([id, sign, title, test]) => {
  const n = cells.filter(test).length;
  const chip = button('button.chip', () => { if (state.filters.has(id)) state.filters.delete(id); else state.filters.add(id); draw(); }, mute(sign + NB), title, h('small', null, n));
  return setAttributes(chip, { 'aria-pressed': 'false' });
});
const search = h('input', { type: 'search', placeholder: 'Search cases, criteria, reasons', 'aria-label': 'Search cases, criteria and reasons', autocomplete: 'off', spellcheck: 'false' });
let waiting;
search.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(() => { state.query = search.value.trim().toLowerCase(); draw(); }, 120); });
const namesButton = setAttributes(button('button.chip', () => { state.names = !named(); draw(); }, 'Names'), { 'aria-pressed': 'false' });

const sample = (sign, text, kind = '') => h('span', null, h('i' + kind, null, sign), text);
function legend() {
  const flagged = cells.filter(cell => cell.flip && !cell.apart);
  return h('div.legend', null, sample(TICK.p, 'all answers pass'), REPEATS > 1 ? sample('1', 'number of passes') : null, sample(TICK.f, 'none passes'),
    sample(TICK.n, 'does not apply'), sample(TICK.u, 'unscored', '.hat'), REPEATS > 1 ? sample('1', 'some answers unscored', '.part') : null,
    flagged.some(c => c.tone === 'worse') ? [sample('\u25bc', 'flipped to fail', '.worse'), sample('\u25bd', 'passes less often', '.worse')] : null,
    flagged.some(c => c.tone === 'better') ? [sample('\u25b2', 'flipped to pass', '.better'), sample('\u25b3', 'passes more often', '.better')] : null,
    flagged.some(c => c.advisory) ? sample('\u25bc\u25b3', `without colour: advisory ${DAGGER}`) : null,
    D.musts.length ? sample('', 'framed: a must that broke', '.framed') : null,
    cells.some(c => c.apart) ? sample('\u25c7', 'set apart: other kind of grader') : null, sample('\u2260', 'graders disagree'));
}

function gridSection() {
  const everyone = open => () => { state.open = new Set(open ? bundles : []); draw(); };
  const apart = [0, 1].filter(side => D.only[side].length).map(side => `Only in ${NAMES[side]}, and in no figure: ${D.only[side].join(', ')}.`);
  return section('grid', 'Every case, every criterion', 'Left mark A, right mark B. Open one to read both answers.',
    h('div.tools', { role: 'group', 'aria-label': 'Filters' }, chips, search, namesButton,
      grouped ? [button('button.plain', everyone(true), 'Open all'), button('button.plain', everyone(false), 'Close all')] : null, told),
    legend(), gridBox, apart.length ? h('p.none.sm', null, apart.join(' ')) : null);
}
