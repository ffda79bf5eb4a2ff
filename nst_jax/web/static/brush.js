// The dialog in which masks are painted over the photo: what of it is kept, or which
// painting goes where.
import {byId, h, say} from './dom.js';
import {Layer, shapeOf, show} from './layers.js';
import {address, change, state} from './state.js';

const dialog = byId('brush'), board = byId('board');
let layers = [], current = null, canvas = null, ring = null;
let last = null, isDown = false, cursor = [0, 0], due = false;

const isErasing = () => dialog.querySelector('[name=tool]:checked').value === 'erase';
const breadth = () => Number(byId('breadth').value) / 100 * Math.max(canvas.width, canvas.height);

function draw() {
  if (due || !canvas) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    show(canvas, layers, current, getComputedStyle(document.documentElement).getPropertyValue('--mark'));
  });
}

async function open() {
  const {photo, paintings, keep, kind} = state.form;
  const image = h('img', {src: address(photo.id, 1024), alt: `The photo ${photo.name}`, draggable: 'false'});
  await image.decode();
  const shape = shapeOf(image);
  const wanted = [['keep', 'Keep the photo', keep]];
  if (kind === 'optimise') {
    paintings.forEach((one, at) => wanted.push([at, one.name, one.rest ? null : one.mask]));
  }
  layers = wanted.map(([key, title]) => new Layer(key, title, shape));
  [current] = layers;
  canvas = h('canvas', {width: shape[0], height: shape[1]});
  ring = h('span', {class: 'ring', 'aria-hidden': 'true'});
  const sheet = h('div', {class: 'sheet', tabindex: '0', role: 'application', 'aria-label': 'Mask, over the photo'}, image, canvas, ring);
  board.style.setProperty('--ratio', shape[0] / shape[1]);
  board.replaceChildren(sheet);
  byId('brush-layers').replaceChildren(...layers.map(chip));
  listen(sheet);
  cursor = [shape[0] / 2, shape[1] / 2];
  dialog.showModal();
  sheet.focus();
  await Promise.all(wanted.map(([, , id], at) => id && layers[at].load(id).catch(() => say('A mask is gone.'))));
  draw();
}

function chip(layer) {
  return h('label', {title: layer.title},
    h('input', {type: 'radio', name: 'layer', checked: layer === current, on: {change: () => {
      current = layer;
      draw();
    }}}),
    h('span', {}, layer.title));
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
}

function point(to) {
  cursor = to;
  Object.assign(ring.style, {
    left: `${100 * to[0] / canvas.width}%`, top: `${100 * to[1] / canvas.height}%`,
    width: `${100 * breadth() / canvas.width}%`,
  });
  if (!isDown) return;
  current.stroke(last ?? to, to, breadth(), isErasing());
  last = to;
  draw();
}

function pen(down) {
  if (down && !isDown) current.remember();
  isDown = down;
  last = null;
  if (down) point(cursor);
}

function keys(event) {
  const step = event.shiftKey ? 2 : breadth() / 2;
  const by = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]}[event.key];
  if (by) {
    point([[cursor[0] + by[0], canvas.width], [cursor[1] + by[1], canvas.height]].map(([to, most]) => Math.min(Math.max(to, 0), most)));
  } else if (event.key === ' ') {
    if (!event.repeat) pen(true);
  } else if (event.key === '[' || event.key === ']') {
    byId('breadth')[event.key === '[' ? 'stepDown' : 'stepUp'](2);
    point(cursor);
  } else if (event.key === 'z' && (event.ctrlKey || event.metaKey)) undo();
  else return;
  event.preventDefault();
}

function listen(sheet) {
  sheet.addEventListener('pointerdown', event => {
    if (!event.isPrimary || event.button) return;
    sheet.setPointerCapture(event.pointerId);
    cursor = place(event);
    pen(true);
  });
  sheet.addEventListener('pointermove', event => {
    for (const one of event.getCoalescedEvents?.() ?? []) point(place(one));
    point(place(event));
  });
  for (const kind of ['pointerup', 'pointercancel']) sheet.addEventListener(kind, () => pen(false));
  sheet.addEventListener('keydown', keys);
  sheet.addEventListener('keyup', event => event.key === ' ' && pen(false));
  sheet.addEventListener('blur', () => isDown && pen(false));
}

function undo() {
  current.undo();
  draw();
}

// A painting without a mark gets what no other has, if only one is so.
async function done() {
  const [keep, ...others] = layers;
  const marked = others.filter(one => !one.isEmpty());
  const rest = others.filter(one => !marked.includes(one));
  const isRest = marked.length > 0 && rest.length === 1;
  if (isRest) rest[0].complement(marked);
  try {
    const ids = await Promise.all(others.map(one =>
      (marked.includes(one) || (isRest && one === rest[0]) ? one.send() : null)));
    const paintings = state.form.paintings.map((one, at) =>
      (at < others.length ? {...one, mask: ids[at], rest: isRest && others[at] === rest[0]} : one));
    change({keep: keep.isEmpty() ? null : await keep.send(), paintings});
    dialog.close();
    say('The masks are set.');
  } catch (error) {
    dialog.querySelector('.help').textContent = error.message;
  }
}

function edit(action) {
  return () => {
    action();
    draw();
  };
}

export function watch() {
  document.addEventListener('brush', open);
  byId('brush-undo').addEventListener('click', undo);
  byId('brush-invert').addEventListener('click', edit(() => current.invert()));
  byId('brush-clear').addEventListener('click', edit(() => current.clear()));
  byId('brush-cancel').addEventListener('click', () => dialog.close());
  byId('brush-done').addEventListener('click', done);
  byId('breadth').addEventListener('input', () => point(cursor));
  dialog.addEventListener('close', () => {
    board.replaceChildren();
    [layers, current, canvas] = [[], null, null];
    byId('masks')?.focus();
  });
}
