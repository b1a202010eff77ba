// One row per dimension: scores over all grades, the difference over all (dagger) and over those that count, the verdict.
const percent = value => (100 * Math.max(0, Math.min(1, value))).toFixed(2) + '%';
const advisoryOf = d => (d.all ? total(d.all.decided) : 0) - (d.gate ? total(d.gate.decided) : 0);
const hasHistory = D.history.length > 2;

function bars(d) {
  const said = d.scores.map((s, i) => s ? `${NAMES[i]} ${score(s[0])}${s[1] === null ? '' : `, interval ${score(s[1])} to ${score(s[2])}`}` : `${NAMES[i]} unscored`);
  const drawn = svg('svg', { height: 46, role: 'img', 'aria-label': said.join('. ') });
  for (const x of [0, 25, 50, 75, 100]) drawn.append(svg('line', { class: 'grid', x1: x + '%', x2: x + '%', y1: 0, y2: 46 }));
  const tone = comparable && !advisoryOf(d) && d.gate ? { worse: 'fw', better: 'fb' }[toneOf(d.gate.verdict)] : '';
  d.scores.forEach((s, i) => {
    const y = i ? 30 : 11, fill = i ? tone || 'bb' : 'ba';
    if (!s) { drawn.append(svg('rect', { class: 'unscored', x: 0.5, y, width: '99%', height: 7 })); return; }
    const [value, low, high] = s, known = low !== null;
    drawn.append(svg('rect', { class: fill, x: 0, y, width: percent(known ? low : value), height: 7 }));
    if (known) drawn.append(svg('rect', { class: fill + ' pale', x: percent(low), y, width: percent(high - low), height: 7 }));
    drawn.append(svg('line', { class: 'tick', x1: percent(value), x2: percent(value), y1: y - 2.5, y2: y + 9.5 }));
  });
  return drawn;
}

const ends = D.dimensions.flatMap(d => [d.all, d.gate]).filter(c => c && c.interval).flatMap(c => [...c.interval.map(Math.abs), c.margin]);
const span = Math.max(0.1, Math.ceil(Math.max(0.1, ...ends) * 10 - 1e-9) / 10);
const along = value => (50 + 50 * Math.max(-1, Math.min(1, value / span))).toFixed(2) + '%';

function interval(change, y, advisory) {
  const tone = advisory ? '' : toneOf(change.verdict), few = change.verdict === 'too little scored';
  const line = change.interval && svg('line', {
    class: tone === 'worse' ? 'sw' : tone === 'better' ? 'sb' : advisory ? 'sa' : 'sn', 'stroke-width': advisory ? 1.5 : 2.5,
    'stroke-dasharray': few ? '3 3' : null, x1: along(change.interval[0]), x2: along(change.interval[1]), y1: y, y2: y,
  });
  const point = svg('svg', { x: along(change.difference), y, overflow: 'visible' });
  if (tone === 'worse') point.append(svg('path', { class: 'fw', d: 'M-7 -6H7L0 7Z' }));
  else if (tone === 'better') point.append(svg('path', { class: 'fb', d: 'M-7 6H7L0 -7Z' }));
  else point.append(svg('circle', { class: advisory || few ? 'hol' : 'fn', r: advisory ? 4 : 5 }));
  return [line, point];
}

/** What is drawn and written of the difference: [change, whether it is advisory], the advisory one first. */
function shown(d) {
  const rows = [];
  if (d.all && d.all.difference !== null && advisoryOf(d)) rows.push([d.all, true]);
  if (d.gate && d.gate.difference !== null) rows.push([d.gate, false]);
  return rows;
}

function forest(d) {
  const rows = shown(d), margin = (d.gate || d.all || {}).margin || 0;
  if (!rows.length) return null;
  const drawn = svg('svg', { height: 46, 'aria-hidden': 'true' },
    svg('line', { class: 'tol', x1: along(-margin), x2: along(-margin), y1: 0, y2: 46 }),
    svg('line', { class: 'zero', x1: '50%', x2: '50%', y1: 0, y2: 46 }));
  rows.forEach(([change, advisory], i) => add(drawn, interval(change, rows.length === 1 ? 23 : i ? 34 : 12, advisory)));
  return drawn;
}

function differenceCell(d) {
  if (!comparable) return h('span.dim.xs', null, 'not computed');
  const rows = shown(d);
  if (!rows.length) return h('span.dim.xs', null, 'no score on one side');
  return rows.map(([change, advisory]) => {
    const p = change.difference < 0 ? change.p_worse : change.p_better, tone = advisory ? '' : toneOf(change.verdict);
    return h('div.diffn' + (rows.length > 1 ? '.two' : ''), null,
      h(toned('b', tone), null, signed(change.difference)), advisory ? mute(DAGGER) : null,
      advisory ? hidden(' over all grades, advisory') : rows.length > 1 ? hidden(' over the grades that count') : null, ' ',
      h('span.dim.xs', null, change.interval ? `${signed(change.interval[0])} to ${signed(change.interval[1])}` : 'no interval',
        !advisory && p !== null && toneOf(change.verdict) ? `, p${NB}${p < 0.001 ? '<' + NB + '0.001' : p.toFixed(3)}` : ''));
  });
}

function historyLine(d) {
  const points = d.history.map((value, i) => [i, value]).filter(([, value]) => value !== null);
  if (points.length < 2) return null;
  const width = 140, height = 34, values = points.map(([, v]) => v), last = D.history.length - 1;
  let low = Math.min(...values), high = Math.max(...values);
  const room = Math.max(0, 0.24 - (high - low)) / 2;
  low -= room; high += room;
  const x = i => 4 + i * (width - 10) / last, y = v => height - 4 - (v - low) / (high - low) * (height - 8);
  const tone = comparable && !advisoryOf(d) && d.gate ? { worse: 'fw', better: 'fb' }[toneOf(d.gate.verdict)] : '';
  return svg('svg', { viewBox: `0 0 ${width} ${height}`, height, role: 'img', 'aria-label': `${points.length} scorecards: from ${score(values[0])} to ${score(values.at(-1))}, lowest ${score(Math.min(...values))}, highest ${score(Math.max(...values))}` },
    svg('title', null, points.map(([i, v]) => `${D.history[i]} ${score(v)}`).join('\n')),
    svg('polyline', { class: 'spark', points: points.map(([i, v]) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`).join(' ') }),
    points.filter(([i]) => i >= last - 1).map(([i, v]) => svg('circle', { class: i === last ? tone || 'fn' : 'hol', cx: x(i), cy: y(v), r: 3.3 })));
}

const axis = (ticks, at, say) => svg('svg', { height: 14, 'aria-hidden': 'true' }, ticks.map(t => svg('text', { x: at(t), y: 11, 'text-anchor': 'middle' }, say(t))));

function restsOn(d) {
  const advisory = advisoryOf(d), parts = d.decided.filter(([, n]) => n).map(([kind, n]) => `${kind} ${number(n)}${kind === 'judge' && advisory ? DAGGER : ''}`);
  const seen = d.gate && d.gate.detectable;
  return [h('span', null, parts.join(', ') || 'nothing'), d.unscored ? h('span', null, `${number(d.unscored)} unscored`) : null,
    seen && comparable ? h('span', { title: 'Smallest drop that this design finds in 4 of 5 runs' }, `sees drops from ${score(seen)}`) : null];
}

function verdictOf(d) {
  if (!comparable) return h('span.sm.dim', null, SIGNS['not comparable'] + NB + 'not comparable');
  if (!d.gate) return h('span.sm.dim', null, DAGGER + NB + 'advisory only');
  return h(toned('span.sm', toneOf(d.gate.verdict) || 'dim'), null, SIGNS[d.gate.verdict] + NB + d.gate.verdict);
}

function dimensionRow(d) {
  return h('tr', { role: 'row' },
    h('th', { scope: 'row', role: 'rowheader' }, h('b', null, d.name), h('br'), verdictOf(d)),
    h('td.c2', { role: 'cell' }, bars(d)),
    h('td.c3', { role: 'cell' }, h('div.nums', null, d.scores.map((s, i) => [h('i', null, NAMES[i]), h('b', null, s ? score(s[0]) : '\u2013'),
      h('span.dim.xs', null, !s ? 'unscored' : s[1] === null ? '' : `${score(s[1])}\u2013${score(s[2])}`)]))),
    h('td.c4', { role: 'cell' }, comparable ? forest(d) : null),
    h('td.c5', { role: 'cell' }, differenceCell(d)),
    hasHistory ? h('td.c6', { role: 'cell' }, historyLine(d)) : null,
    h('td.c7.xs.dim', { role: 'cell' }, restsOn(d)));
}

function dimensions() {
  const margin = (D.dimensions.map(d => d.gate || d.all).find(Boolean) || {}).margin || 0, col = c => h('th', { scope: 'col', role: 'columnheader' }, c);
  const marks = [-span, -margin, 0, span].filter(t => t !== -margin || (margin / span > 0.14 && margin / span < 0.86));
  const head = h('tr', { role: 'row' }, col('Dimension'), col([hidden('Scores of A and B, drawn'), axis([0, 0.5, 1], percent, t => t)]), col('Score, interval'),
    col([hidden('Difference, drawn'), comparable ? axis(marks, along, t => t ? signed(t) : '0') : null]), col(`Difference B ${MINUS} A`),
    hasHistory ? col(`${D.history.length} scorecards`) : null, col('Rests on'));
  const columns = [1, 2, 3, 4, 5, ...(hasHistory ? [6] : []), 7];
  const advisory = D.dimensions.some(advisoryOf);
  return section('dims', 'Dimensions', ['Score 0 to 1. Upper bar A, lower bar B; the tick is the score, the pale end its 95', NB, '% interval. ',
    comparable ? `The difference has a 90${NB}% interval; dotted is the tolerated loss of ${score(margin)}. ` : '',
    advisory && comparable ? `${DAGGER} and hollow: over all grades, the unlicensed judge\u2019s included. Filled: over the grades that count; the verdict is theirs alone.` : ''],
  h('table.dims' + (hasHistory ? '.hist' : ''), { role: 'table' }, h('colgroup', null, columns.map(i => h('col.c' + i))),
    h('thead', { role: 'rowgroup' }, head), h('tbody', { role: 'rowgroup' }, D.dimensions.map(dimensionRow))));
}
