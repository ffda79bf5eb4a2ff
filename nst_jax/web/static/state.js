// What the page knows. The form is this tab's own and survives a reload; jobs are the
// server's, the same in every tab.

import * as api from './api.js';

const EMPTY = {
  photo: null, // {id, name, width, height}
  paintings: [], // of the same kind, each with share and mask
  kind: 'optimise',
  preset: null,
  network: null,
  options: {}, // of optimisation, as they differ from the preset
  passing: {}, // of one pass
  keep: null, // the mask of what is kept, an upload's id
  start: null, // {id, name}
};

export const state = {
  catalogue: null,
  jobs: [],
  losses: new Map(), // by job
  selected: null, // a job's id; null: the form's photo
  form: {...EMPTY, ...kept('form', {})},
};
state.selected = kept('selected', null);

function kept(name, otherwise) {
  try {
    return JSON.parse(sessionStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function keep(name, value) {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch { /* Storage is off or full: a reload forgets. */ }
}

const listeners = new Map();
// Topics: catalogue, form, jobs (the list or a state), progress (of one job), selected.
export function on(topics, listener) {
  for (const topic of topics.split(' ')) {
    listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
  }
}
export function tell(topic, what) {
  for (const listener of listeners.get(topic) ?? []) listener(what);
}

export function change(values) {
  Object.assign(state.form, values);
  keep('form', state.form);
  tell('form');
}
export const blank = () => ({...EMPTY, kind: state.form.kind, paintings: [], options: {}, passing: {}});

export function select(id) {
  if (state.selected === id) return;
  state.selected = id;
  keep('selected', id);
  tell('selected');
}

export const job = id => state.jobs.find(one => one.id === id) ?? null;
export const selected = () => (state.selected ? job(state.selected) : null);
export const isActive = one => one.state === 'preparing' || one.state === 'painting';
export const isOver = one => !isActive(one) && one.state !== 'waiting';
export const hasPicture = one => (one.state === 'done' || one.state === 'stopped') && one.version > 0;
// Whether it waits to go on: what it has is there whatever becomes of that.
export const isToGoOn = one => one.state === 'waiting' && (one.version > 0 || one.iteration > 0);

// Where the picture of an upload or an example is; examples have names, such as
// photo-cat, uploads random digits.
export const address = (id, longest) =>
  (/^[0-9a-f]{16}$/.test(id) ? api.uploaded(id, longest) : api.example(id, longest));
export function example(id) {
  const {photos = [], paintings = []} = state.catalogue?.examples ?? {};
  return [...photos, ...paintings].find(one => one.id === id) ?? null;
}

// The preset's options, or the defaults where it has none.
export function preset() {
  return state.catalogue?.presets.find(one => one.name === state.form.preset) ?? null;
}
export function network() {
  return state.catalogue?.networks.find(one => one.name === state.form.network) ?? null;
}
export const wantsPaintings = () =>
  state.form.kind === 'optimise' || network()?.takes === 'painting';

// Of a network of several styles, the one that is chosen; null: it has but one.
export function style() {
  if (network()?.takes !== 'index') return null;
  const {styles} = network(), chosen = state.form.passing.style;
  return styles.includes(chosen) ? chosen : styles[0];
}

// What the server is asked for.
export function asked() {
  const {form} = state;
  if (form.kind === 'apply') {
    const {style: _, ...options} = form.passing;
    if (style() !== null) options.style = style();
    return {
      kind: 'apply', network: form.network, photo: form.photo.id, options,
      ...(wantsPaintings() && {painting: form.paintings[0].id}),
      ...(form.keep && {keep_mask: form.keep}),
    };
  }
  const {paintings} = form;
  const isMasked = paintings.some(one => one.mask);
  return {
    kind: 'optimise', photo: form.photo.id, paintings: paintings.map(one => one.id),
    options: form.options,
    ...(form.preset && {preset: form.preset}),
    ...(paintings.length > 1 && {shares: paintings.map(one => one.share)}),
    ...(isMasked && {masks: paintings.map(one => one.mask)}),
    ...(form.keep && {keep_mask: form.keep}),
    ...(form.start && {start: form.start.id}),
  };
}

// What is missing before it can be painted, in a few words; null: nothing.
export function missing() {
  const {form} = state;
  if (!state.catalogue) return 'One moment';
  if (!form.photo) return 'Choose a photo';
  if (form.kind === 'apply' && !form.network) return 'Choose a network';
  if (wantsPaintings() && !form.paintings.length) return 'Choose a painting';
  const masked = form.paintings.filter(one => one.mask).length;
  if (form.kind === 'optimise' && masked && masked < form.paintings.length) {
    return 'Mark a place for each painting';
  }
  return null;
}
