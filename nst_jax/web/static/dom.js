// Elements without markup: what strangers wrote only ever becomes text.
const SVG = 'http://www.w3.org/2000/svg';

export const byId = id => document.getElementById(id);

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') {
      for (const [kind, listener] of Object.entries(value)) {
        element.addEventListener(kind, listener);
      }
    } else if (name === 'value' || name === 'checked' || name === 'disabled') {
      element[name] = value;
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  element.append(...children.filter(child => ![null, undefined, false].includes(child)));
  return element;
}

// h('button', {type: 'button', on: {click}}, 'Text', child)
export const h = (tag, attributes = {}, ...children) =>
  filled(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

export const icon = path =>
  svg('svg', {class: 'icon', viewBox: '0 0 20 20', 'aria-hidden': 'true'}, svg('path', {d: path}));

export const ICONS = {
  close: 'M5 5l10 10M15 5 5 15',
  up: 'M10 15V5M5.5 9.5 10 5l4.5 4.5',
  down: 'M10 5v10M5.5 10.5 10 15l4.5-4.5',
  left: 'M12.5 4.5 7 10l5.5 5.5',
  right: 'M7.5 4.5 13 10l-5.5 5.5',
  brush: 'M3.5 16.5c2.5.5 4.5-.2 4.7-2.4.1-1.3-.9-2.2-2.1-2.1C3.9 12.200 4.600 15 3.500 16.500M8 12.500l7.500-9 1.200 1.200-8 8.500',
};

export const round = (label, path, click, more = {}) =>
  h('button', {class: 'round', type: 'button', 'aria-label': label, title: label, on: {click}, ...more},
    icon(path));

// Said to screen readers, once.
export function say(text) {
  const live = byId('live');
  if (live.textContent !== text) live.textContent = text;
}

// Rebuilds a list, and the focus stays on what had it, found by data-key.
export function refill(parent, children) {
  const key = parent.contains(document.activeElement)
    ? document.activeElement.closest('[data-key]')?.dataset.key : null;
  parent.replaceChildren(...children);
  if (key) parent.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

const escaped = new Set(['INPUT', 'TEXTAREA', 'SELECT']);
export const isTyping = element =>
  element && escaped.has(element.tagName) && element.type !== 'range' && element.type !== 'radio';
