// The strip of paintings: their order, their shares of the blend.
import {byId, h, ICONS, refill, round, say} from './dom.js';
import {address, change, on, state} from './state.js';

export const MOST = 3; // Of a share.

export function add({id, name}) {
  const {paintings} = state.form;
  const most = state.catalogue?.limits.paintings ?? 8;
  if (paintings.some(one => one.id === id)) return;
  if (state.form.kind === 'apply') return change({paintings: [{id, name, share: 1, mask: null}]});
  if (paintings.length >= most) return say(`At most ${most} paintings.`);
  change({paintings: [...paintings, {id, name, share: 1, mask: null}]});
  say(`Painting: ${name}`);
}

function set(place, values) {
  change({paintings: state.form.paintings.map((one, at) => (at === place ? {...one, ...values} : one))});
}

const drop = place => change({paintings: state.form.paintings.filter((_, at) => at !== place)});

function shift(place, by) {
  const paintings = [...state.form.paintings], to = place + by;
  if (to < 0 || to >= paintings.length) return;
  [paintings[place], paintings[to]] = [paintings[to], paintings[place]];
  change({paintings});
  byId('strip').children[to]?.querySelector('img')?.closest('li').focus();
  say(`${paintings[to].name} is now ${to + 1} of ${paintings.length}.`);
}

function tile(one, place, total) {
  const share = Math.round(100 * one.share / total);
  const many = state.form.paintings.length > 1 && state.form.kind === 'optimise';
  const label = many ? `${one.name}, ${share} %` : one.name;
  const moved = event => {
    const by = {ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1}[event.key];
    if (event.target !== event.currentTarget) return;
    if (event.key === 'Delete' || event.key === 'Backspace') drop(place);
    else if (by && event.altKey) shift(place, by);
    else return;
    event.preventDefault();
  };
  return h('li', {
    class: 'tile', tabindex: '0', 'data-key': one.id, 'aria-label': label, title: one.name,
    'aria-keyshortcuts': 'Alt+ArrowLeft Alt+ArrowRight Delete', on: {keydown: moved},
  },
  h('img', {src: address(one.id, 240), alt: ''}),
  one.mask && h('span', {class: 'badge'}, 'masked'),
  round(`Remove ${one.name}`, ICONS.close, () => drop(place)),
  many && h('label', {class: 'share'},
    h('span', {class: 'number'}, `${share} %`),
    h('input', {
      type: 'range', min: 0.1, max: MOST, step: 0.1, value: one.share, 'data-key': `share ${one.id}`,
      'aria-label': `Share of ${one.name}`, 'aria-valuetext': `${share} %`,
      on: {input: event => set(place, {share: Number(event.target.value)})},
    })));
}

// While a share is dragged its slider stays: only the numbers change.
let drawn = '';
function draw() {
  const {paintings, kind} = state.form;
  const strip = byId('strip');
  const total = paintings.reduce((sum, one) => sum + one.share, 0) || 1;
  const shape = JSON.stringify([kind, paintings.map(one => [one.id, one.mask]), Boolean(state.catalogue)]);
  if (shape !== drawn) refill(strip, paintings.map((one, place) => tile(one, place, total)));
  drawn = shape;
  paintings.forEach((one, place) => {
    const text = `${Math.round(100 * one.share / total)} %`;
    const label = strip.children[place].querySelector('.share');
    if (!label) return;
    label.firstChild.textContent = text;
    label.lastChild.setAttribute('aria-valuetext', text);
    if (document.activeElement !== label.lastChild) label.lastChild.value = one.share;
  });
  strip.hidden = !paintings.length;
  byId('painting-examples').hidden = paintings.length > 0;
}

export function watch() {
  on('form catalogue', draw);
  draw();
}
