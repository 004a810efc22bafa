// What the page asks of the service. A write keeps its Idempotency-Key however often it is sent, so it is done once.
// Writes go through `outbox`: today it sends at once and tells when the line is down; a store that outlives the page takes
// its place here, without any other module knowing.

import { get, patiently, READ } from './line.js';

export * from './line.js';

const WRITE = { seconds: 20, tries: 4 };
const PHOTO = { seconds: 90, tries: 4 };

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
