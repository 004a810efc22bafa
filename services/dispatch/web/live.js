// Changes as they happen. EventSource cannot say who is asking, so the stream is read with fetch: events are split at
// blank lines, a silent line is given up after 40 s (the service says something every 15), and it is tried again with
// growing patience. What was missed meanwhile is not replayed: `onopen` lets the page read its lists anew.

import { heard, line } from './data.js';
import { token } from './session.js';

const SILENT = 40_000;
let current = null;

/** Listen until `stop`: `onchange` and `onring` get what the service says, `onopen` and `onstate` tell of the line. A second
 * call takes the place of the first. */
export function listen(hears) {
  stop();
  const mine = (current = { stop: new AbortController(), over: false });
  run(mine, hears);
}

export function stop() {
  if (!current) return;
  current.over = true;
  current.stop.abort();
  current = null;
}

async function run(mine, { onopen, onstate, ...events }) {
  for (let patience = 1; !mine.over; patience = Math.min(patience * 2, 30)) {
    mine.stop = new AbortController();
    try {
      await read(mine, () => { patience = 1; line(true); onstate(true); onopen(); }, events);
    } catch { /* whatever broke the line, it is opened again */ }
    if (mine.over) return;
    onstate(false);
    await wait(patience);
  }
}

async function read(mine, onopen, events) {
  const stop = mine.stop;
  let timer = setTimeout(() => stop.abort(), SILENT);
  try {
    const answer = await fetch('/v1/stream', {
      headers: { Authorization: `Bearer ${token()}` }, credentials: 'omit', cache: 'no-store', signal: stop.signal,
    });
    if (answer.status === 401) heard.dispatchEvent(new CustomEvent('signedout', { detail: { code: (await answer.json()).code } }));
    if (!answer.ok) throw new Error(String(answer.status));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    let open = false;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(() => stop.abort(), SILENT);
      if (!open) { open = true; onopen(); }
      text += value;
      const whole = text.split('\n\n');
      text = whole.pop();
      for (const { kind, data } of whole.map(parsed)) if (data) events[`on${kind}`]?.(JSON.parse(data));
    }
  } finally {
    clearTimeout(timer);
  }
}

function parsed(event) {
  const rows = event.split('\n');
  const of = (name) => rows.filter((row) => row.startsWith(`${name}:`)).map((row) => row.slice(name.length + 1).trim()).join('\n');
  return { kind: of('event'), data: of('data') };
}

/** Some seconds, less when the phone says it is back or the page is looked at again. */
const wait = (seconds) => new Promise((done) => {
  const go = () => { clearTimeout(timer); window.removeEventListener('online', go); document.removeEventListener('visibilitychange', go); done(); };
  const timer = setTimeout(go, seconds * 1000);
  window.addEventListener('online', go);
  document.addEventListener('visibilitychange', go);
});
