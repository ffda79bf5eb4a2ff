// The server's doors, each a function; a refusal is an Error with the server's line.

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function asked(method, path, body, type) {
  const headers = {Accept: 'application/json'};
  if (method !== 'GET') headers['X-NST-JAX'] = '1';
  if (type) headers['Content-Type'] = type;
  let answer;
  try {
    answer = await fetch(path, {method, headers, body});
  } catch {
    throw new Refused('The server doesn’t answer.', 0);
  }
  const text = await answer.text();
  let told = null;
  try { told = text ? JSON.parse(text) : null; } catch { /* Not JSON: an error's page. */ }
  if (!answer.ok) {
    throw new Refused(told?.error || `The server refused (${answer.status}).`, answer.status);
  }
  return told;
}

const get = path => asked('GET', path);
const post = (path, value = {}) => asked('POST', path, JSON.stringify(value), 'application/json');
const part = encodeURIComponent;
const job = id => `/api/jobs/${part(id)}`;

export const catalogue = () => get('/api/catalogue');
export const jobs = () => get('/api/jobs');
export const details = id => get(job(id));
export const upload = (blob, name) =>
  asked('POST', `/api/uploads?name=${part(name)}`, blob, 'application/octet-stream');
export const submit = form => post('/api/jobs', form);
export const stop = id => post(`${job(id)}/stop`);
export const discard = id => post(`${job(id)}/discard`);
export const goOn = (id, steps) => post(`${job(id)}/go_on`, {steps});
export const move = (id, before) => post(`${job(id)}/move`, {before});
export const remove = id => asked('DELETE', job(id));
export const command = id => get(`${job(id)}/command`);

// Addresses of pictures.
export const live = (id, version) => `${job(id)}/picture?v=${version}`;
export const preview = (id, version) => `${job(id)}/preview?v=${version}`;
export const photo = id => `${job(id)}/photo`;
export const thumbnail = (id, version) => `${job(id)}/thumbnail?v=${version}`;
export const result = id => `${job(id)}/result`;
export const uploaded = (id, longest) => `/api/uploads/${part(id)}?longest=${longest}`;
export const example = (id, longest) => `/api/examples/${part(id)}?longest=${longest}`;
