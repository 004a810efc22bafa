// Putting the page together: who is in, what is read every fifteen seconds, what is drawn when it changed.

import * as data from './data.js';
import { fill, h, icon } from './dom.js';
import { order } from './order.js';
import * as panels from './panels.js';
import { claims, end, token } from './session.js';
import { signin } from './signin.js';
import { kinds, lang, name, problem, speak, t, when } from './words.js';

const main = document.getElementById('main');
const bar = document.getElementById('bar');
const strip = document.getElementById('line');
const toast = document.getElementById('said');
const EVERY = 15_000;
const RATES = Object.keys(kinds.league);
const PANELS = { tiles: panels.tiles, late: panels.late, due: panels.due, ladder: panels.ladder, streets: panels.streets, league: panels.league, month: panels.month };

let why = ''; // why somebody has to sign in again
let who = null;
let state = blank();
let drawn = {}; // what each panel was drawn from
let open = null; // the sheet of an order

function blank() {
  return {
    board: null, places: null, known: new Map(), late: null, due: null, rungs: null, league: null, month: null, at: null, fault: '',
    chosen: { division: '', stage: '', within: '2h', kpi: RATES[0], kind: 'street' },
  };
}

const does = { choose, names: { league: kinds.league, kind: kinds.kind } };

// what is shown

function draw() {
  document.title = t('app');
  drawn = {};
  drawBar();
  drawLine();
  if (!token()) return signin(main, { why, onin: arrived });
  fill(main, h('h1.hidden', { tabIndex: -1 }, t('app')), h('div', { id: 'filters' }),
    Object.keys(PANELS).map((id) => h('section.card', { id, ...(id === 'tiles' ? { 'aria-label': t('breaches') } : { 'aria-labelledby': `${id}-title` }) })));
  return drawRead();
}

/** Draw each panel of which something changed. */
function drawRead() {
  if (!token() || !document.getElementById('tiles')) return;
  for (const [id, panel] of Object.entries(PANELS)) {
    const { board, chosen } = state;
    const of = { tiles: [board], late: [state.late], due: [state.due, chosen.within], streets: [board?.places, chosen.division], ladder: [state.rungs, board?.ladder], league: [state.league, chosen.kpi, chosen.kind], month: [state.month] }[id];
    const said = JSON.stringify([of, state.known.size, id === 'tiles' && state.fault]);
    if (drawn[id] === said) continue;
    drawn[id] = said;
    fill(document.getElementById(id), panel(state, does));
  }
  drawFilters();
  drawLine();
  panels.tick();
}

function drawFilters() {
  const { chosen, places, board } = state;
  const districts = (places ?? []).filter((one) => one.tier === 'district');
  const here = chosen.division && !districts.some((one) => one.division === chosen.division) ? [state.known.get(chosen.division) ?? { division: chosen.division, name: chosen.division }] : [];
  const said = JSON.stringify([chosen.division, chosen.stage, districts.length, lang(), state.fault, Boolean(board)]);
  if (drawn.filters !== said) {
    drawn.filters = said;
    const choice = (label, key, first, options) => h('label', {}, h('span', {}, label), h('select', { 'data-key': `choose-${key}`, onchange: (event) => choose({ [key]: event.target.value }) },
      h('option', { value: '', selected: !chosen[key] }, first), options.map(([value, words]) => h('option', { value, selected: chosen[key] === value }, words))));
    fill(document.getElementById('filters'),
      choice(t('where'), 'division', t('whole_city'), [...here, ...districts].map((one) => [one.division, one.name])),
      choice(t('stage'), 'stage', t('all_stages'), Object.keys(kinds.stage).map((stage) => [stage, name('stage', stage)])),
      h('p.quiet', { id: 'asof' }), state.fault && h('p.fault', { role: 'alert' }, state.fault));
  }
  const asof = document.getElementById('asof');
  const words = state.board ? `${t('as_of', when(state.board.known_until ?? state.board.at, data.now()))} · ${t('fresh')}` : '';
  if (asof.textContent !== words) asof.textContent = words;
}

function drawBar() {
  const other = lang() === 'zh' ? 'en' : 'zh';
  fill(bar, h('span.brand', {}, '督办 ', h('small', {}, 'Paidan')), h('span.who', {}, token() && who ? who.sub : ''),
    h('button.plain', { type: 'button', lang: other === 'zh' ? 'zh-CN' : 'en', 'data-key': 'language', onclick: () => { speak(other); draw(); } }, t('other_language')),
    token() && h('button.plain', { type: 'button', 'aria-label': t('sign_out'), 'data-key': 'out', onclick: () => out('') }, icon('out')));
}

function drawLine() {
  const words = data.lineUp() ? '' : state.at ? t('no_signal', when(state.at, data.now())) : t('no_signal_yet');
  if (strip.textContent !== words) strip.textContent = words;
}

function tell(words) {
  toast.textContent = words;
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => { toast.textContent = ''; }, 5000);
}

// what is read

let reading = 0; // of several reads at once only the last is shown
async function read() {
  if (!token()) return;
  const mine = (reading += 1);
  const { chosen } = state;
  try {
    const places = state.places ?? (await data.places()).items;
    const [board, late, due, rungs, league, month] = await Promise.all([
      data.board(), data.breaches(chosen), data.due(chosen), data.rungs(chosen), data.league(chosen), data.month(RATES)]);
    if (mine !== reading || !token()) return;
    const more = state.board ? board.breaches - state.board.breaches : 0;
    const known = state.known.size ? state.known : new Map(places.map((one) => [one.division, one]));
    for (const one of board.places) if (one.name && !known.has(one.division)) known.set(one.division, one);
    state = { ...state, board, places, known, late, due, rungs, league, month, fault: '', at: data.now() };
    if (more > 0) tell(t('arrived', more));
  } catch (error) {
    if (mine !== reading || error.status === 401) return;
    if (error.status === 403) { out(t('not_for_you')); return; }
    if (!(error instanceof data.NoSignal)) state.fault = problem(error);
  }
  drawRead();
}

function choose(change) {
  const again = change.division && change.division === state.chosen.division ? { division: '' } : change;
  state = { ...state, chosen: { ...state.chosen, ...again } };
  drawRead();
  return read();
}

// coming and going

function arrived(said) {
  who = said;
  why = '';
  state = blank();
  draw();
  main.querySelector('h1').focus({ preventScroll: true });
  read();
  route();
}

function out(reason) {
  end();
  [who, state, why] = [null, blank(), reason];
  open?.close();
  draw();
  main.querySelector('h1').focus({ preventScroll: true });
}

/** The order that the address names is shown on top of the rest. */
async function route() {
  const id = location.hash.match(/^#\/order\/([0-9a-f-]{36})$/)?.[1];
  open?.close();
  open = null;
  if (!id || !token()) return;
  const page = (state.board ?? await data.board().catch(() => null))?.orders_page ?? '/app/';
  open = order(id, page, () => { if (location.hash.includes(id)) history.replaceState(null, '', '#/'); });
}

window.addEventListener('hashchange', route);
window.addEventListener('online', read);
window.addEventListener('offline', () => data.line(false));
window.addEventListener('storage', (event) => { if (event.key === 'paidan.token' && !token()) out(''); });
document.addEventListener('visibilitychange', () => { if (!document.hidden) read(); });
data.heard.addEventListener('line', drawLine);
data.heard.addEventListener('signedout', ({ detail }) => {
  if (who) out(t(detail.code === 'token_expired' ? 'signed_out_expired' : 'signed_out_refused'));
});
setInterval(panels.tick, 10_000);
setInterval(() => { if (!document.hidden) read(); }, EVERY);

const held = token() && claims(token());
if (token() && (!held || held.exp * 1000 <= Date.now())) {
  end();
  why = t('signed_out_expired');
}
if (token()) arrived(held);
else draw();
