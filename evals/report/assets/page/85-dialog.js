// One cell: both answers side by side, the finding of each grader above, the evidence marked in the text.
const dialog = h('dialog', { 'aria-labelledby': 'dlg-h' });
let shownCell = null, shownSide = 'b';

/** The repeat that tells most: the flipped status, else a disagreement, else the first that was scored. */
function tellingRepeat(cell, side) {
  const rows = cell.sides[side] ? cell.sides[side].grades : [];
  const [a, b] = cell.sides.map(s => s && s.scored ? s.passes / s.scored : null);
  const fell = a !== null && b !== null ? b - a : 0, status = i => (counting(rows[i]) || { s: 'u' }).s;
  const want = !fell ? null : (fell < 0) === Boolean(side) ? 'f' : 'p';
  const first = test => rows.findIndex((_, i) => test(i));
  const differs = i => rows[i].some(g => g.aside && g.s !== 'u' && g.s !== status(i) && status(i) !== 'u');
  const found = [first(i => status(i) === want), want ? -1 : first(differs), first(i => status(i) !== 'u')].find(i => i >= 0);
  return found === undefined ? 0 : found;
}

function evidenceButtons(grade, marks, scroll) {
  const numbers = [...new Set((grade.at || []).map(([from]) => marks.find(m => from >= m.from && from < m.to)).filter(Boolean).map(m => m.n))];
  return numbers.sort((a, b) => a - b).map(n => setAttributes(button('button.n', () => scroll(n), n), { 'aria-label': `Show evidence ${n}` }));
}

function finding(grade, first, marks, text, scroll) {
  const differs = grade.aside && grade.s !== 'u' && first && first.s !== 'u' && grade.s !== first.s;
  const here = (grade.at || []).filter(at => inside(at, text)), gone = (grade.at || []).length - here.length;
  const decided = grade.s !== 'u';
  return h('div.find', null,
    h('div.k', null, h('b' + (grade.s === 'f' && !grade.aside && !grade.advisory ? '.worse' : ''), null, TICK[grade.s] + NB + STATUS[grade.s]), h('span', null, grade.k),
      h('span.mono.xs.dim', null, D.graders[grade.g]), grade.advisory ? h('span.dim', null, DAGGER + ' advisory') : null,
      h('span.dim', null, grade.aside ? (differs ? '\u2260 disagrees, does not decide' : 'does not decide') : ''), h('span.ev', null, evidenceButtons(grade, marks, scroll))),
    grade.lean ? h('p.dim', null, 'Reason and evidence are left out to keep this file small.') : h('p.why', { dir: 'auto' }, grade.why),
    gone ? h('p.dim', null, `${count(gone, 'quoted passage')} ${gone === 1 ? 'lies' : 'lie'} outside what this file holds of the answer.`) : null,
    (grade.lost || []).length ? [h('p.dim', null, text === undefined ? 'Quoted:' : 'Quoted, but not found in the answer as stored here:'), grade.lost.map(q => h('pre', { dir: 'ltr' }, q))] : null,
    decided && !grade.lean && !here.length && !gone && !grade.lost && !grade.log ? h('p.dim', null, 'No passage is quoted.') : null,
    grade.log ? h('details', { open: true }, h('summary', null, 'Transcript of the attack'), h('pre', { dir: 'ltr' }, grade.log)) : null);
}

function answerNotes(known, text) {
  if (!known) return h('p.cut', null, 'The text of this answer is not at hand, or it is no longer the one that was graded.');
  if (text === undefined) return h('p.cut', null, `Left out to keep this file small: ${number(known.of)} characters. The recording has the whole answer.`);
  return known.of ? h('p.cut', null, `Cut here: ${number(text.length)} of ${number(known.of)} characters are in this file. The recording has the whole answer.`) : null;
}

function sidePanel(cell, side) {
  const name = NAMES[side], data = cell.sides[side], rows = data ? data.grades : [];
  let repeat = tellingRepeat(cell, side);
  const top = h('div.finds', { tabindex: 0, role: 'region', 'aria-label': `Grades of ${name}` });
  const body = h('div.scroll', { tabindex: 0, role: 'region', 'aria-label': `Answer of ${name}` });
  const scroll = n => body.querySelector(`mark[data-n="${n}"]`)?.scrollIntoView({ block: 'center' });
  const paint = () => {
    const grades = rows[repeat] || [], text = textOf(cell, side, repeat), first = grades.find(g => !g.aside);
    const marks = marksOf(grades.flatMap(g => (g.at || []).filter(at => inside(at, text))));
    top.replaceChildren(...[first && first.s === 'u' ? h('div.unsc.hat', null, h('span', null, 'Unscored: counts neither as pass nor as fail.')) : null,
      ...grades.map(g => finding(g, first, marks, text, scroll)), grades.length ? null : h('p.find.dim', null, data ? 'No grade of this answer.' : 'Not asked on this side.')].filter(Boolean));
    body.replaceChildren(...[text === undefined ? null : answerText(text, marks), data ? answerNotes(entry(cell, side, repeat), text) : null].filter(Boolean));
    top.scrollTop = body.scrollTop = 0;
    const mark = body.querySelector('mark');
    if (!mark || narrow.matches) return;
    const y = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
    if (y > body.clientHeight - 60) body.scrollTop = y - body.clientHeight * 0.4;
  };
  const tab = (grades, i) => {
    const status = (counting(grades) || { s: 'u' }).s;
    return h('label.' + status, null, h('input', { type: 'radio', name: 'repeat-' + side, checked: i === repeat, on: { change: () => { repeat = i; paint(); } } }),
      h('span', null, String(i + 1), mute(TICK[status]), hidden(STATUS[status])));
  };
  const panel = h('div.side', null, h('div.sh', null, h('span', null, name + ' ', h('b.mono', null, D.sides[side].revision)), h('span.dim', null, data ? `${outOf(data)}${data.scored ? ' pass' : ''}` : 'not asked'),
    rows.length > 1 ? h('div.tabs', { role: 'radiogroup', 'aria-label': `Answer of ${name}` }, rows.map(tab)) : null), top, body);
  return { panel, paint };
}

/** What Previous and Next walk through: what the filter shows, else what fell, else what moved, else what differs. */
function queue() {
  if (state.hits) return cells.filter(cell => state.hits.has(cell));
  const fell = groups(flips.filter(c => c.moved === 'worse')).flat(), moved = flips.filter(c => c.moved);
  return fell.length ? fell : moved.length ? moved : cells.filter(cell => cell.different);
}

function actions(cell) {
  const list = queue(), at = list.indexOf(cell);
  const go = step => {
    const next = at < 0 ? list[0] : list[at + step];
    history.replaceState(null, '', address(next));
    showCell(next);
    const wanted = dialog.querySelector(step < 0 ? '.prev' : '.next');
    (wanted.disabled ? dialog.querySelector('h2') : wanted).focus();
  };
  return h('div.act', null, setAttributes(button('button.btn.prev', () => go(-1), '\u2190 Previous'), { disabled: at <= 0 }),
    h('span.sm.dim', null, at < 0 ? '' : `${at + 1} of ${list.length}`),
    setAttributes(button('button.btn.next', () => go(1), at < 0 ? `First of ${list.length} \u2192` : 'Next \u2192'), { disabled: !list.length || at >= list.length - 1 }),
    button('button.btn', () => dialog.close(), 'Close'));
}

function dialogHead(cell) {
  const hunk = hunkOf(cell), words = change(cell);
  return h('div.dhead', null, h('div', null,
    h('p.sm.dim', null, `${cell.case.title} \u00b7 `, h('span.mono', null, cell.case.id)),
    h('h2', { id: 'dlg-h', tabindex: -1 }, h(toned('span', cell.tone), null, arrow(cell) ? mute(arrow(cell) + NB) : null, cell.of.id), cell.advisory ? NB + DAGGER : ''),
    cell.of.statement ? h('p.what', null, cell.of.statement) : null,
    h('p.sm.dim', null, [(dimensionOf.get(cell.of.dimension) || {}).name, `A ${outOf(cell.sides[0])}`, `B ${outOf(cell.sides[1])}`, words, cell.of.must && 'must', `${cell.of.points} points`].filter(Boolean).join(' \u00b7 '),
      hunk ? [' \u00b7 ', h('a', { href: '#hunk-' + hunk }, `changed instruction, hunk ${hunk}`)] : ''),
    cell.of.guidance ? h('details.more', null, h('summary', null, 'What decides it'), h('p.guide', null, cell.of.guidance)) : null), actions(cell));
}

function which(pair) {
  const choose = side => event => {
    shownSide = pair.dataset.side = side;
    [...event.currentTarget.parentNode.children].forEach((chip, i) => chip.setAttribute('aria-pressed', String('ab'[i] === side)));
  };
  return h('div.which', { role: 'group', 'aria-label': 'Answer shown' }, ['a', 'b'].map((side, i) =>
    setAttributes(button('button.chip', choose(side), `${NAMES[i]} `, h('span.mono', null, D.sides[i].revision)), { 'aria-pressed': String(side === shownSide) })));
}

function showCell(cell) {
  shownCell = cell;
  const sides = [sidePanel(cell, 0), sidePanel(cell, 1)], pair = h('div.pair', null, sides.map(s => s.panel));
  pair.dataset.side = shownSide;
  dialog.replaceChildren(h('div.dlg', null, dialogHead(cell), which(pair), pair));
  const fresh = !dialog.open;
  if (fresh) dialog.showModal();
  sides.forEach(s => s.paint());
  if (fresh) dialog.querySelector('h2').focus();
}

dialog.addEventListener('close', () => {
  shownCell = null;
  if (location.hash.startsWith('#cell=')) history.replaceState(null, '', location.pathname + location.search);
});
dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });

function route() {
  const [, caseId, criterion] = /^#cell=([^/]+)\/(.+)$/.exec(location.hash) || [];
  const named = text => { try { return decodeURIComponent(text); } catch { return ''; } };
  const cell = caseId && find(named(caseId), named(criterion));
  if (cell && cell !== shownCell) showCell(cell);
  if (!cell && dialog.open) {
    const to = /^#([a-z]+(?:-\d+)?)$/.exec(location.hash);
    dialog.close();
    if (to) reveal(to[1]);
  }
}

/** Scrolls to an own part of the page, unfolding what hides it. */
function reveal(id) {
  const el = document.getElementById(id);
  for (let fold = el && el.closest('details'); fold; fold = fold.parentElement.closest('details')) fold.open = true;
  el?.scrollIntoView();
}
