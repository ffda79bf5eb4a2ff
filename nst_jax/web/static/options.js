// The four sliders, and all options by groups, as the catalogue has them.
import {byId, h} from './dom.js';
import {change, network, on, preset, state, style} from './state.js';

const UNITS = {size: ' px'};
const STOPS = 400; // Of a slider, from one end to the other.

const isPass = () => state.form.kind === 'apply';
const bag = () => (isPass() ? 'passing' : 'options');
// A null is a value of its own: "none", where a preset has something.
const of = (values, name, otherwise) => (name in values ? values[name] : otherwise);
const base = (name, otherwise) => (isPass() ? otherwise : of(preset()?.options ?? {}, name, otherwise));
const value = (name, otherwise) => of(state.form[bag()], name, base(name, otherwise));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// What is as it is anyway isn't kept, so that "changed" means it.
function set(name, chosen, otherwise) {
  const values = {...state.form[bag()]};
  if (chosen === undefined || same(chosen, base(name, otherwise))) delete values[name];
  else values[name] = chosen;
  change({[bag()]: values});
}

function toStop({low, high, scale}, number) {
  const at = Math.min(Math.max(number, low), high);
  const part = scale === 'log' ? Math.log(at / low) / Math.log(high / low) : (at - low) / (high - low);
  return Math.round(STOPS * part);
}
function fromStop(slider, stop) {
  const {low, high, scale} = slider, part = stop / STOPS;
  const exact = scale === 'log' ? low * (high / low) ** part : low + (high - low) * part;
  return tidy(slider, exact);
}
function tidy(slider, exact) {
  if (slider.name === 'size') return Math.max(slider.low, 16 * Math.round(exact / 16));
  if (isWhole(slider)) return exact < 20 ? Math.round(exact) : 10 * Math.round(exact / 10);
  return Number(exact.toPrecision(exact < 1 ? 1 : 2));
}
const isWhole = ({name}) => name === 'steps' || name === 'size';

function slider(one) {
  const {title} = one;
  const range = h('input', {
    type: 'range', min: 0, max: STOPS, id: `slider-${one.name}`,
    on: {input: () => set(one.name, fromStop(one, Number(range.value)), one.default)},
  });
  const exact = h('input', {
    type: 'number', class: 'exact number', 'aria-label': `${title}, exactly`, step: 'any', inputmode: 'decimal',
    on: {change: () => {
      const number = exact.value === '' ? undefined : Number(exact.value);
      set(one.name, number === undefined || Number.isNaN(number) ? undefined
        : isWhole(one) ? Math.round(number) : number, one.default);
    }},
  });
  const reset = h('button', {class: 'plain reset', type: 'button', 'aria-label': `${title}: as it was`, on: {click: () => set(one.name, undefined, one.default)}}, 'reset');
  return {
    one, range, exact, reset, title,
    element: h('div', {class: 'slider'},
      h('label', {for: range.id}, title), reset,
      h('span', {class: 'amount'}, exact, UNITS[one.name] ? h('span', {class: 'soft'}, UNITS[one.name]) : null),
      range),
  };
}

let sliders = [], drawn = null;
function drawSliders() {
  const key = isPass() ? `apply ${network()?.name}` : 'optimise';
  if (key !== drawn) {
    const found = isPass() ? state.catalogue.pass_sliders : state.catalogue.sliders;
    sliders = found.map(slider);
    const chosen = isPass() && network()?.takes === 'index' ? [styles()] : [];
    byId('sliders').replaceChildren(...chosen, ...sliders.map(one => one.element));
    drawn = key;
  }
  for (const {one, range, exact, reset, title} of sliders) {
    const now = value(one.name, one.default);
    const isNumber = typeof now === 'number';
    range.value = toStop(one, isNumber ? now : one.high);
    range.setAttribute('aria-valuetext', `${title}: ${now}${UNITS[one.name] ?? ''}`);
    range.style.setProperty('--part', `${100 * range.value / STOPS}%`);
    if (document.activeElement !== exact) exact.value = isNumber ? now : '';
    exact.placeholder = isNumber ? '' : String(now);
    reset.hidden = state.form[bag()][one.name] === undefined;
  }
}

// Of a network of several styles one is chosen.
function styles() {
  const choose = event => set('style', event.target.value, null);
  return h('div', {class: 'field'},
    h('label', {for: 'style-of-network'}, 'Style'),
    h('select', {id: 'style-of-network', on: {change: choose}},
      ...network().styles.map(one => h('option', {value: one, selected: one === style()}, one))));
}

const text = found => (found === null || found === undefined ? ''
  : Array.isArray(found) ? found.join(',') : String(found));

function parsed(field, written) {
  const trimmed = written.trim();
  if (field.kind === 'text') return trimmed || null;
  if (field.kind === 'list') return trimmed ? trimmed.split(',').map(one => one.trim()).map(numeric) : [];
  return trimmed === '' ? (field.default === null ? null : undefined) : numeric(trimmed);
}
const numeric = word => (word !== '' && !Number.isNaN(Number(word)) ? Number(word) : word);

function control(field, id) {
  if (field.kind === 'choice') {
    return h('select', {id, on: {change: event => {
      const chosen = field.choices.find(one => text(one) === event.target.value);
      set(field.name, chosen ?? null, field.default);
    }}},
    ...(field.default === null && !field.choices.includes(null) ? [h('option', {value: ''}, 'automatic')] : []),
    ...field.choices.map(one => h('option', {value: text(one)}, text(one) || 'automatic')));
  }
  if (field.kind === 'switch') {
    return h('input', {type: 'checkbox', id, on: {change: event => set(field.name, event.target.checked, field.default)}});
  }
  const isNumber = field.kind === 'integer' || field.kind === 'number';
  return h('input', {
    type: isNumber ? 'number' : 'text', id, step: field.kind === 'integer' ? 1 : 'any', autocomplete: 'off',
    min: isNumber ? field.low : null, max: isNumber ? field.high : null,
    placeholder: text(field.default) || 'automatic',
    on: {change: event => set(field.name, parsed(field, event.target.value), field.default)},
  });
}

const fields = new Map();
function drawGroups() {
  // Shares have sliders of their own, beside the paintings.
  const known = new Set(['style_blend', ...state.catalogue.sliders.map(one => one.name)]);
  fields.clear();
  byId('groups').replaceChildren(...state.catalogue.groups.map(group => h('details', {class: 'group'},
    h('summary', {}, group.title, h('span', {class: 'count'})),
    ...group.fields.filter(field => !known.has(field.name)).map(field => {
      const id = `option-${field.name}`, made = control(field, id);
      const row = h('div', {class: 'field', title: field.help},
        h('label', {for: id}, field.name.replaceAll('_', ' ')), made,
        h('p', {class: 'small soft help'}, field.help));
      made.addEventListener('focus', () => row.classList.add('open'));
      fields.set(field.name, {field, made, row});
      return row;
    }))));
}

function drawFields() {
  for (const {field, made, row} of fields.values()) {
    const now = value(field.name, field.default);
    const isChanged = state.form.options[field.name] !== undefined;
    row.classList.toggle('changed', isChanged);
    if (document.activeElement === made) continue;
    if (field.kind === 'switch') made.checked = Boolean(now);
    else made.value = text(now);
  }
  for (const group of byId('groups').children) {
    const count = group.querySelectorAll('.changed').length;
    group.querySelector('.count').textContent = count ? ` ${count} changed` : '';
  }
}

function draw() {
  if (!state.catalogue) return;
  drawSliders();
  drawFields();
  byId('more').hidden = isPass();
}

export function watch() {
  on('catalogue', () => {
    drawGroups();
    draw();
  });
  on('form', draw);
}
