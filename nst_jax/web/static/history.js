// What was painted, the latest first.
import * as api from './api.js';
import {byId, h, refill} from './dom.js';
import {isOver, on, select, state} from './state.js';
import {NOUN} from './words.js';

function tile(one) {
  const isFailed = one.state === 'failed';
  const image = h('img', {src: api.thumbnail(one.id, one.version), alt: '', loading: 'lazy'});
  image.addEventListener('error', () => image.remove(), {once: true});
  return h('li', {}, h('button', {
    class: isFailed ? 'failed' : null, type: 'button', title: one.title, 'data-key': one.id,
    'aria-label': `${one.title}, ${NOUN[one.state]}`,
    'aria-current': one.id === state.selected ? 'true' : null, on: {click: () => select(one.id)},
  }, isFailed ? h('span', {class: 'small'}, 'failed') : image,
  one.state === 'stopped' && h('span', {class: 'badge'}, `${one.iteration}`)));
}

// Arrow keys walk through the grid.
function walk(event) {
  const by = {ArrowLeft: -1, ArrowUp: -2, ArrowRight: 1, ArrowDown: 2}[event.key];
  if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
  const buttons = [...byId('history').querySelectorAll('button')];
  const next = buttons[buttons.indexOf(document.activeElement) + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

let drawn = '';
function draw() {
  const over = state.jobs.filter(isOver).sort((a, b) => b.created - a.created);
  const shape = JSON.stringify([state.selected, over.map(one => [one.id, one.state, one.version, one.title])]);
  if (shape === drawn) return;
  drawn = shape;
  byId('none').hidden = over.length > 0;
  refill(byId('history'), over.map(tile));
}

export function watch() {
  byId('history').addEventListener('keydown', walk);
  on('jobs selected', draw);
  draw();
}
