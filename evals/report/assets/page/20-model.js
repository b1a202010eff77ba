// What is known of each cell, worked out once: its marks, its words, its place. Verdicts and flips come with the data.
const STATUS = { p: 'pass', f: 'fail', u: 'unscored', n: 'does not apply' };
const TICK = { p: '\u2713', f: '\u2715', u: '\u2013', n: '\u00b7' };
const dimensionOf = new Map(D.dimensions.map(d => [d.id, d]));
const REPEATS = Math.max(1, ...D.sides.map(s => s.repeats));
const enough = D.sides.every(s => s.repeats >= D.enough);

const cells = D.cells.map((cell, index) => ({
  ...cell, index,
  case: D.cases[cell.case], at: cell.case, of: D.criteria[cell.criterion],
  unscored: cell.sides.some(s => s && s.scored + s.skipped < s.repeats),
}));
for (const cell of cells) {
  const [a, b] = cell.sides;
  cell.advisory = Boolean(cell.flip) && !cell.counts && !cell.apart;
  cell.moved = cell.flip && !cell.apart ? cell.flip : '';
  cell.tone = cell.counts ? cell.moved : '';
  cell.different = Boolean(a && b && a.scored && b.scored) && a.passes * b.scored !== b.passes * a.scored;
}
const cellsOfCase = D.cases.map((_, at) => cells.filter(cell => cell.at === at));
const find = (caseId, criterion) => cells.find(cell => cell.case.id === caseId && cell.of.id === criterion);

const repeatsOf = side => side ? side.repeats - side.skipped : 0;

/** One side of a cell: [class, mark]. */
function half(side) {
  if (!side || !side.repeats) return ['none', ''];
  if (!side.scored) return side.skipped === side.repeats ? ['n', TICK.n] : ['u', TICK.u];
  const part = side.scored + side.skipped < side.repeats ? ' part' : '';
  if (side.passes === side.scored) return ['p' + part, TICK.p];
  return side.passes ? ['m' + part, String(side.passes)] : ['f' + part, TICK.f];
}

function arrow(cell) {
  if (cell.apart) return '\u25c7';
  if (!cell.flip) return '';
  if (cell.flip === 'worse') return cell.whole ? '\u25bc' : '\u25bd';
  return cell.whole ? '\u25b2' : '\u25b3';
}

function change(cell) {
  if (cell.apart) return 'decided by another kind of grader, set apart';
  if (!cell.flip) return '';
  const what = cell.whole ? (cell.flip === 'worse' ? 'flipped to fail' : 'flipped to pass')
    : cell.flip === 'worse' ? 'passes less often' : 'passes more often';
  return cell.advisory ? what + ', advisory' : what;
}

function outOf(side) {
  if (!side) return 'not asked';
  if (!side.scored) return side.repeats && side.skipped === side.repeats ? 'does not apply' : 'unscored';
  return `${side.passes} of ${side.scored}`;
}

const spoken = cell => [
  `${cell.of.id}, ${cell.case.title}: A ${outOf(cell.sides[0])}, B ${outOf(cell.sides[1])}`,
  cell.must && 'a must that broke', change(cell), cell.differ && 'graders disagree',
].filter(Boolean).join(', ');

const address = cell => '#cell=' + encodeURIComponent(cell.case.id) + '/' + encodeURIComponent(cell.of.id);
const openCell = cell => { location.hash = address(cell); };

/** The grade that counts in one repeat, if there is one. */
const counting = grades => grades.find(grade => !grade.aside);

/** One mark per repeat. */
function ticks(side) {
  if (!side) return h('span.reps');
  if (side.grades.length > 8) return h('span.reps', { 'aria-hidden': 'true' }, outOf(side));
  return h('span.reps', { 'aria-hidden': 'true' }, side.grades.map(grades => {
    const grade = counting(grades) || { s: 'u' };
    return h('span.' + grade.s, null, TICK[grade.s]);
  }));
}

const entry = (cell, side, repeat) => D.answers[cell.at][side][repeat] || null;
const textOf = (cell, side, repeat) => (entry(cell, side, repeat) || {}).text;
const inside = (span, text) => typeof text === 'string' && span[0] >= 0 && span[0] < span[1] && span[1] <= text.length;

/** A decided grade with one status on one side, one with a quote first: {grade, quote, before, after}. */
function telling(cell, side, status) {
  let found = null;
  (cell.sides[side] ? cell.sides[side].grades : []).forEach((grades, repeat) => {
    const grade = counting(grades), text = textOf(cell, side, repeat);
    if (!grade || grade.s !== status || (found && found.quote)) return;
    const span = (grade.at || []).find(at => inside(at, text));
    if (span) {
      const start = text.lastIndexOf('\n', span[0] - 1) + 1, end = text.indexOf('\n', span[1]);
      const before = text.slice(start, span[0]).trimStart();
      found = {
        grade, quote: text.slice(...span).replace(/\s+/g, ' ').slice(0, 200),
        before: before.length > 38 ? '\u2026' + before.slice(-36) : before,
        after: text.slice(span[1], Math.min(end < 0 ? text.length : end, span[1] + 80)),
      };
    } else found ||= { grade };
  });
  return found;
}
