// The line to a service: reads time out and are tried again; what the page hears of it; the service's time.

import { token } from './session.js';

export const READ = { seconds: 15, tries: 3 };
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

/** The JSON answer (or the blob, with `options.blob`), tried as often as it is patient. Throws Problem or NoSignal. */
export async function patiently(path, options, { seconds, tries }) {
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
