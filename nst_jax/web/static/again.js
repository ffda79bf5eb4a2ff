// The form from a job: the same again, or its picture as the start of the next.
import {byId, say} from './dom.js';
import {blank, change, example, job as jobOf, select, state} from './state.js';

function named(id, otherwise) {
  const {photo, paintings} = state.form;
  const here = [photo, ...paintings].find(one => one?.id === id);
  return (example(id) ?? here)?.name ?? otherwise;
}

function formOf(job) {
  const [photo, painting] = job.title.split(', ');
  const isPass = job.kind === 'apply';
  return {
    ...blank(), kind: job.kind, preset: job.preset, network: job.network,
    photo: {id: job.photo, name: named(job.photo, photo || 'photo'), width: job.width, height: job.height},
    paintings: job.paintings.map((id, place) => ({
      id, name: named(id, job.paintings.length === 1 && painting ? painting : `painting ${place + 1}`),
      share: job.shares?.[place] ?? 1, mask: job.masks?.[place] ?? null,
    })),
    [isPass ? 'passing' : 'options']: {...job.options},
    keep: job.keep_mask ?? null,
    start: job.start ? {id: job.start, name: jobOf(job.start)?.title ?? 'another picture'} : null,
  };
}

export function again(job) {
  change(formOf(job));
  select(null);
  say('The form has its photo, paintings and settings.');
  byId('paint').focus();
}

export function asStart(job) {
  change({...formOf(job), kind: 'optimise', ...(job.kind === 'apply' && {options: {}}), start: {id: job.id, name: job.title}});
  select(null);
  say('The next picture begins with this one.');
  byId('paint').focus();
}
