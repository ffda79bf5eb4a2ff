// Presets and ready networks as cards; choosing is a radio button's.
import {byId, h, say} from './dom.js';
import {change, network, on, state} from './state.js';

const FIRST = [null, 'fast', 'best', 'classic', 'strotss', 'nnst'];
const FEW = FIRST.length;
let all = false;
const STANDARD = {
  name: null, title: 'Standard', picture: '/static/cards/standard.jpg', options: {},
  text: 'What was measured and looked at to do best on many pairs.',
};

// Networks whose pictures of the cat come along.
const PASSES = new Set(['arbitrary', 'glass', 'starry_night', 'styles26']);
const pictureOf = one => (PASSES.has(one.name) ? `/static/cards/${one.name}.jpg` : one.picture);

function listed() {
  const {presets, networks} = state.catalogue;
  if (state.form.kind === 'apply') return networks;
  const place = ({name, picture}) =>
    (FIRST.includes(name) ? FIRST.indexOf(name) : picture ? FEW : FEW + 1);
  return [STANDARD, ...presets].sort((a, b) => place(a) - place(b));
}

const chosenName = () => (state.form.kind === 'apply' ? state.form.network : state.form.preset);

// Size and crop are the picture's, and stay; all else is as the preset has it.
function choose(one) {
  if (state.form.kind === 'apply') return change({network: one.name});
  const {size, crop} = state.form.options;
  const options = {...(size !== undefined && {size}), ...(crop !== undefined && {crop})};
  change({preset: one.name, options});
}

function card(one) {
  const picture = pictureOf(one);
  return h('label', {class: 'card', title: one.text},
    h('input', {
      type: 'radio', name: 'recipe', value: one.name ?? '', 'data-key': `card ${one.name}`,
      checked: one.name === chosenName(), on: {change: () => choose(one)},
    }),
    picture ? h('img', {src: picture, alt: '', loading: 'lazy'})
      : h('span', {class: 'letter', 'aria-hidden': 'true'}, (one.title || one.name).slice(0, 1)),
    h('span', {class: 'name'}, one.title || one.name));
}

let drawn = '';
function draw() {
  if (!state.catalogue) return;
  const {kind} = state.form;
  const cards = listed(), chosen = cards.find(one => one.name === chosenName());
  const few = cards.slice(0, FEW);
  if (chosen && !few.includes(chosen)) few.splice(FEW - 1, 1, chosen);
  const shown = all ? cards : few;
  const shape = JSON.stringify([kind, shown.map(one => one.name)]);
  if (shape !== drawn) byId('cards').replaceChildren(...shown.map(card));
  drawn = shape;
  for (const input of byId('cards').querySelectorAll('input')) {
    input.checked = input.value === (chosen ? chosen.name ?? '' : '\n');
  }
  byId('cards').setAttribute('aria-label', kind === 'apply' ? 'Networks' : 'Presets');
  for (const input of document.querySelectorAll('input[name=kind]')) {
    input.checked = input.value === kind;
  }
  const more = byId('all-cards');
  more.hidden = cards.length <= FEW;
  more.textContent = all ? 'Fewer' : `All ${cards.length}`;
  more.setAttribute('aria-expanded', all);
  byId('card-text').textContent = chosen?.text ?? '';
}

export function watch() {
  for (const input of document.querySelectorAll('input[name=kind]')) {
    input.addEventListener('change', () => {
      const first = state.catalogue?.networks[0]?.name ?? null;
      change({kind: input.value, ...(input.value === 'apply' && !network() && {network: first})});
      say(input.value === 'apply' ? 'In one pass' : 'Painted');
    });
  }
  byId('all-cards').addEventListener('click', () => {
    all = !all;
    draw();
  });
  on('catalogue form', draw);
}
