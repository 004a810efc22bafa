// Putting the page together: who is in, which view is shown, what is read anew when something changes.

import { act } from './act.js';
import * as data from './data.js';
import { fill, h, icon } from './dom.js';
import * as live from './live.js';
import { order as orderView } from './order.js';
import { target as promised } from './promises.js';
import { queue as queueView, tick } from './queue.js';
import { claims, end, token } from './session.js';
import { signin } from './signin.js';
import { lang, name, problem, speak, t, when } from './words.js';

const main = document.getElementById('main');
const bar = document.getElementById('bar');
const strip = document.getElementById('line');
const alarm = document.getElementById('ring');
const toast = document.getElementById('said');

const PAGE = 20; // as many cards as a slow line brings quickly
const MOST = 200; // as many as the service gives at once

let inside = false; // whether somebody works with the page
let who = null; // the answer of /v1/me
let known = null; // what actions are called and ask
let lively = false;
let why = ''; // why somebody has to sign in again
let work = blank();
let one = { name: null };

function blank() {
  return { items: null, next: null, counts: null, filter: 'all', by: 'due', place: null, fault: '', at: null, commitments: null };
}

/** The order that the address names, or null: a number may end in a sign that an address spells otherwise. */
function route() {
  try {
    return decodeURIComponent(location.hash.match(/^#\/order\/([^/]+)$/)?.[1] ?? '') || null;
  } catch {
    return null;
  }
}

// what is shown

function draw() {
  document.title = t('app');
  drawBar();
  drawLine();
  if (!token()) return signin(main, { why, onin: arrived });
  if (route()) return orderView(main, one, { unit: who?.unit?.unit_id, known: known ?? {}, does: doing, onhistory, onphoto: (words) => after(null, words) });
  return queueView(main, work, known, {
    refresh: () => refresh(), more, accept, answer, sort, filter: (key) => { work.filter = key; draw(); }, open: (name) => { location.hash = `#/order/${encodeURIComponent(name)}`; },
  });
}

function drawBar() {
  const other = lang() === 'zh' ? 'en' : 'zh';
  fill(bar,
    token() && route() ? h('a.button.plain', { href: '#/', 'aria-label': t('back'), 'data-key': 'back' }, icon('back')) : h('span.brand', {}, '派单 ', h('small', {}, 'Paidan')),
    h('span.who', {}, token() && who?.unit ? who.unit.name : ''),
    token() && h('span.dot', { role: 'img', 'aria-label': t(lively ? 'live' : 'not_live'), title: t(lively ? 'live' : 'not_live'), 'data-on': String(lively) }),
    h('button.plain', { type: 'button', lang: other === 'zh' ? 'zh-CN' : 'en', 'data-key': 'language', onclick: () => { speak(other); draw(); } }, t('other_language')),
    token() && h('button.plain', { type: 'button', 'aria-label': t('sign_out'), 'data-key': 'out', onclick: () => out('') }, icon('out')));
}

function drawLine() {
  const at = route() ? one.at : work.at;
  strip.textContent = data.lineUp() ? '' : at ? t('no_signal', when(at, data.now())) : t('no_signal_yet');
}

/** An urgent order rings my unit, or my unit instead of one where nobody is on. */
function ring({ order_id, number, urgency, duty }) {
  const unit = who?.unit?.unit_id;
  if (!duty.some((one) => one.unit.unit_id === unit || one.instead?.unit.unit_id === unit)) return;
  navigator.vibrate?.([400, 150, 400]);
  const over = () => fill(alarm);
  fill(alarm, h('a', { href: `#/order/${order_id}`, onclick: over }, t('rings', name('urgency', urgency), number)),
    h('button.plain', { type: 'button', 'aria-label': t('close'), onclick: over }, '✕'));
}

function tell(words) {
  toast.textContent = words;
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => { toast.textContent = ''; }, 5000);
}

/** To the top, and what reads aloud begins there. */
function begin() {
  scrollTo(0, 0);
  (main.querySelector('h1') ?? main).focus({ preventScroll: true });
}

// A tap is a press and a release on the same thing: while a finger is down, what changed is shown a moment later.
let pressed = false;
let waiting = false;
let last = '';

/** Draw what was read, unless nothing of it changed. */
function drawRead() {
  if (pressed) { waiting = true; return; }
  const said = JSON.stringify([route(), route() ? [one.order, one.history, one.fault, one.open] : [work.items, work.next, work.fault, work.commitments], known && 1]);
  if (said === last) drawLine();
  else draw();
  last = said;
}

function released() {
  setTimeout(() => {
    pressed = false;
    if (waiting) { waiting = false; drawRead(); }
  }, 80);
}

// what is read

const inWords = (error) => {
  if (error instanceof data.NoSignal) return '';
  const own = { not_found: 'not_found', other_unit: route() ? 'not_yours' : 'no_unit' }[error.code];
  return own ? t(own) : problem(error);
};

/** Reads that overlap become one more read afterwards. */
function calmly(read) {
  let running = null;
  let again = false;
  return function once() {
    if (running) { again = true; return running; }
    running = read().finally(() => { running = null; if (again) { again = false; once(); } });
    return running;
  };
}

const readWork = calmly(async () => {
  try {
    known ??= await data.actions();
    const page = await data.queue({ by: work.by, place: work.place, limit: Math.min(Math.max(work.items?.length ?? 0, PAGE), MOST) });
    const seen = new Set(work.items?.map((item) => item.assignment.assignment_id));
    if (work.items && page.items.some((item) => item.assignment.actions.includes('accept') && !seen.has(item.assignment.assignment_id))) tell(t('new_work'));
    work = { ...work, items: page.items, counts: page.counts, next: page.next, fault: '', at: data.now() };
    // clocks are set a moment after an order opens, and setting them is no change of the order
    if (page.items.some((item) => !item.clock && data.now() - new Date(item.opened_at) < 60_000)) later(readWork);
  } catch (error) {
    work.fault = inWords(error);
    if (error instanceof data.NoSignal) later(readWork);
  }
  if (token() && !route()) drawRead();
});

const readPromised = calmly(async () => {
  try {
    known ??= await data.actions();
    const { items } = await data.commitments();
    work = { ...work, commitments: items };
  } catch (error) {
    if (error instanceof data.NoSignal) later(refresh);
  }
  if (token() && !route()) drawRead();
});

const readOrder = calmly(async () => {
  const asked = route();
  if (!asked) return;
  try {
    known ??= await data.actions();
    const order = await data.order(asked);
    if (one.name !== asked) return;
    one = { ...one, order, fault: '', at: data.now() };
    if (one.open) one.history = (await data.history(order.order_id)).items;
    if (!order.clocks.length && data.now() - new Date(order.opened_at) < 60_000) later(readOrder);
  } catch (error) {
    one.fault = inWords(error);
    if (error instanceof data.NoSignal) later(readOrder);
  }
  if (token() && route() === asked) drawRead();
});

async function more() {
  try {
    const page = await data.queue({ by: work.by, place: work.place, cursor: work.next, limit: PAGE });
    work = { ...work, items: [...work.items, ...page.items], next: page.next };
  } catch (error) {
    work.fault = inWords(error);
  }
  draw();
}

/** Another order of the list; by distance only where the phone says where it is. */
async function sort(by) {
  work = { ...work, by, place: null };
  if (by === 'distance') {
    const asked = new Promise((found, refused) => navigator.geolocation.getCurrentPosition(found, refused, { timeout: 10_000, maximumAge: 60_000 }));
    work.place = await asked.then(({ coords }) => coords, () => null);
    if (!work.place) { work.by = 'due'; tell(t('no_place')); }
  }
  last = '';
  return readWork();
}

async function onhistory(open) {
  if (one.open === open) return;
  one.open = open;
  if (!open) return;
  one.history = (await data.history(one.order.order_id).catch(() => null))?.items ?? one.history;
  draw();
}

function later(read) {
  clearTimeout(later.timer);
  later.timer = setTimeout(() => token() && read(), 3000);
}

const refresh = () => (route() ? readOrder() : Promise.all([readWork(), readPromised()]));

// what is done

function doing(action, target) {
  return act(action, target, { after, fresh: async () => { await readOrder(); return one.order; } });
}

/** Accepting straight from the list. */
function accept(item, button) {
  button.disabled = true;
  const target = { order: { ...item, assignments: [], path: [], reports: [] }, part: item.assignment };
  const fresh = async () => { readWork(); return data.order(item.order_id); };
  return act('accept', target, { after, fresh }).finally(() => { button.disabled = false; });
}

function answer(one) {
  const fresh = async () => {
    await readPromised();
    return { ...promised(one).order, commitments: work.commitments ?? [] };
  };
  return act('answer', promised(one), { after, fresh });
}

function after(changed, words) {
  tell(words);
  refresh();
}

// coming and going

function arrived(said) {
  who = said;
  why = '';
  start();
}

function out(reason) {
  live.stop();
  end();
  [inside, who, known, work, one, why, lively] = [false, null, null, blank(), { name: null }, reason, false];
  fill(alarm);
  document.querySelectorAll('dialog').forEach((sheet) => sheet.close());
  draw();
  begin();
}

function show() {
  last = '';
  if (route() !== one.name) one = { name: route() };
  draw();
  begin();
  if (token()) refresh();
}

function start() {
  inside = true;
  show();
  if (!who) {
    data.me().then((said) => { who = said; draw(); }).catch(() => later(start));
  }
  live.listen({
    onchange: (change) => { if (!route() || change.order_id === one.order?.order_id) refresh(); },
    onring: ring,
    onopen: refresh,
    onstate: (on) => { lively = on; drawBar(); },
  });
}

window.addEventListener('pointerdown', () => { pressed = true; });
for (const name of ['pointerup', 'pointercancel']) window.addEventListener(name, released);
window.addEventListener('hashchange', show);
window.addEventListener('online', () => token() && refresh());
window.addEventListener('offline', () => data.line(false));
window.addEventListener('storage', (event) => { if (event.key === 'paidan.token' && !token()) out(''); });
document.addEventListener('visibilitychange', () => { if (!document.hidden && token()) refresh(); });
data.heard.addEventListener('line', drawLine);
data.heard.addEventListener('signedout', ({ detail }) => {
  if (inside) out(t(detail.code === 'token_expired' ? 'signed_out_expired' : 'signed_out_refused'));
});
setInterval(tick, 10_000);
setInterval(() => { if (token() && !document.hidden) (lively ? !route() && readPromised() : refresh()); }, 60_000);

const held = token() && claims(token());
if (token() && (!held || held.exp * 1000 <= Date.now())) {
  end();
  why = t('signed_out_expired');
}
if (token()) start();
else show();
