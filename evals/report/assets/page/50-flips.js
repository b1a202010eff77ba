// Criteria that moved, grouped by criterion, worst first: those that count, then the advisory ones, then what got better.
const flips = D.flips.map(i => cells[i]);

function groups(list) {
  const found = new Map();
  for (const cell of list) found.set(cell.of.id, [...(found.get(cell.of.id) || []), cell]);
  return [...found.values()];
}

function quoted(found) {
  if (!found) return null;
  return [h('span.why', null, found.grade.why || ''),
    found.quote ? h('code', null, found.before, h('mark', null, found.quote), found.after) : null];
}

function flipRow(cell) {
  const found = telling(cell, 1, cell.flip === 'worse' ? 'f' : 'p');
  return h('li', null, button('button.row', () => openCell(cell),
    h('span.ct', { title: cropped(cell.case.title, 32) }, cell.case.title),
    ticks(cell.sides[0]), mute('\u2192'), ticks(cell.sides[1]),
    hidden(`A ${outOf(cell.sides[0])} pass, B ${outOf(cell.sides[1])} pass. `),
    h('span.gk.dim', null, found ? found.grade.k + (cell.advisory ? DAGGER : '') : ''),
    h('span.q', null, quoted(found))));
}

function flipBlock(list) {
  const cell = list[0], asked = cells.filter(x => x.of.id === cell.of.id).length, rest = list.slice(6);
  const hunk = hunkOf(cell), whole = list.some(x => x.whole);
  const sign = cell.flip === 'worse' ? (whole ? '\u25bc' : '\u25bd') : whole ? '\u25b2' : '\u25b3';
  return h('article.flip' + (cell.tone ? '' : '.quiet'), null,
    h('header', null,
      h(toned('h3', cell.tone), null, mute(sign + NB), cell.of.id, cell.advisory ? NB + DAGGER : '', hidden(', ' + change(cell))),
      h('p.what.cl', { title: cropped(cell.of.statement, 180) }, cell.of.statement),
      h('p.sm.dim', null, asked > 1 ? `${list.length} of ${count(asked, 'case')} \u00b7 ` : '', capital((dimensionOf.get(cell.of.dimension) || {}).name || cell.of.dimension), ' \u00b7 ',
        hunk ? h('a', { href: '#hunk-' + hunk }, `changed instruction, hunk ${hunk}`) : D.diff ? 'no changed instruction covers it' : 'persona texts not at hand')),
    h('ol', null, list.slice(0, 6).map(flipRow)),
    rest.length ? h('details.more', null, h('summary', null, `${rest.length} more`), h('ol', null, rest.map(flipRow))) : null);
}

function mustRow([index, fails, scored]) {
  const cell = cells[index];
  return h('p.must', null, h('b.worse', null, mute('\u25bc' + NB), 'A must broke: '),
    button('button.plain', () => openCell(cell), `${cell.case.id} / ${cell.of.id}`), ` failed in ${fails} of ${count(scored, 'answer')}; the base met it every time.`);
}

function noFlips() {
  if (!comparable) return h('p.none', null, 'The two are not comparable, so nothing is called a flip. The grid shows both side by side.');
  const differing = cells.filter(cell => cell.different).length;
  const way = differing ? button('button.plain', () => filterBy('different'), `show the ${count(differing, 'criterion', 'criteria')} whose pass counts differ`) : null;
  if (!enough) {
    return h('p.none', null, `With fewer than ${D.enough} answers a side nothing is called a flip: one or two answers are too little to tell a change from chance. `,
      way ? [capital('you can still '), way, ', and read both answers.'] : 'All pass counts are the same.');
  }
  return h('p.none', null, 'Losses spread thinly over several criteria can still lower a score. ', way ? ['You can ', way, '.'] : 'All pass counts are the same.');
}

const fold = (title, list) => list.length ? h('details.more', null, h('summary', null, title), groups(list).map(flipBlock)) : null;

function flipSection() {
  const firm = flips.filter(c => c.moved === 'worse' && c.counts), soft = flips.filter(c => c.moved === 'worse' && !c.counts);
  const gained = flips.filter(c => c.moved === 'better'), apart = cells.filter(c => c.apart);
  const criteria = list => count(groups(list).length, 'criterion', 'criteria');
  const title = firm.length || D.musts.length ? `${criteria(firm.length ? firm : D.musts.map(m => cells[m[0]]))} fell` : soft.length ? `${criteria(soft)} fell, by advisory grades` : comparable && enough ? 'No criterion fell' : 'Flips';
  return section('flips', title, flips.length ? [`Filled: from nearly always to nearly never, or back. Hollow: moved by two fifths of the answers or more. `, REPEATS > 8 ? '' : 'Each mark is one answer. ', 'Reason and quote are from B. Open a row to read both answers.'] : '',
    D.musts.map(mustRow), groups(firm).map(flipBlock),
    soft.length && firm.length ? h('h3.band', null, `${DAGGER} Advisory: a judge without a licence says that these fell too`) : null,
    soft.length ? groups(soft).map(flipBlock) : null,
    !firm.length && !soft.length && !(D.musts.length && enough) ? noFlips() : null,
    fold(`${criteria(gained)} rose${gained.length && gained.every(c => !c.counts) ? ', by advisory grades' : ''}`, gained),
    apart.length ? h('p.none.sm', null, `\u25c7 ${criteria(apart)} ${apart.length === 1 ? 'was' : 'were'} decided by different kinds of grader on the two sides, and ${apart.length === 1 ? 'is' : 'are'} in no figure: `,
      groups(apart).map((list, i) => [i ? ', ' : '', button('button.plain', () => openCell(list[0]), list[0].of.id)]), '.') : null);
}
