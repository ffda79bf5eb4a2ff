// The stage: the photo that is chosen, or a job's picture as it comes.
import * as api from './api.js';
import {byId, h} from './dom.js';
import {address, hasPicture, isActive, on, selected, state} from './state.js';

const IS_HERE = ['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname);

// Of what is looked at: {source, ratio, alt, tag, faint, inset}, or null.
function scene() {
  const job = selected();
  if (!job) {
    const {photo, paintings} = state.form;
    if (!photo) return null;
    return {
      source: address(photo.id, 1024), ratio: photo.width / photo.height || null,
      alt: `The photo ${photo.name}`, inset: paintings.map(one => one.id), tag: null, faint: false,
    };
  }
  const source = job.version ? api.live(job.id, job.version)
    : job.preview ? api.preview(job.id, job.preview) : api.photo(job.id);
  const isPhoto = !job.version && !job.preview;
  return {
    source, ratio: job.width / job.height || null, alt: isPhoto ? 'The photo' : job.title,
    inset: isPhoto ? job.paintings : [],
    tag: job.version || !job.preview || !(isActive(job) || job.state === 'waiting')
      ? null : 'Preview in one pass',
    faint: isPhoto && isActive(job),
  };
}

let shown = null, coming = null, wanted = null;

// One picture at a time is fetched, the latest; none while nobody sees it.
async function load() {
  if (coming || !wanted || document.hidden || wanted.source === shown) return;
  coming = wanted;
  const image = h('img', {class: 'under', id: 'picture', alt: coming.alt, draggable: 'false'});
  image.src = coming.source;
  try {
    await image.decode();
    if (wanted && sameJob(coming, wanted)) {
      byId('picture').replaceWith(image);
      shown = coming.source;
      fit(coming.ratio ?? image.naturalWidth / image.naturalHeight);
      byId('easel').classList.toggle('faint', coming.faint);
    }
  } catch { /* It is gone or damaged; what is shown stays. */ }
  const failed = coming;
  coming = null;
  if (wanted && wanted.source !== failed.source) load();
}
const sameJob = (a, b) => a.source.split('?')[0] === b.source.split('?')[0] || a.source === b.source;

function fit(ratio) {
  byId('mat').style.setProperty('--ratio', ratio || 1.5);
}

function draw() {
  wanted = scene();
  byId('hello').hidden = wanted !== null;
  byId('easel').hidden = wanted === null;
  byId('mat').classList.toggle('bare', wanted === null);
  if (!wanted) {
    shown = null;
    return;
  }
  if (wanted.ratio) fit(wanted.ratio);
  byId('picture').alt = wanted.alt;
  byId('tag').hidden = !wanted.tag;
  byId('tag').textContent = wanted.tag ?? '';
  inset(wanted.inset);
  load();
}

let insets = '';
function inset(ids) {
  const key = JSON.stringify([ids, Boolean(state.catalogue)]);
  if (key === insets) return;
  insets = key;
  byId('inset').replaceChildren(...ids.map(id => h('li', {}, h('img', {src: address(id, 240), alt: ''}))));
}

// Another picture: the old one goes at once, rather than pass for the new one.
function turned() {
  const picture = byId('picture');
  const empty = h('img', {class: 'under', id: 'picture', alt: ''});
  if (picture.src) picture.replaceWith(empty);
  shown = null;
  byId('easel').classList.remove('faint');
  draw();
}

// Before anything is chosen: what it does, by an example that can be tried.
function hello(tryIt) {
  const {photos, paintings} = state.catalogue.examples;
  const photo = photos[0];
  const painting = paintings.find(one => one.id.includes('swirls')) ?? paintings[0];
  const figure = (source, text) => h('figure', {}, h('img', {src: source, alt: ''}), h('figcaption', {}, text));
  const sign = text => h('span', {class: 'sign', 'aria-hidden': 'true'}, text);
  byId('hello').replaceChildren(
    h('h2', {class: 'title'}, 'Your photo, painted like a painting.'),
    photo && painting && h('div', {class: 'sum'},
      figure(api.example(photo.id, 480), 'A photo'), sign('×'),
      figure(api.example(painting.id, 480), 'a painting'), sign('='),
      figure('/static/cards/standard.jpg', 'painted')),
    h('p', {class: 'soft'}, `Drop both anywhere on this page.${IS_HERE ? ' Nothing leaves this computer.' : ''}`),
    photo && painting && h('button', {class: 'main-action', type: 'button', on: {click: () => tryIt(photo, painting)}}, 'Try these two'));
}

export function watch(tryIt) {
  on('catalogue', () => {
    hello(tryIt);
    draw();
  });
  on('form jobs progress', draw);
  on('selected', turned);
  document.addEventListener('visibilitychange', load);
  draw();
}

// Whether there is something to compare the photo with.
export const isComparable = job =>
  Boolean(job) && (job.version > 0 || job.preview > 0 || hasPicture(job));
