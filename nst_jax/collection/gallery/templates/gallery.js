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
    ? `${count} of ${cards.length} pictures`
    : `${count} picture${count === 1 ? "" : "s"}`;
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
