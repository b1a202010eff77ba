// Cost, and how far to trust all this.
const money = (value, unit) => value === null ? 'not stated' : unit === '$' ? '$' + value.toFixed(2) : (Number.isInteger(value) ? number(value) : value.toFixed(1)) + (unit ? NB + unit : '');

function costSection() {
  if (!D.cost.length) return section('cost', 'Cost, tokens, latency', '', h('p.none', null, 'Not stated on either side: these answers did not come from the API, and an import does not say what it cost.'));
  const moved = ([, , a, b]) => a === null || b === null || !a ? '' : `${signed(100 * (b - a) / a, 0)}${NB}%`;
  return section('cost', 'Cost, tokens, latency', 'Over all answers of a side. Cheaper is not better or worse by itself.', h('table.tb.cost', null,
    h('thead', null, h('tr', null, ['Measure', 'A', 'B', 'Change'].map((t, i) => h('th' + (i ? '.num' : ''), { scope: 'col' }, t)))),
    h('tbody', null, D.cost.map(row => h('tr', null, h('th', { scope: 'row' }, row[0]), h('td.num', null, money(row[2], row[1])), h('td.num', null, money(row[3], row[1])), h('td.num.dim', null, moved(row)))))));
}

const KINDS = { execution: 'The answer\u2019s code was run and attacked.', rule: 'A static rule read the answer\u2019s code.', judge: 'A model was asked, and had to quote the answer.' };

function graders() {
  return h('div', null, h('h3', null, 'Who graded'), h('table.tb', null,
    h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Kind'), h('th.num', { scope: 'col' }, 'Grades'), h('th', { scope: 'col' }, 'For the verdict'))),
    h('tbody', null, C.kinds.map(([kind, n]) => h('tr', null, h('th', { scope: 'row', title: KINDS[kind] }, kind), h('td.num', null, number(n)),
      h('td', null, kind !== 'judge' ? 'counts' : C.licensed.length ? `counts in ${C.licensed.length} of ${D.dimensions.length} dimensions; elsewhere advisory ${DAGGER}` : `advisory ${DAGGER}`))))),
  h('p.dim.xs', null, 'The most trusted grader that could decide counts: execution before rule before judge. A judge gets a licence for a dimension when its agreement with people there is measured and high enough.'),
  h('p.dim.xs', null, `${number(D.may_gate[0])} of ${count(D.may_gate[1], 'criterion', 'criteria')} on both sides may decide the verdict.`));
}

function provenance() {
  const row = (term, key, absent = 'not stated') => h('tr', null, h('th', { scope: 'row' }, term), D.sides.map(s => h('td', null, String(s[key] || absent))));
  return h('div', null, h('h3', null, 'Where the answers came from'), h('table.tb', null,
    h('thead', null, h('tr', null, h('td'), NAMES.map(n => h('th', { scope: 'col' }, n)))),
    h('tbody', null, row('Model', 'model'), row('Recordings', 'set', 'none'), row('Judge', 'judge', 'none'), row('Judge asked', 'judge_context'), row('Answers a case', 'repeats'))),
  h('p.dim.xs', null, 'What an import does not say is not stated here either.'));
}

function method() {
  return h('div', null, h('h3', null, 'How the numbers are made'), h('ul', null,
    h('li', null, 'Score of an answer: points of passed criteria less harms done, over the points of all scored criteria. A dimension is the mean over answers, then over cases.'),
    h('li', null, `Score interval: 95${NB}%, for these very cases asked again; it says nothing about other cases. Where all answers scored the same it has no width, though the truth is not certain.`),
    h('li', null, `Difference: 90${NB}% interval; p from relabelling answers within each case, adjusted over all scores tested.`),
    h('li', null, 'Unscored and not applicable count neither way.'),
    h('li', null, 'There is no figure over all dimensions: good documentation must not pay for bad security.')));
}

const trustSection = () => section('trust', 'How far to trust this', '', h('div.cols', null, graders(), provenance(), method()));

function foot() {
  return h('footer', null, D.sides.map((s, i) => h('span', null, `Persona ${NAMES[i]} `, h('span.mono', null, s.digest.slice(0, 12)))),
    D.left_out.map(text => h('span', null, h('b', null, text))), h('span', null, 'This file makes no request.'));
}
