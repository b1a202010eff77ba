// Every case by every criterion. Columns are criteria where cases share them, else dimensions with a tile per criterion.
const FILTERS = [
  ['regressed', '\u25bc', 'Regressed', cell => cell.moved === 'worse'],
  ['improved', '\u25b2', 'Improved', cell => cell.moved === 'better'],
  ['different', '\u0394', 'Pass counts differ', cell => cell.different],
  ['disagree', '\u2260', 'Graders disagree', cell => Boolean(cell.differ)],
  ['unscored', '\u2013', 'Unscored', cell => cell.unscored],
];
const state = { filters: new Set(), query: '', open: new Set(), hits: null, names: null };
const narrow = matchMedia('(max-width: 720px)');
let printing = false;

// ---- columns and groups
const ids = [...new Set(cells.map(cell => cell.of.id))];
const aligned = D.cases.length > 3 && ids.length <= 28 && cells.length >= 0.5 * ids.length * D.cases.length;
const dimensionColumns = D.dimensions.map(d => ({ title: d.name, dimension: d.id, has: cell => cell.of.dimension === d.id })).filter(c => cells.some(c.has));
const criterionColumns = D.dimensions.flatMap(d => ids.filter(id => cells.find(cell => cell.of.id === id).of.dimension === d.id)
  .map(id => ({ title: id, dimension: d.id, has: cell => cell.of.id === id, of: cells.find(cell => cell.of.id === id).of })));
const matrix = () => aligned && !narrow.matches && !printing;
const named = () => !matrix() && (narrow.matches || (state.names === null ? D.cases.length <= 8 : state.names));

const families = [...new Set(D.cases.map(c => c.family))];
const grouped = families.length > 1 && families.length < D.cases.length;
const bundles = (grouped ? families : [null]).map(family => ({ family, cases: D.cases.map((_, at) => at).filter(at => !grouped || D.cases[at].family === family) }));
const movedIn = bundle => bundle.cases.reduce((sum, at) => sum + cellsOfCase[at].filter(cell => cell.moved === 'worse').length, 0);
{
  let rows = 0;
  for (const bundle of [...bundles].sort((a, b) => movedIn(b) - movedIn(a))) {
    if (D.cases.length > 30 && rows && rows + bundle.cases.length > 24) break;
    rows += bundle.cases.length;
    state.open.add(bundle);
  }
}

// ---- filters
const haystacks = new Map();
function haystack(cell) {
  if (!haystacks.has(cell)) {
    const reasons = cell.sides.flatMap(side => side ? side.grades.flat().map(grade => grade.why || '') : []);
    haystacks.set(cell, [cell.case.id, cell.case.title, cell.case.family, cell.of.id, cell.of.statement, ...reasons].join(' ').toLowerCase());
  }
  return haystacks.get(cell);
}
const matches = cell => (!state.filters.size || FILTERS.some(([id, , , test]) => state.filters.has(id) && test(cell)))
  && state.query.split(/\s+/).every(word => !word || haystack(cell).includes(word));
function filterBy(id) {
  state.filters = new Set([id]);
  draw();
  document.getElementById('grid').scrollIntoView();
  chips[FILTERS.findIndex(f => f[0] === id)].focus({ preventScroll: true });
}
function clearFilters() { state.filters.clear(); state.query = search.value = ''; draw(); search.focus(); }

// ---- one tile
function tile(cell) {
  const mark = side => { const [kind, sign] = half(side), el = document.createElement('s'); el.className = kind; el.textContent = sign; return el; };
  const el = h('button.tile', { type: 'button', tabindex: -1 });
  el.className = ['tile', cell.tone && (cell.tone === 'worse' ? 'W' : 'B'), cell.whole && 'whole', cell.advisory && 'adv', cell.apart && 'apart',
    cell.must && 'must', cell.differ && 'dis', cell.different && 'diff', state.hits && !state.hits.has(cell) && 'off'].filter(Boolean).join(' ');
  const pair = h('span.pair2', { 'aria-hidden': 'true' }, mark(cell.sides[0]), h('u', null, arrow(cell)), mark(cell.sides[1]));
  el.append(pair);
  if (named()) el.append(h('span.nm', { 'aria-hidden': 'true' }, cell.of.id, cell.advisory ? NB + DAGGER : '', cell.differ ? NB + '\u2260' : ''));
  el.append(hidden(spoken(cell)));
  tiles.set(el, cell);
  return el;
}
const tiles = new Map();

// ---- the table
const gridBox = h('div.gridwrap'), readout = h('div.readout', { 'aria-hidden': 'true' }), told = h('output', { role: 'status' });
let current = null, lit = [];

function headRow(columns) {
  if (!matrix()) {
    return h('tr', { role: 'row' }, h('th', { scope: 'col', role: 'columnheader' }, 'Case'),
      columns.map(c => h('th', { scope: 'col', role: 'columnheader' }, c.title, advisoryOf(dimensionOf.get(c.dimension)) ? h('span.dim', null, NB + DAGGER) : null)));
  }
  return h('tr.rot', { role: 'row' }, h('th', { scope: 'col', role: 'columnheader' }, 'Case'),
    columns.map((c, i) => h('th' + (starts(columns, i) ? '.first' : ''), { scope: 'col', role: 'columnheader', title: c.of.statement || null }, h('div.vert', null, c.title))));
}
const starts = (columns, i) => matrix() && (!i || columns[i - 1].dimension !== columns[i].dimension);

function spanRow(columns) {
  const row = h('tr', { role: 'row' }, h('td', { role: 'cell' }));
  for (const d of D.dimensions) {
    const n = columns.filter(c => c.dimension === d.id).length;
    if (n) row.append(h('th.first', { colspan: n, scope: 'colgroup', role: 'columnheader', title: d.name }, d.name));
  }
  return row;
}

function bundleRow(bundle, columns, list, isOpen) {
  const within = column => bundle.cases.flatMap(at => cellsOfCase[at]).filter(column.has);
  const toggle = button('button', () => {
    if (state.open.has(bundle)) state.open.delete(bundle); else state.open.add(bundle);
    draw();
    [...gridBox.querySelectorAll('.grp button')].find(el => el.dataset.n === String(bundles.indexOf(bundle)))?.focus();
  }, mute(isOpen ? '\u2212' : '+'), NB, bundle.family, h('small', null, state.hits ? `${list.length} of ${bundle.cases.length}` : bundle.cases.length));
  toggle.dataset.n = bundles.indexOf(bundle);
  setAttributes(toggle, { 'aria-expanded': String(isOpen), disabled: Boolean(state.hits) });
  return h('tr.grp', { role: 'row' }, h('th', { scope: 'rowgroup', role: 'rowheader' }, toggle), columns.map((column, i) => {
    const found = within(column), worse = found.filter(c => c.moved === 'worse'), better = found.filter(c => c.moved === 'better');
    const tally = (cellsMoved, sign, name) => cellsMoved.length ? h(toned('span', (cellsMoved.find(c => c.tone) || {}).tone), null, mute(`${sign}${cellsMoved.length}`), hidden(`${cellsMoved.length} ${name} `)) : null;
    return h('td' + (starts(columns, i) ? '.first' : ''), { role: 'gridcell' }, tally(worse, '\u25bc', 'fell'), ' ', tally(better, '\u25b2', 'rose'));
  }));
}

function caseRow(at, columns) {
  const item = D.cases[at], mine = cellsOfCase[at];
  return h('tr', { role: 'row' },
    h('th', { scope: 'row', role: 'rowheader', title: matrix() ? `${item.id}: ${item.title}` : null }, h('span.title', null, item.title), matrix() ? null : h('span.xs.dim', null, `${item.id} version ${item.version}`)),
    columns.map((column, i) => {
      const found = mine.filter(column.has);
      return h('td' + (starts(columns, i) ? '.first' : '') + (found.length ? '' : '.blank'), { role: 'gridcell' },
        matrix() || !found.length ? null : h('span.dl', { 'aria-hidden': 'true' }, column.title), found.map(tile));
    }));
}

function gridTable() {
  const columns = matrix() ? criterionColumns : dimensionColumns;
  tiles.clear();
  const table = h('table.g' + (matrix() ? '.matrix' : named() ? '.named' : '.dense'), { role: 'grid', 'aria-label': 'Cases by criteria', 'aria-readonly': 'true' },
    h('colgroup', null, h('col.case'), columns.map(() => h('col'))), h('thead', { role: 'rowgroup' }, matrix() ? spanRow(columns) : null, headRow(columns)));
  for (const bundle of bundles) {
    const list = bundle.cases.filter(at => !state.hits || cellsOfCase[at].some(cell => state.hits.has(cell)));
    if (!list.length) continue;
    const isOpen = !grouped || Boolean(state.hits) || printing || state.open.has(bundle);
    table.append(h('tbody', { role: 'rowgroup' }, grouped ? bundleRow(bundle, columns, list, isOpen) : null, isOpen ? list.map(at => caseRow(at, columns)) : null));
  }
  return table;
}

function draw() {
  state.hits = state.filters.size || state.query ? new Set(cells.filter(matches)) : null;
  const n = state.hits ? new Set([...state.hits].map(cell => cell.at)).size : D.cases.length;
  told.textContent = state.hits ? `${count(state.hits.size, 'cell')} in ${n} of ${count(D.cases.length, 'case')}` : `${count(D.cases.length, 'case')}, ${count(cells.length, 'cell')}`;
  chips.forEach((chip, i) => chip.setAttribute('aria-pressed', String(state.filters.has(FILTERS[i][0]))));
  namesButton.hidden = matrix() || narrow.matches;
  namesButton.setAttribute('aria-pressed', String(named()));
  if (n) gridBox.replaceChildren(gridTable(), readout);
  else gridBox.replaceChildren(h('p.none', null, 'No cell matches. ', button('button.plain', clearFilters, 'Clear filters and search')));
  current = gridBox.querySelector('.tile');
  if (current) current.tabIndex = 0;
  tell(null);
}

function tell(cell) {
  lit.forEach(el => el.classList.remove('hl'));
  lit = [];
  readout.replaceChildren();
  if (!cell) { readout.append('Point at a mark or use the arrow keys; Enter opens both answers.'); return; }
  add(readout, [h('b', null, cell.of.id), ` ${cell.of.statement}  `, h('b', null, cell.case.title), `  A ${outOf(cell.sides[0])}, B ${outOf(cell.sides[1])}`,
    [change(cell), cell.must && 'a must that broke', cell.differ && 'graders disagree'].filter(Boolean).map(t => ', ' + t)]);
}
