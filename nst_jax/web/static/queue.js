// What is being painted and what waits: reordered by buttons, keys or dragging.
import * as api from './api.js';
import {byId, h, ICONS, refill, round, say} from './dom.js';
import {isActive, isToGoOn, on, select, state} from './state.js';
import {brief, part} from './words.js';

const waiting = () => state.jobs.filter(one => one.state === 'waiting')
  .sort((a, b) => a.place - b.place);

async function tried(action, said) {
  try {
    await action();
    say(said);
  } catch (error) {
    say(error.message);
  }
}

// To the place `to` of the queue as it is without it.
function put(one, to) {
  const others = waiting().filter(other => other.id !== one.id);
  if (to < 0 || to > others.length) return;
  tried(() => api.move(one.id, others[to]?.id ?? null), `${one.title} is now number ${to + 1}.`);
}

function keys(event, one, place) {
  const by = {ArrowUp: -1, ArrowDown: 1}[event.key];
  if (by && event.altKey) put(one, place + by);
  else if (event.key === 'Delete') cancel(one);
  else return;
  event.preventDefault();
}

// Stopped rather than discarded, one that was to go on is as it was before.
const cancel = one => (isToGoOn(one)
  ? tried(() => api.stop(one.id), `${one.title} doesn’t go on.`)
  : tried(() => api.discard(one.id), `${one.title} is cancelled.`));

let dragged = null;
function draggable(item, one, place) {
  item.draggable = true;
  item.addEventListener('dragstart', event => {
    dragged = one.id;
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', one.title);
  });
  item.addEventListener('dragover', event => {
    if (!dragged) return;
    event.preventDefault();
    item.classList.add('target');
  });
  item.addEventListener('dragleave', () => item.classList.remove('target'));
  item.addEventListener('dragend', () => {
    dragged = null;
    draw();
  });
  item.addEventListener('drop', event => {
    const moved = state.jobs.find(other => other.id === dragged);
    item.classList.remove('target');
    if (!moved) return;
    event.preventDefault();
    put(moved, place);
  });
}

function entry(one, place, last) {
  const choose = h('button', {
    class: 'pick', type: 'button', 'data-key': `pick ${one.id}`, 'aria-label': `Show ${one.title}`,
    'aria-current': one.id === state.selected ? 'true' : null, on: {click: () => select(one.id)},
  },
  h('img', {src: api.photo(one.id), alt: '', loading: 'lazy', draggable: 'false'}),
  h('span', {class: 'says'}, h('span', {class: 'name'}, one.title), h('span', {class: 'small soft number far'}, brief(one))));
  if (isActive(one)) return h('li', {class: 'running', 'data-job': one.id}, choose, h('span', {class: 'thin'}));
  const item = h('li', {'data-job': one.id, on: {keydown: event => keys(event, one, place)}}, choose,
    h('span', {class: 'moves'},
      round(`Earlier: ${one.title}`, ICONS.up, () => put(one, place - 1), {disabled: place === 0, 'data-key': `up ${one.id}`}),
      round(`Later: ${one.title}`, ICONS.down, () => put(one, place + 1), {disabled: place === last, 'data-key': `down ${one.id}`}),
      round(`${isToGoOn(one) ? 'Don’t go on:' : 'Cancel'} ${one.title}`, ICONS.close, () => cancel(one), {'data-key': `cancel ${one.id}`})));
  draggable(item, one, place);
  return item;
}

function draw() {
  if (dragged) return; // It would be taken from under the hand.
  const queue = waiting(), running = state.jobs.filter(isActive);
  byId('queue-part').hidden = !queue.length && !running.length;
  refill(byId('queue'), [
    ...running.map(one => entry(one)),
    ...queue.map((one, place) => entry(one, place, queue.length - 1)),
  ]);
  for (const one of running) progress(one);
}

function progress(one) {
  const item = byId('queue').querySelector(`[data-job="${CSS.escape(one.id)}"]`);
  if (!item) return;
  item.querySelector('.far').textContent = brief(one);
  const thin = item.querySelector('.thin');
  if (thin) thin.style.width = `${100 * part(one)}%`;
}

export function watch() {
  on('jobs selected', draw);
  on('progress', progress);
  draw();
}
