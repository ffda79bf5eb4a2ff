// As much of a browser as the gallery's script asks for. Standard input is JSON: the
// page's tree, its script, and steps to take; what the steps return is printed.
'use strict';

class Element {
  constructor({tag, attributes, children}, parent) {
    Object.assign(this, {tag, attributes: {...attributes}, parent, children: []});
    Object.assign(this, {listeners: {}, style: {}, textContent: '', open: false});
    this.hidden = 'hidden' in attributes;
    this.classes = new Set((attributes.class || '').split(' '));
    this.classList = {
      add: name => this.classes.add(name),
      remove: name => this.classes.delete(name),
      contains: name => this.classes.has(name),
    };
    this.dataset = Object.fromEntries(Object.entries(attributes)
      .filter(([name]) => name.startsWith('data-'))
      .map(([name, value]) => [name.slice(5), value]));
    this.children = children.map(child => new Element(child, this));
  }
  get src() { return this.attributes.src; }
  set src(value) { this.attributes.src = value; }
  getAttribute(name) { return this.attributes[name]; }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  *inside() {
    for (const child of this.children) {
      yield child;
      if (child.tag !== 'template') yield* child.inside();
    }
  }
  matches(selector) {
    const parts = selector.split(' '), last = parts.pop();
    const fits = last[0] === '.' ? this.classes.has(last.slice(1)) : this.tag === last;
    return fits && (!parts.length || Boolean(this.parent?.closest(parts.join(' '))));
  }
  closest(selector) {
    return this.matches(selector) ? this : this.parent?.closest(selector) ?? null;
  }
  querySelectorAll(selector) { return [...this.inside()].filter(e => e.matches(selector)); }
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }
  contains(other) { return Boolean(other) && (other === this || this.contains(other.parent)); }
  get content() { return {cloneNode: () => this.children.map(c => new Element(c, null))}; }
  replaceChildren(fragment = []) {
    this.children = fragment;
    for (const child of fragment) child.parent = this;
  }
  focus() { document.activeElement = this; }
  showModal() { this.open = true; }
  close() {
    this.open = false;
    this.fire('close');
  }
  addEventListener(type, listener) { (this.listeners[type] ||= []).push(listener); }
  fire(type, event = {}) {
    event = {detail: 1, preventDefault() {}, target: this, ...event};
    for (let here = this; here; here = here.parent) {
      for (const listener of here.listeners[type] || []) listener(event);
    }
  }
}

const {tree, script, steps} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const document = new Element(tree, null), window = new Element({...tree, children: []});
const location = {
  at: '', pathname: '', search: '',
  get hash() { return this.at; },
  set hash(value) { this.replace(value); },
  replace(value) {
    this.at = value;
    window.fire('hashchange');
  },
};
const history = {replaceState() { location.at = ''; }};
const names = ['document', 'window', 'location', 'history'];
const globals = [document, window, location, history];
new Function(...names, script)(...globals);
console.log(JSON.stringify(new Function(...names, steps)(...globals)));
