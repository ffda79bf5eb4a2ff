// Pictures come in: dropped, pasted, chosen from files, or from the examples.
import * as api from './api.js';
import {byId, h, icon, ICONS, round, say} from './dom.js';
import * as paintings from './paintings.js';
import {address, change, on, select, state, wantsPaintings} from './state.js';

const waiting = {photo: 0, painting: 0}; // Pictures on their way.
const faults = {photo: null, painting: null};
const chooser = {photo: picker('photo'), painting: picker('painting')};
let before = null; // The form before a result's settings were taken over.

function picker(role) {
  const input = h('input', {
    type: 'file', accept: 'image/*', multiple: role === 'painting', hidden: true,
    on: {change: () => { take([...input.files], role); input.value = ''; }},
  });
  return input;
}

export async function take(files, role) {
  const pictures = files.filter(file => !file.type || file.type.startsWith('image/'));
  faults[role] = pictures.length ? null : 'That is no picture.';
  for (const file of role === 'photo' ? pictures.slice(0, 1) : pictures) {
    waiting[role]++;
    draw();
    try {
      arrived(await api.upload(file, file.name || 'pasted.png'), role);
    } catch (error) {
      faults[role] = error.message;
    }
    waiting[role]--;
  }
  draw();
}

function arrived({id, name, width, height, settings}, role) {
  if (role === 'painting') return paintings.add({id, name});
  photo({id, name, width, height});
  if (settings) restore(settings, name);
}

// Masks are of a photo, and go with it.
export function photo(picture) {
  const unmasked = state.form.paintings.map(one => ({...one, mask: null}));
  before = null;
  byId('restored').hidden = true;
  change({photo: picture, keep: null, start: null, paintings: unmasked});
  select(null);
  say(picture ? `Photo: ${picture.name}` : 'No photo');
}

// Of the settings of a result, what the form takes over; null: its network isn't here.
// Shares are the strip's own, and go with as many paintings.
function taken({kind, preset, network, options, shares}) {
  const {style_blend: _, ...chosen} = options ?? {};
  const {paintings: all} = state.form;
  if (kind === 'apply') {
    const isHere = state.catalogue?.networks.some(one => one.name === network);
    return isHere ? {kind, network, passing: chosen} : null;
  }
  const fits = shares?.length > 1 && shares.length === all.length;
  const by = fits ? paintings.MOST / Math.max(paintings.MOST, ...shares) : 1;
  return {
    kind, preset: preset ?? null, options: chosen,
    ...(fits && {paintings: all.map((one, place) => ({...one, share: by * shares[place]}))}),
  };
}

// A result of ours tells how it was made: the form is set so, and can be set back.
function restore(settings, name) {
  const values = taken(settings);
  byId('restored').hidden = false;
  if (!values) {
    const line = `The network that painted ${name} isn’t here: its settings are left.`;
    byId('restored').textContent = line;
    return say(line);
  }
  before = Object.fromEntries(Object.keys(values).map(key => [key, state.form[key]]));
  change(values);
  byId('restored').replaceChildren(`The settings of ${name} are set. `,
    h('button', {class: 'plain', type: 'button', on: {click: setBack}}, 'Undo'));
  say('Its settings are set.');
}

// Paintings that came or went since then stay so.
function setBack() {
  const {paintings: earlier = [], ...others} = before;
  const shareOf = one => earlier.find(({id}) => id === one.id)?.share ?? one.share;
  change({...others, paintings: state.form.paintings.map(one => ({...one, share: shareOf(one)}))});
  byId('restored').hidden = true;
}

function invitation(role, text) {
  return h('button', {class: 'invite', type: 'button', 'data-key': role, on: {click: () => chooser[role].click()}},
    icon('M10 13V4M6.500 7.500 10 4l3.500 3.500M3.500 13v3h13v-3'),
    h('span', {}, h('b', {}, text), h('span', {class: 'soft'}, ' drop, paste or choose')));
}

function note(role) {
  if (waiting[role]) return h('p', {class: 'small soft busy', role: 'status'}, 'Reading …');
  return faults[role] ? h('p', {class: 'fault', role: 'alert'}, faults[role]) : null;
}

function chosen({id, name, width, height}) {
  const {keep, start, paintings: all} = state.form;
  const marked = keep || all.some(one => one.mask);
  return h('div', {class: 'chosen'},
    h('button', {class: 'shot', type: 'button', title: 'Show it', 'aria-label': `Show the photo ${name}`, on: {click: () => select(null)}},
      h('img', {src: address(id, 240), alt: ''})),
    h('div', {class: 'says'},
      h('p', {class: 'name', title: name}, name),
      h('p', {class: 'small soft number'}, width ? `${width} × ${height}` : ''),
      start && h('p', {class: 'small'}, `Starts from ${start.name} `,
        h('button', {class: 'plain', type: 'button', on: {click: () => change({start: null})}}, 'don’t')),
      h('p', {class: 'small'},
        h('button', {class: 'plain', type: 'button', id: 'masks', on: {click: () => document.dispatchEvent(new Event('brush'))}},
          marked ? 'Masks: edit' : 'Masks'),
        h('button', {class: 'plain', type: 'button', on: {click: () => chooser.photo.click()}}, 'Replace'))),
    round('Remove the photo', ICONS.close, () => photo(null)));
}

function draw() {
  const {form} = state;
  const show = (id, ...children) => byId(id).replaceChildren(...children.filter(Boolean));
  show('photo-zone', form.photo ? chosen(form.photo) : invitation('photo', 'A photo'), note('photo'));
  show('painting-zone', invitation('painting', form.paintings.length ? 'Another' : 'A painting'), note('painting'));
  byId('photo-examples').hidden = Boolean(form.photo);
  byId('paintings').hidden = !wantsPaintings();
}

function examples() {
  const tile = (one, take) => h('li', {}, h('button', {
    type: 'button', 'aria-label': one.name, title: one.name, on: {click: () => take(one)},
  }, h('img', {src: api.example(one.id, 240), alt: '', loading: 'lazy'})));
  const {photos, paintings: others} = state.catalogue.examples;
  byId('photo-examples').replaceChildren(...photos.map(one => tile(one, ({id, name, width, height}) =>
    photo({id, name, width, height}))));
  byId('painting-examples').replaceChildren(...others.map(one => tile(one, ({id, name}) => paintings.add({id, name}))));
  draw();
}

// Dropped beside both zones, a picture is what is missing yet.
const roleAt = target => target.closest?.('#photo-zone') ? 'photo'
  : target.closest?.('#paintings') ? 'painting'
    : state.form.photo && wantsPaintings() ? 'painting' : 'photo';

export function watch() {
  const isFile = event => event.dataTransfer?.types.includes('Files');
  let depth = 0;
  const dragging = (event, by) => {
    if (!isFile(event)) return;
    depth = by === null ? 0 : depth + by;
    document.body.classList.toggle('dragging', depth > 0);
  };
  document.addEventListener('dragenter', event => dragging(event, 1));
  document.addEventListener('dragleave', event => dragging(event, -1));
  document.addEventListener('dragover', event => isFile(event) && event.preventDefault());
  document.addEventListener('drop', event => {
    if (!isFile(event)) return;
    event.preventDefault();
    dragging(event, null);
    take([...event.dataTransfer.files], roleAt(event.target));
  });
  document.addEventListener('paste', event => {
    const files = [...event.clipboardData?.files ?? []];
    if (!files.length) return;
    event.preventDefault();
    take(files, roleAt(document.activeElement));
  });
  document.body.append(chooser.photo, chooser.painting);
  on('catalogue', examples);
  on('form', draw);
  draw();
}
