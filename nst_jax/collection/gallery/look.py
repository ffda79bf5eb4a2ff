"""The gallery's style sheet and script, as they stand in the page."""

from nst_jax.collection.gallery.markup import Markup

STYLE = Markup("""
:root {
  color-scheme: light dark;
  --ground: #faf9f6; --raised: #fff; --mat: #efece5; --line: #e1ddd4;
  --ink: #1e1c19; --soft: #6b675f; --accent: #a83c14; --tint: #f6e9e1;
  --row: 180px; --serif: ui-serif, "Iowan Old Style", Charter, Georgia, serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131314; --raised: #1b1b1d; --mat: #0c0c0d; --line: #2d2d30;
    --ink: #ededea; --soft: #a09f9b; --accent: #ff9a66; --tint: #33231b;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html:has(dialog[open]) { overflow: hidden; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
h1, h2, h3, p, ol, ul, dl, dd, figure { margin: 0; padding: 0; }
ol, ul { list-style: none; }
h1, .title { font-family: var(--serif); font-weight: 500; letter-spacing: -.01em; }
h1 { font-size: 30px; line-height: 1.15; overflow-wrap: anywhere; }
a { color: inherit; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; }
button, summary { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.soft { color: var(--soft); }
.times { color: var(--soft); }
.number { font-variant-numeric: tabular-nums; }
/* An original: its picture is the background, so that it is in the page once. */
.original { display: block; background: var(--mat) center / cover no-repeat; }
.gone { display: grid; place-items: center; color: var(--soft); font-size: 12px; }

.page {
  display: grid; grid-template: auto 1fr / 248px minmax(0, 1fr); min-height: 100vh;
}
.head { grid-column: 2; padding: 30px 28px 22px 16px; }
.side {
  grid-area: 1 / 1 / span 2; position: sticky; top: 0; align-self: start;
  max-height: 100vh; overflow-y: auto; padding: 34px 12px 30px 28px;
  scrollbar-width: thin;
}
.main { grid-column: 2; padding: 0 28px 64px 16px; }
.head p { margin-top: 6px; color: var(--soft); max-width: 80ch; }
.plate { display: block; margin-top: 18px; }
.plate img { display: block; max-width: 100%; height: auto; border-radius: 4px; }

.facet + .facet { margin-top: 22px; }
.facet h2 {
  font-size: 12px; font-weight: 600; color: var(--soft); margin: 0 0 6px 6px;
}
.chip {
  display: flex; align-items: center; gap: 10px; width: 100%; padding: 5px 6px;
  border-radius: 8px; text-align: left;
}
.chip .original { width: 46px; height: 36px; flex: none; border-radius: 4px; }
.chip span:last-child { overflow: hidden; text-overflow: ellipsis; }
.chip span:last-child { white-space: nowrap; }
.chip:not(.pictured) { display: inline-block; width: auto; padding: 3px 10px; }
.chip:not(.pictured) { margin: 2px; box-shadow: inset 0 0 0 1px var(--line); }
.chip:hover { background: var(--mat); }
.chip[aria-pressed=true] { background: var(--tint); color: var(--accent); }
.chip.chip[aria-pressed=true] { box-shadow: inset 0 0 0 1.5px var(--accent); }
.shown { margin: 20px 6px 0; font-size: 13px; color: var(--soft); }
.clear { color: var(--accent); text-decoration: underline; margin-left: .5em; }

/* Rows of one height, pictures uncropped: each grows as its width does. */
.grid { display: flex; flex-wrap: wrap; gap: 24px 14px; }
.grid::after { content: ""; flex: 1000000 1 0; }
.card { flex: calc(var(--ratio) * 100) 1 calc(var(--ratio) * var(--row)); }
.card { min-width: 0; max-width: 100%; }
.card a { display: block; text-decoration: none; border-radius: 4px; }
.frame {
  position: relative; overflow: hidden; border-radius: 4px; background: var(--mat);
  aspect-ratio: var(--ratio);
}
.frame img { display: block; width: 100%; height: 100%; object-fit: cover; }
.frame .gone { height: 100%; border: 1px dashed var(--line); border-radius: 4px; }
.pair { display: flex; gap: 2px; }
.card .pair {
  position: absolute; inset: 0; background: var(--ground); opacity: 0;
  transition: opacity .16s;
}
.card .pair .original { flex: 1; position: relative; }
.card .pair .original::after, .badge {
  position: absolute; left: 6px; bottom: 6px; padding: 1px 7px; border-radius: 99px;
  background: #000a; color: #fff; font-size: 11.5px; content: attr(data-role);
}
.card a:hover .pair, .card a:focus-visible .pair, .peek .pair { opacity: 1; }
.badge { left: auto; right: 6px; bottom: auto; top: 6px; }
.caption { display: flex; flex-wrap: wrap; gap: 0 8px; margin-top: 7px; }
.caption { font-size: 14px; }
.caption .names {
  flex: 1 1 60%; overflow: hidden; overflow-wrap: anywhere;
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
}
.varied { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.caption .number, .varied { color: var(--soft); font-size: 12.5px; }
.caption .number { line-height: 20px; }
.varied { display: block; }
.nothing { padding: 80px 0; text-align: center; color: var(--soft); }

.failed { margin-top: 48px; border-top: 1px solid var(--line); padding-top: 20px; }
.failed h2 { font: 500 20px/1.3 var(--serif); margin-bottom: 10px; }
.failed li { padding: 8px 0; overflow-wrap: anywhere; }
.failed code { display: block; color: var(--accent); font-size: 13px; }
code { font-family: ui-monospace, SFMono-Regular, Menlo, monospace; font-size: .92em; }

dialog {
  border: 0; padding: 0; margin: 0; width: 100vw; height: 100dvh; max-width: none;
  max-height: none; background: var(--ground); color: var(--ink); overflow: hidden;
}
dialog[open] { display: grid; grid-template-rows: auto minmax(0, 1fr); }
.bar { display: flex; align-items: center; gap: 4px; padding: 8px 12px 8px 24px; }
.bar p { flex: 1; color: var(--soft); font-size: 13px; }
.bar button {
  width: 40px; height: 40px; border-radius: 50%; display: grid; place-items: center;
}
.bar button:hover { background: var(--mat); }
.bar svg { width: 20px; fill: none; stroke: currentColor; stroke-width: 1.8; }
.bar .close { margin-left: 8px; }
.stage { min-height: 0; }
.detail {
  height: 100%; display: grid; grid-template-columns: minmax(0, 1fr) 412px;
  grid-template-rows: minmax(0, 1fr);
}
.full {
  display: grid; place-items: center; min-height: 0; padding: 20px;
  background: var(--mat); grid-template: minmax(0, 1fr) / minmax(0, 1fr);
}
.full img { width: 100%; height: 100%; object-fit: contain; }
.full .gone { text-align: center; font-size: 15px; }
.panel { overflow-y: auto; padding: 6px 24px 40px; scrollbar-width: thin; }
.panel:focus { outline: none; }
.title { font-size: 25px; line-height: 1.2; overflow-wrap: anywhere; }
.panel > * + * { margin-top: 14px; }
.panel h3 { font-size: 13px; font-weight: 600; margin: 22px 0 -6px; }
.panel .pair { gap: 10px; align-items: flex-start; }
.panel figure { flex: var(--ratio) 1 0; min-width: 30%; }
.panel figure .original { aspect-ratio: var(--ratio); border-radius: 4px; }
figcaption { font-size: 12px; color: var(--soft); margin-top: 5px; }
figcaption { overflow-wrap: anywhere; line-height: 1.35; }
figcaption b { display: block; color: var(--ink); font-size: 13px; font-weight: 500; }
.facts { display: grid; grid-template-columns: auto 1fr; gap: 5px 16px; }
.facts, table { font-size: 13.5px; }
.facts dt, th { color: var(--soft); }
.facts dd { overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; font-weight: 400; padding: 4px 0; vertical-align: top; }
th, td { border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { padding-right: 14px; white-space: nowrap; }
td:last-child { text-align: right; }
.changed th { color: var(--ink); }
.changed td:nth-child(2) { color: var(--accent); font-weight: 600; }
summary { font-size: 13.5px; color: var(--soft); padding: 4px 0; }
.losses { display: block; width: 100%; font-size: 11px; fill: var(--soft); }
.losses .grid { stroke: var(--line); }
.losses .axis { stroke: var(--soft); }
.losses .curve { fill: none; stroke: var(--accent); stroke-width: 1.8; }
.losses .curve { stroke-linejoin: round; }
.losses .end { fill: var(--accent); }

@media (max-width: 860px) {
  :root { --row: 97px; }
  h1 { font-size: 25px; }
  .page { display: block; }
  .side { position: static; max-height: none; padding: 0 0 4px; }
  .main { padding: 0 16px 48px; min-height: 60vh; }
  .head { padding: 22px 16px 18px; }
  .card { min-width: 28%; }
  .facet + .facet { margin-top: 14px; }
  .facet h2 { margin-left: 16px; }
  .chips {
    display: flex; gap: 4px; overflow-x: auto; padding: 2px 12px;
    scrollbar-width: none;
  }
  .chips::-webkit-scrollbar { display: none; }
  .chip { width: auto; flex: none; padding: 4px; font-size: 12px; }
  .chip.pictured { flex-direction: column; gap: 4px; width: 76px; text-align: center; }
  .chip .original { width: 68px; height: 52px; }
  .chip span:last-child { max-width: 100%; padding: 0 4px; }
  .shown { margin: 14px 16px 10px; }
  .grid { gap: 18px 8px; }
  .caption { display: block; font-size: 13px; }
  .caption .number { display: block; }
  .bar { padding: 4px 8px 4px 16px; }
  .stage { overflow-y: auto; }
  .detail { display: block; height: auto; }
  .full { padding: 0; }
  .full img { width: 100%; height: auto; max-height: 66dvh; }
  .full .gone { min-height: 200px; }
  .panel { padding: 18px 16px 40px; overflow: visible; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
""")

SCRIPT = Markup("""
'use strict';
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);
const cards = all('.card'), chips = all('.chip');
const box = one('dialog'), stage = one('.stage'), counter = one('.counter');

// Filters: within a facet any pressed value will do, and every facet has to agree.
function filter() {
  const wanted = new Map();
  for (const chip of chips.filter(c => c.getAttribute('aria-pressed') === 'true')) {
    const {facet, value} = chip.dataset;
    wanted.set(facet, (wanted.get(facet) || new Set()).add(value));
  }
  for (const card of cards) {
    const values = card.dataset.values.split(' ');
    card.hidden = [...wanted].some(([facet, set]) => !set.has(values[facet]));
  }
  const count = shown().length;
  one('.count').textContent = wanted.size
    ? `${count} of ${cards.length} pictures` : `${count} pictures`;
  one('.clear').hidden = !wanted.size;
  one('.nothing').hidden = count > 0 || !cards.length;
}
const shown = () => cards.filter(card => !card.hidden);
const press = (chip, on) => chip.setAttribute('aria-pressed', on);
for (const chip of chips) {
  chip.addEventListener('click', () => {
    press(chip, chip.getAttribute('aria-pressed') !== 'true');
    filter();
  });
}
one('.clear').addEventListener('click', () => {
  chips.forEach(chip => press(chip, false));
  filter();
});

// The address says which card is open: #3 is the third.
let current = null;
function show() {
  const number = location.hash.slice(1);
  const card = /^[1-9][0-9]*$/.test(number) ? cards[number - 1] : undefined;
  if (!card) return box.open && box.close();
  const opens = !box.open;
  current = card;
  stage.replaceChildren(one('template', card).content.cloneNode(true));
  stage.scrollTop = 0;
  const list = among(), thumbnail = one('img', card), full = one('.full img', stage);
  counter.textContent = `${list.indexOf(card) + 1} of ${list.length}`;
  if (full && thumbnail) {
    full.style.background = `url(${thumbnail.src}) center / contain no-repeat`;
    full.addEventListener('error', () => {
      full.src = thumbnail.src;
      one('.absent', stage).hidden = false;
    }, {once: true});
  }
  if (opens) box.showModal();
  // The panel, so that keys reach the box and scroll it; a pressed button stays.
  const bar = one('.bar');
  if (!bar.contains(document.activeElement) || opens) {
    one('.panel', stage).focus({preventScroll: true});
  }
}
const among = () => current.hidden ? cards : shown();
function step(by) {
  const list = among(), at = list.indexOf(current) + by;
  const next = list[(at + list.length) % list.length];
  location.replace('#' + (cards.indexOf(next) + 1));
}
box.addEventListener('close', () => {
  history.replaceState(null, '', location.pathname + location.search);
  stage.replaceChildren();
  one('a', current).focus();
});
one('.previous').addEventListener('click', () => step(-1));
one('.next').addEventListener('click', () => step(1));
one('.close').addEventListener('click', () => box.close());
box.addEventListener('keydown', event => {
  const by = {ArrowLeft: -1, ArrowRight: 1}[event.key];
  if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  step(by);
});
let start = null;
stage.addEventListener('touchstart', event => {
  start = event.touches.length === 1 ? event.touches[0] : null;
}, {passive: true});
stage.addEventListener('touchend', event => {
  const end = event.changedTouches[0];
  const dx = start ? end.clientX - start.clientX : 0;
  if (Math.abs(dx) < 60 || Math.abs(end.clientY - start.clientY) > 40) return;
  step(dx < 0 ? 1 : -1);
}, {passive: true});
window.addEventListener('hashchange', show);

// Fingers don't hover: the first tap shows the originals and the second one opens.
let finger = false;
document.addEventListener('pointerdown', event => {
  finger = event.pointerType === 'touch';
});
document.addEventListener('click', event => {
  const card = event.target.closest('.card');
  if (card && finger && event.detail > 0 && !card.classList.contains('peek')) {
    event.preventDefault();
    all('.peek').forEach(other => other.classList.remove('peek'));
    card.classList.add('peek');
  } else if (!card) {
    all('.peek').forEach(other => other.classList.remove('peek'));
  }
});
filter();
show();
""")
