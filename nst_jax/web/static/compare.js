// Photo and result: a slider between them, or the photo for as long as one holds.
import * as api from './api.js';
import {byId, isTyping} from './dom.js';
import {isComparable} from './live.js';
import {on, selected} from './state.js';

let comparing = false, holding = false;
const button = document.querySelector('[data-action="compare"]');
const hold = document.querySelector('[data-action="hold"]');

function draw() {
  const job = selected();
  const able = isComparable(job);
  const isOn = able && comparing, photo = byId('photo');
  if (able && (isOn || holding)) {
    const source = api.photo(job.id);
    if (!photo.src.endsWith(source)) photo.src = source;
  }
  photo.alt = able ? 'The photo' : '';
  photo.hidden = !(able && (isOn || holding));
  byId('wipe').hidden = !isOn;
  byId('line').hidden = !isOn || holding;
  byId('easel').classList.toggle('comparing', isOn);
  button.setAttribute('aria-pressed', isOn);
  const at = holding ? 100 : Number(byId('wipe').value);
  byId('easel').style.setProperty('--at', `${at}%`);
  byId('wipe').setAttribute('aria-valuetext', `${at} % photo`);
}

function held(value) {
  if (holding === value) return;
  holding = value;
  hold.classList.toggle('down', value);
  draw();
}

function toggle() {
  if (!isComparable(selected())) return;
  comparing = !comparing;
  draw();
  if (comparing) byId('wipe').focus({preventScroll: true});
}

function keys(event) {
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!isPlain || isTyping(event.target) || document.querySelector('dialog[open]')) return;
  if (event.type === 'keydown' && event.key === 'c' && !event.repeat) toggle();
  if (event.key === 'p' && isComparable(selected())) held(event.type === 'keydown');
  const isButton = event.target === hold && (event.key === ' ' || event.key === 'Enter');
  if (isButton) {
    event.preventDefault();
    held(event.type === 'keydown');
  }
}

export function watch() {
  button.addEventListener('click', toggle);
  byId('wipe').addEventListener('input', draw);
  hold.addEventListener('pointerdown', event => {
    hold.setPointerCapture(event.pointerId);
    held(true);
  });
  byId('easel').addEventListener('pointerdown', event => {
    if (!comparing && event.isPrimary && isComparable(selected())) held(true);
  });
  for (const kind of ['pointerup', 'pointercancel', 'blur']) window.addEventListener(kind, () => held(false));
  document.addEventListener('keydown', keys);
  document.addEventListener('keyup', keys);
  on('selected', () => {
    comparing = false;
    holding = false;
    byId('photo').removeAttribute('src');
    draw();
  });
  on('jobs progress', draw);
  draw();
}
