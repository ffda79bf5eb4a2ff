// What is said of a job.
import {short} from './curve.js';
import {isActive} from './state.js';

export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60), rest = Math.round(seconds % 60);
  if (minutes < 60) return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const joined = parts => parts.filter(Boolean).join(' · ');

export function stateOf(job) {
  const {iteration, steps, seconds, seconds_left: left, width, height, phase, place} = job;
  const size = width && height ? `${width} × ${height}` : '';
  const loss = job.loss === null ? '' : `loss ${short(job.loss)}`;
  const isPass = job.kind === 'apply';
  if (job.state === 'waiting') return place === null ? 'Waiting' : `Waiting, number ${place + 1} in the queue`;
  if (job.state === 'preparing') return phase ? `${phase[0].toUpperCase()}${phase.slice(1)}` : 'Preparing';
  if (job.state === 'painting') {
    const far = isPass ? 'Painting' : `${iteration} of ${steps}`;
    return joined([far, left === null ? '' : `${duration(left)} left`, loss, phase.replace(/^painting( at )?/, '')]);
  }
  if (job.state === 'stopped') return joined([`Stopped at ${iteration} of ${steps}`, size, loss]);
  if (job.state === 'failed') return 'Failed';
  return joined([isPass ? 'In one pass' : `${iteration} steps`, duration(seconds), size, loss]);
}

// The same for a narrow place.
export function brief(job) {
  if (job.state === 'waiting') return 'waiting';
  return job.state === 'painting' && job.steps ? `${job.iteration} of ${job.steps}` : job.state;
}

export function part(job) {
  if (!isActive(job)) return job.state === 'done' ? 1 : 0;
  return job.steps ? job.iteration / job.steps : 0;
}

export const NOUN = {
  waiting: 'waiting', preparing: 'being prepared', painting: 'being painted', done: 'done',
  stopped: 'stopped', failed: 'failed',
};
