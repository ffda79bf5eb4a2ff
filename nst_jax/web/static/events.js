// The server's events: the list of jobs and how far they are.
import * as api from './api.js';
import {byId, say} from './dom.js';
import {job, select, state, tell} from './state.js';

const AGAIN = 3000; // Milliseconds.

function listed({jobs}) {
  state.jobs = jobs;
  const known = new Set(jobs.map(one => one.id));
  for (const id of state.losses.keys()) if (!known.has(id)) state.losses.delete(id);
  if (state.selected && !known.has(state.selected)) select(null);
  tell('jobs');
}

function progressed({job: now, losses = []}) {
  const place = state.jobs.findIndex(one => one.id === now.id);
  if (place < 0) return;
  const isOther = state.jobs[place].state !== now.state;
  state.jobs[place] = now;
  const known = state.losses.get(now.id);
  if (known) {
    const last = known.at(-1)?.[0] ?? -1;
    known.push(...losses.filter(([iteration]) => iteration > last));
  }
  tell(isOther ? 'jobs' : 'progress', now);
}

// All losses of one that is looked at; from here on events add to them.
export async function losses(id) {
  if (state.losses.has(id)) return;
  state.losses.set(id, []);
  try {
    const told = await api.details(id);
    state.losses.set(id, [...told.losses ?? []]);
    const now = job(id);
    if (now) tell('progress', now);
  } catch {
    state.losses.delete(id);
  }
}

function lost(text) {
  const line = byId('lost');
  if (line.hidden || line.textContent !== text) line.textContent = text;
  line.hidden = false;
}

function found() {
  if (!byId('lost').hidden) say('Connected again.');
  byId('lost').hidden = true;
  state.losses.clear(); // Some may have been missed.
}

let source = null, later = null;
function connect() {
  close();
  const own = source = new EventSource('/api/events');
  const hear = (name, listener) =>
    own.addEventListener(name, event => listener(JSON.parse(event.data)));
  hear('jobs', listed);
  hear('progress', progressed);
  own.addEventListener('open', found);
  own.addEventListener('error', async () => {
    lost('The server is gone. Trying again …');
    if (own.readyState !== EventSource.CLOSED || own !== source) return;
    later = setTimeout(connect, AGAIN);
    try {
      await api.jobs();
    } catch (error) {
      if (error.status === 401 || error.status === 403) {
        lost('The server was started anew: open the address that it printed.');
      }
    }
  });
}

function close() {
  clearTimeout(later);
  source?.close();
  source = null;
}

export function watch() {
  connect();
  window.addEventListener('pagehide', close);
  // Out of the browser's cache of pages: the connection has ended, all else is there.
  window.addEventListener('pageshow', event => event.persisted && connect());
}
