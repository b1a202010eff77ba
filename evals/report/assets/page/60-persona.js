// The persona's changes, and beside each the criteria that cover it: from a reworded line to the answers that flipped.
const touching = new Map();
(D.diff || []).forEach((hunk, i) => hunk.instructions.forEach(([id, how]) => { if (how !== 'moved' && !touching.has(id)) touching.set(id, i + 1); }));
const hunkOf = cell => cell.of.covers.map(id => touching.get(id)).find(Boolean);
const covering = id => groups(cells.filter(cell => cell.of.covers.includes(id)));

function effect(list) {
  const sums = [0, 1].map(side => list.reduce(([p, n], cell) => cell.sides[side] ? [p + cell.sides[side].passes, n + cell.sides[side].scored] : [p, n], [0, 0]));
  const moved = list.filter(cell => cell.moved), lead = moved[0] || list[0], tone = (moved.find(cell => cell.tone) || {}).tone;
  const rates = sums.map(([p, n]) => n ? `${p}/${n}` : '\u2013').join(' \u2192 ');
  return h('li', null, button('button.eff', () => openCell(lead), h(toned('span.mk', tone), null, mute(moved.length ? arrow(lead) : '\u00b7'), moved.length ? hidden(change(lead) + ' ') : null),
    h('span.nm', { title: cropped(lead.of.id, 26) }, lead.of.id, lead.advisory ? DAGGER : '', list.length > 1 ? h('span.dim', null, ` ${count(list.length, 'case')}`) : null), h(toned('span.num', tone || (list.some(cell => cell.different) ? '' : 'dim')), null, rates)));
}

const moves = list => list.some(cell => cell.moved) ? 0 : 1;

function note(id, how) {
  const lists = covering(id).sort((a, b) => moves(a) - moves(b)), rest = lists.slice(5);
  return h('div.note' + (lists.length ? '' : '.blind'), null, h('p', null, h('b', null, id), h('span.dim', null, ' ' + how)),
    lists.length ? h('ul', null, lists.slice(0, 5).map(effect)) : h('p', null, 'No criterion covers it. If this does harm, the suite cannot see it.'),
    rest.length ? h('details.more', null, h('summary', null, `${rest.length} more`), h('ul', null, rest.map(effect))) : null);
}

const LINE = { '-': ['del', MINUS, 'removed: '], '+': ['add', '+', 'added: '], ' ': ['', '', ''] };
const words = (mark, spans) => spans.map(span => typeof span === 'string' ? span : h(mark === '-' ? 'del' : 'ins', null, span[0]));

function diffLine([mark, a, b, spans]) {
  const [kind, sign, said] = LINE[mark];
  return h('div.ln' + (kind ? '.' + kind : ''), null, h('i', null, a || ''), h('i', null, b || ''),
    h('span', null, sign ? [mute(sign), hidden(said)] : ' '), h('span', null, spans.length ? words(mark, spans) : ' '));
}

function hunkBlock(hunk, number) {
  return h('div.hunk', { id: 'hunk-' + number },
    h('div', null, h('p.xs.dim', null, `Hunk ${number}`, hunk.heading ? ` \u00b7 ${hunk.heading}` : ''),
      h('div.lines', { role: 'group', 'aria-label': `Hunk ${number}` }, hunk.lines.map(diffLine))),
    h('div.notes', null, hunk.instructions.length ? hunk.instructions.map(([id, how]) => note(id, how))
      : D.instructions ? h('p.note.dim', null, 'Introduces other instructions; asks for nothing itself.')
        : h('p.note.dim', null, 'The persona has no file that names its instructions, so no criterion is linked to this change.')));
}

const telltale = hunk => hunk.instructions.some(([id]) => covering(id).some(list => !moves(list)));

/** All hunks in their order; in a long list, runs without a flip fold away. */
function hunks() {
  const blocks = D.diff.map((hunk, i) => [hunk, hunkBlock(hunk, i + 1)]);
  if (blocks.length <= 12) return blocks.map(([, block]) => block);
  const found = [], anyFlip = blocks.some(([hunk]) => telltale(hunk));
  let run = [];
  const close = () => {
    if (run.length > 2) found.push(h('details.more.run', null, h('summary', null, `${run.length} more changes${anyFlip ? '; no criterion covering them moved' : ''}`), run));
    else found.push(...run);
    run = [];
  };
  blocks.forEach(([hunk, block], i) => { if (anyFlip ? telltale(hunk) : i < 8) { close(); found.push(block); } else run.push(block); });
  close();
  return found;
}

function personaSection() {
  const how = 'Beside each change: the criteria that cover the instruction, passes of scored answers in A and B. A lead, not proof of cause.';
  if (!D.diff) return section('persona', 'What changed in the persona', '', h('p.none', null, 'The text of a revision is no longer to be found as it was when its answers were recorded.'));
  if (!D.diff.length) return section('persona', 'What changed in the persona', '', h('p.none', null, 'The persona\u2019s text is the same on both sides.'));
  const stray = groups(flips.filter(cell => cell.moved && !hunkOf(cell))).map(list => list[0].of.id);
  return section('persona', 'What changed in the persona', how, hunks(),
    stray.length ? h('p.none.sm', null, `Moved, but covered by no changed instruction: ${stray.join(', ')}. A side effect, or chance.`) : null);
}
