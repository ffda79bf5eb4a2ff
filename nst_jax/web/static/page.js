// The page: its parts are set going, the form is sent.
import * as actions from './actions.js';
import * as api from './api.js';
import * as brush from './brush.js';
import * as compare from './compare.js';
import {byId, say} from './dom.js';
import * as drop from './drop.js';
import * as events from './events.js';
import * as history from './history.js';
import * as live from './live.js';
import * as options from './options.js';
import * as paintings from './paintings.js';
import * as queue from './queue.js';
import * as recipes from './recipes.js';
import {asked, isActive, missing, on, select, selected, state, tell} from './state.js';

let sending = false;

function fault(text) {
  byId('fault').hidden = !text;
  byId('fault').textContent = text ?? '';
}

// Says what is missing; a click then leads there.
function paintable() {
  const lacks = missing();
  byId('paint').textContent = sending ? 'One moment …' : lacks ?? 'Paint';
  byId('paint').classList.toggle('lacking', Boolean(lacks));
}

async function paint() {
  if (sending) return;
  const lacks = missing();
  if (lacks) {
    const zone = !state.form.photo ? 'photo-zone' : 'painting-zone';
    byId(zone).scrollIntoView({block: 'nearest'});
    byId(zone).querySelector('button')?.focus();
    return say(lacks);
  }
  sending = true;
  fault(null);
  paintable();
  try {
    const made = await api.submit(asked());
    // The list comes by the events too, in either order.
    if (!state.jobs.some(one => one.id === made.id)) {
      state.jobs = [...state.jobs, made];
      tell('jobs');
    }
    select(made.id);
    if (matchMedia('(max-width: 860px)').matches) byId('stage').scrollIntoView();
  } catch (error) {
    fault(error.message);
  }
  sending = false;
  paintable();
}

function tryIt(photo, painting) {
  drop.photo({id: photo.id, name: photo.name, width: photo.width, height: photo.height});
  if (!state.form.paintings.length) paintings.add(painting);
  byId('paint').focus();
}

// A page that is opened while something is painted, or about to be, shows it.
let isFirst = true;
on('jobs', () => {
  const next = state.jobs.find(isActive) ?? state.jobs.find(one => one.place === 0);
  if (isFirst && !selected() && !state.form.photo && next) select(next.id);
  isFirst = false;
});

function keys(event) {
  const isSent = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
  if (isSent && !document.querySelector('dialog[open]')) {
    event.preventDefault();
    const typed = document.activeElement;
    typed?.blur(); // What was typed counts.
    typed?.focus();
    paint();
  }
}

async function begin() {
  for (const part of [recipes, options, paintings, drop, actions, compare, queue, history, brush]) part.watch();
  live.watch(tryIt);
  on('form catalogue', () => {
    fault(null);
    paintable();
  });
  byId('form').addEventListener('submit', event => event.preventDefault());
  byId('paint').addEventListener('click', paint);
  document.addEventListener('keydown', keys);
  events.watch();
  try {
    state.catalogue = await api.catalogue();
    tell('catalogue');
  } catch (error) {
    fault(error.message);
  }
  paintable();
}

begin();
