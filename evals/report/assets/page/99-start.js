// Put together: what decides first, the grid after the first paint.
document.documentElement.style.setProperty('--k', String(REPEATS > 8 ? 6 : Math.max(3, REPEATS)));
document.title = `${SIGNS[D.verdict.kind]} ${D.verdict.kind}: ${D.persona} ${A.revision} \u2192 ${B.revision}`;
const report = document.getElementById('report');
const fell = groups(flips.filter(c => c.moved === 'worse')).length;
report.replaceChildren(dimensions(), flipSection(), personaSection(), gridSection(), costSection(), trustSection());
report.removeAttribute('aria-busy');
report.before(masthead(), bar([['dims', 'Dimensions', D.dimensions.length], ['flips', 'Flips', comparable && enough ? fell : ''],
  ['persona', 'Persona', D.diff ? D.diff.length : ''], ['grid', 'Grid', D.cases.length], ['cost', 'Cost', ''], ['trust', 'Trust', '']]));
report.after(foot(), dialog);
performance.mark('verdict');

requestAnimationFrame(() => setTimeout(() => {
  draw();
  performance.mark('grid');
  route();
  if (!dialog.open && location.hash.length > 1) reveal(location.hash.slice(1));
  addEventListener('hashchange', route);
  narrow.addEventListener('change', draw);
  document.addEventListener('click', event => {
    const link = event.target.closest('a[href^="#hunk-"]');
    if (link && !dialog.open) reveal(link.getAttribute('href').slice(1));
  });
  document.documentElement.dataset.ready = 'yes';
}, 0));

addEventListener('beforeprint', () => {
  printing = true;
  draw();
  document.querySelectorAll('main details').forEach(el => { el.dataset.was = el.open; el.open = true; });
});
addEventListener('afterprint', () => {
  printing = false;
  document.querySelectorAll('main details').forEach(el => { el.open = el.dataset.was === 'true'; });
  draw();
});
