// What is told of the picture on the stage, and what can be done with it.
import * as api from './api.js';
import {again, asStart} from './again.js';
import {curve} from './curve.js';
import {byId, say} from './dom.js';
import {losses} from './events.js';
import {isComparable} from './live.js';
import {hasPicture, isActive, isOver, isToGoOn, on, select, selected, state} from './state.js';
import {NOUN, part, stateOf} from './words.js';

const SURE = 4000; // Milliseconds in which a second click means it, or a notice stays.
let sure = null, fault = null, notice = null, noticed = 0;

const button = name => document.querySelector(`[data-action="${name}"]`);

// Whether each action is there for a job.
const THERE = {
  stop: isActive,
  download: hasPicture,
  go_on: job => isOver(job) && job.can_go_on,
  compare: isComparable,
  hold: isComparable,
  again: () => true,
  start: hasPicture,
  discard: () => true,
};

async function tried(action) {
  fault = null;
  try {
    await action();
  } catch (error) {
    fault = error.message;
  }
  draw();
}

const ACTIONS = {
  stop: job => tried(() => api.stop(job.id)),
  go_on: job => tried(async () => select((await api.goOn(job.id, 100)).id)),
  again: job => again(job),
  start: job => asStart(job),
  command: job => tried(async () => copied((await api.command(job.id)).command, 'The command is copied.')),
  python: job => tried(async () => copied((await api.command(job.id)).python, 'The Python code is copied.')),
  discard: job => discard(job),
};

// What is painted is lost for good: the second click does it.
function discard(job) {
  if (isToGoOn(job)) return tried(() => api.stop(job.id)); // Its picture stays.
  if (sure === job.id || job.state === 'failed' || job.state === 'waiting') {
    sure = null;
    return tried(() => (isOver(job) ? api.remove(job.id) : api.discard(job.id)));
  }
  sure = job.id;
  setTimeout(() => {
    sure = null;
    draw();
  }, SURE);
  draw();
}

// The clipboard's own door is shut on plain http but for this computer.
async function copied(text, said) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  byId('copies').open = false;
  notice = said;
  clearTimeout(noticed);
  noticed = setTimeout(() => {
    notice = null;
    draw();
  }, SURE);
  say(said);
}

function draw() {
  const job = selected();
  byId('about').hidden = !job;
  byId('fresh').hidden = !job;
  if (!job) return;
  byId('title').textContent = job.title;
  byId('state').textContent = notice ?? stateOf(job);
  const wrong = fault ?? job.error;
  byId('error').hidden = !wrong;
  byId('error').textContent = wrong ?? '';
  for (const [name, there] of Object.entries(THERE)) button(name).hidden = !there(job);
  button('download').href = api.result(job.id);
  const word = isActive(job) ? 'Discard' : isToGoOn(job) ? 'Don’t go on' : job.state === 'waiting' ? 'Cancel' : 'Remove';
  button('discard').textContent = sure === job.id ? `${word}: sure?` : word;
  button('discard').classList.toggle('sure', sure === job.id);
  track(job);
}

function track(job) {
  const bar = byId('bar');
  byId('track').classList.toggle('on', isActive(job));
  byId('track').classList.toggle('unknown', isActive(job) && !job.iteration);
  bar.style.width = `${100 * part(job)}%`;
  bar.setAttribute('aria-valuemax', job.steps || 1);
  bar.setAttribute('aria-valuenow', job.iteration);
  bar.setAttribute('aria-valuetext', stateOf(job));
  const drawn = curve(state.losses.get(job.id) ?? []);
  byId('curve').hidden = !drawn;
  byId('curve').replaceChildren(...(drawn ? [drawn] : []));
}

let told = new Map();
function announce() {
  for (const job of state.jobs) {
    const before = told.get(job.id);
    if (before && before !== job.state) say(`${job.title}: ${NOUN[job.state]}.`);
  }
  told = new Map(state.jobs.map(job => [job.id, job.state]));
}

// The tab's title tells how far it is while one looks elsewhere.
function titled() {
  const running = state.jobs.find(isActive);
  document.title = running ? `${Math.round(100 * part(running))} % · nst_jax` : 'nst_jax';
}

function changed() {
  const job = selected();
  if (job) losses(job.id);
  draw();
  titled();
}

export function watch() {
  byId('actions').addEventListener('click', event => {
    const name = event.target.closest('[data-action]')?.dataset.action, job = selected();
    if (job && ACTIONS[name]) ACTIONS[name](job);
  });
  byId('fresh').addEventListener('click', () => select(null));
  document.addEventListener('click', event => {
    if (!byId('copies').contains(event.target)) byId('copies').open = false;
  });
  on('jobs', () => {
    announce();
    changed();
  });
  on('selected', () => {
    [fault, sure, notice] = [null, null, null];
    changed();
  });
  on('progress', changed);
  changed();
}
