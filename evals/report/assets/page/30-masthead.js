// Who is compared, the verdict in one sentence, what it rests on, and the facts.
const C = D.counted;

function sentence() {
  const lead = capital(D.verdict.kind) + ': ', tone = toneOf(D.verdict.kind), said = D.verdict.sentence;
  const rest = said.startsWith(lead) ? said.slice(lead.length) : said;
  return h('p.verdict', null,
    h(toned('span', tone), null, mute(SIGNS[D.verdict.kind] + NB), capital(D.verdict.kind), rest === said ? '. ' : ': '), rest);
}

/** Which share of the grades may decide the verdict: drawn, and said. */
function basis() {
  const advisory = C.decided - C.counting;
  if (!advisory) return null;
  const parts = C.kinds.filter(([kind, n]) => n && kind !== 'judge').map(([kind, n]) => `${number(n)} by ${kind}`);
  const licensed = C.licensed.length ? `; the judge is licensed for ${C.licensed.join(', ').toLowerCase()}` : '';
  return h('div.basis', null,
    svg('svg', { height: 6, 'aria-hidden': 'true', preserveAspectRatio: 'none' },
      svg('rect', { class: 'all', width: '100%', height: 6 }),
      svg('rect', { class: 'bb', width: (100 * C.counting / C.decided).toFixed(2) + '%', height: 6 })),
    h('p', null, h('b', null, `${number(C.counting)} of ${number(C.decided)} grades count for the verdict`),
      ` (${parts.join(', ') || 'none by rule or execution'}${licensed}). The other ${number(advisory)} come from a judge whose `,
      `agreement with people is not proven: they are shown with ${DAGGER}, without colour, and decide nothing.`));
}

const both = (label, key, absent) => {
  const [a, b] = D.sides.map(s => s[key] || absent);
  return a === b ? [label(a)] : [`A ${label(a)}`, `B ${label(b)}`];
};
const fact = (term, lines) => h('div', null, h('dt', null, term), h('dd', null, lines.map((line, i) => [i ? h('br') : null, line])));

function facts() {
  const ids = new Set(D.criteria.map(c => c.id)), unscored = C.asked ? C.asked - C.decided : 0;
  return h('dl.facts', null,
    fact('Suite', [D.suite, `${count(D.cases.length, 'case')}, ${count(ids.size, 'criterion', 'criteria')}`]),
    fact('Model', [...both(x => x, 'model', 'not stated'), ...both(x => `recordings: ${x}`, 'set', 'none')]),
    fact('Answers', both(x => `${x} per case and revision`, 'repeats', 0)),
    fact('Judge', [...both(x => x, 'judge', 'none'), C.licensed.length ? `licensed for ${C.licensed.length} of ${D.dimensions.length} dimensions` : 'without a licence: advisory']),
    fact('Decided', [`${number(C.decided)} of ${number(C.asked)} grades`, unscored ? `${(100 * unscored / C.asked).toFixed(1)}${NB}% unscored` : 'nothing unscored']));
}

function differences() {
  if (!D.differences.length) return null;
  return h('div.differs', null, h('h2', null, comparable ? 'Differs besides the persona' : 'Why the two are not comparable'),
    h('div.scrollx', { tabindex: 0, role: 'region', 'aria-label': 'Differences' }, h('table.tb', null,
      h('thead', null, h('tr', null, ['What', 'A', 'B', 'Meant'].map(t => h('th', { scope: 'col' }, t)))),
      h('tbody', null, D.differences.map(([what, a, b, allowed]) => h('tr', null,
        h('th', { scope: 'row' }, what), h('td', null, a), h('td', null, b), h('td', null, allowed ? 'yes' : 'no')))))));
}

const who = (side, name) => h('span', null, `${name} `, h('b.mono', null, side.revision), side.empty ? ' (no persona text)' : '');

function masthead() {
  return h('header.mast', null,
    h('h1.vh', null, `Comparison of ${D.persona} ${A.revision} and ${B.revision}`),
    h('p.who', null, h('b', null, D.persona), who(A, 'A'), mute('\u2192'), who(B, 'B')),
    sentence(),
    D.verdict.rest.length ? h('p.rest', null, D.verdict.rest.join(' ')) : null,
    basis(), differences(), facts());
}

function bar(sections) {
  const tone = toneOf(D.verdict.kind), fallen = D.dimensions.filter(d => d.gate && d.gate.verdict === 'regressed');
  const short = fallen.length && comparable && tone === 'worse'
    ? fallen.map(d => `${d.name}${NB}${signed(d.gate.difference)}`).join(', ') : capital(D.verdict.kind);
  return h('nav.bar', { 'aria-label': 'Sections' }, h('ul', null,
    h(toned('li', tone), { title: cropped(short, 34) }, mute(SIGNS[D.verdict.kind] + NB), short),
    sections.map(([id, title, n]) => h('li', null, h('a', { href: '#' + id }, title), n === '' ? null : h('small', null, NB + n)))));
}
