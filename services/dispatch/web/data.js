// The only module that talks to the service. Reads time out and are tried again; a write keeps its Idempotency-Key
// however often it is sent, so it is done once. Writes go through `outbox`: today it sends at once and tells when the
// line is down; a store that outlives the page takes its place here, without any other module knowing.

import { token } from './session.js';

const READ = { seconds: 15, tries: 3 };
const WRITE = { seconds: 20, tries: 4 };
const PHOTO = { seconds: 90, tries: 4 };
const AGAIN = new Set([429, 502, 503, 504]);
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** The service said no: `code`, `status`, and the whole problem in `body`. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.code ?? String(status));
    Object.assign(this, { status, code: body.code ?? 'internal', body });
  }
}

/** Nothing came back. */
export class NoSignal extends Error {}

/** What the page hears: `line` (detail: up or not), `signedout` (detail: the problem), `sending` (detail: which try). */
export const heard = new EventTarget();
const tell = (name, detail) => heard.dispatchEvent(new CustomEvent(name, { detail }));

let up = true;
export const lineUp = () => up;
export function line(now) {
  if (now !== up) tell('line', (up = now));
}

let ahead = 0; // how far the service's clock is ahead of this phone's, in ms
/** The service's time now: a phone with a wrong clock still shows the time left right. */
export const now = () => new Date(Date.now() + ahead);

async function once(path, options, seconds) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), seconds * 1000);
  try {
    const answer = await fetch(path, {
      ...options,
      headers: { ...(token() ? { Authorization: `Bearer ${token()}` } : {}), ...options.headers },
      signal: stop.signal,
      credentials: 'omit',
      cache: options.cache ?? 'no-store',
    });
    const said = Date.parse(answer.headers.get('date') ?? '');
    if (said && Math.abs(said - Date.now() - ahead) > 2000) ahead = said - Date.now();
    const body = answer.ok && options.blob ? await answer.blob() : await answer.json().catch(() => ({}));
    line(true);
    if (!answer.ok) throw Object.assign(new Problem(answer.status, body), { wait: Number(answer.headers.get('retry-after')) });
    return body;
  } catch (error) {
    throw error instanceof Problem ? error : new NoSignal();
  } finally {
    clearTimeout(timer);
  }
}

async function patiently(path, options, { seconds, tries }) {
  for (let n = 1; ; n += 1) {
    try {
      return await once(path, options, seconds);
    } catch (error) {
      const passing = error instanceof NoSignal || AGAIN.has(error.status);
      if (error.status === 401) tell('signedout', error);
      if (error instanceof NoSignal) line(false);
      if (!passing || n >= tries) throw error;
      tell('sending', n + 1);
      await Promise.race([pause(error.wait || 2 ** n * 0.4 + Math.random() * 0.3), backOnline()]);
    }
  }
}

const backOnline = () => new Promise((done) => window.addEventListener('online', done, { once: true }));

/** The JSON answer to a GET. Throws Problem or NoSignal. */
export const get = (path) => patiently(path, {}, READ);

/** 128 random bits: also where the page came over plain http, which has no `crypto.randomUUID`. */
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');

/** Writes on their way, by what they say: a second tap finds the first one under way and shares its answer. */
export const outbox = {
  waiting: new Map(),

  /** Send one write: {path, version, body, key}. Throws Problem or NoSignal; sent again with the same key it is safe. */
  send(write) {
    const same = JSON.stringify([write.path, write.version, write.body]);
    const underWay = this.waiting.get(same);
    if (underWay) return underWay;
    const sent = patiently(
      write.path,
      {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': write.key, 'If-Match': `"${write.version}"` },
        body: JSON.stringify(write.body),
      },
      WRITE,
    ).finally(() => this.waiting.delete(same));
    this.waiting.set(same, sent);
    return sent;
  },
};

let known = null;
/** What every action is called and what it asks, once a visit. */
export async function actions() {
  known ??= await patiently('/v1/actions', { cache: 'no-cache' }, READ);
  return known;
}

export const me = () => get('/v1/me');
/** A page of my unit's queue: {by, place (a phone's coordinates), cursor, limit}. */
export function queue({ by, place, cursor, limit }) {
  const asked = new URLSearchParams({ by, limit });
  if (place) { asked.set('lon', place.longitude.toFixed(5)); asked.set('lat', place.latitude.toFixed(5)); }
  if (cursor) asked.set('cursor', cursor);
  return get(`/v1/me/queue?${asked}`);
}
/** What my unit committed to and has still to do, the earliest due first. */
export const commitments = () => get('/v1/me/commitments?limit=50');
export const order = (name) => get(`/v1/orders/${encodeURIComponent(name)}`);
export const history = (name) => get(`/v1/orders/${encodeURIComponent(name)}/history`);
export const units = (q) => get(`/v1/units?q=${encodeURIComponent(q)}`);

/** Add a photo to an order. The same photo sent again is the one that is kept, so it may be sent again. */
export const photo = (name, kind, blob) => patiently(
  `/v1/orders/${encodeURIComponent(name)}/attachments?kind=${kind}`, { method: 'POST', headers: { 'Content-Type': blob.type }, body: blob }, PHOTO,
);

/** The address of a photo, for an image that lives as long as the page. */
export const picture = async (name, id) => URL.createObjectURL(
  await patiently(`/v1/orders/${encodeURIComponent(name)}/attachments/${id}`, { blob: true }, PHOTO),
);
