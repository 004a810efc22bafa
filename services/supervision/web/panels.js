// The panels of the page: each is drawn from what was read last, and only when that changed.

import * as data from './data.js';
import { h } from './dom.js';
import { map } from './map.js';
import { name, remaining, say, t, when } from './words.js';

const MOST_PLACES = 12;
const percent = (value) => (value == null ? '–' : `${(value * 100).toFixed(1)}%`);

/** Green, yellow or red; red also when a deadline has just passed on this screen. */
export const light = (clock) => (clock.state === 'running' && new Date(clock.due) < data.now() ? 'red' : clock.light);
/** How much time is left, kept up to date by `tick`. */
export const left = (clock) => h('span.left', { 'data-due': clock.due }, remaining(clock.due, data.now()));

/** Say all times left anew, and turn late what has become late. */
export function tick() {
  for (const place of document.querySelectorAll('[data-due]')) {
    const said = remaining(place.dataset.due, data.now());
    if (place.textContent !== said) place.textContent = said;
    if (new Date(place.dataset.due) < data.now()) place.closest('[data-light]')?.setAttribute('data-light', 'red');
  }
}

const titled = (id, title, hint, ...children) => [
  h('h2', { id: `${id}-title` }, title, hint && h('small.quiet', {}, ` ${hint}`)), ...children,
];

const places = (known, division) => known.get(division)?.name ?? division;

/** A row that leads to its order: when, at which stage, whose, where. */
const row = (one, known, shade, lead, at) => h('li', { 'data-light': shade }, h('a.line', {
  href: `#/order/${one.order_id ?? one.case_id}`, 'data-key': `${one.clock_id}${lead.dataset?.rung ?? ''}`,
}, lead, h('span.what', {}, h('b', {}, name('stage', one.stage)), ` ${one.owner.name}`), h('span.quiet', {}, places(known, one.division)), h('span.quiet.when', {}, at, one.number && h('small', {}, ` · ${one.number}`))));

const list = (found, nothing, draw) => {
  if (!found) return h('p.quiet.wait', {}, t('opening'));
  if (!found.items.length) return h('p.empty', {}, nothing);
  return [h('ul.list', {}, found.items.map(draw)), found.next && h('p.quiet', {}, t('cut', found.items.length))];
};

/** The big numbers at the top. */
export function tiles({ board }) {
  if (!board) return [];
  const raised = board.ladder.reduce((sum, one) => sum + one.count, 0);
  const tile = (key, value, shade) => h('li.tile', { 'data-light': value ? shade : 'green', 'data-tile': key }, h('b', {}, String(value)), h('span', {}, t(key)));
  return h('ul.tiles', {}, tile('breaches', board.breaches, 'red'), tile('due_2h', board.due_2h, 'yellow'), tile('due_24h', board.due_24h, ''), tile('standing', raised, 'red'));
}

/** What is late and still open, the latest deadline first. */
export const late = ({ late: found, known }) => titled('late', t('breaches'), t('breaches_hint'),
  list(found, t('none_late'), (one) => row(one, known, 'red', left(one), when(one.due, data.now()))));

/** What falls due, the earliest first. */
export const due = ({ due: found, known, chosen }, does) => titled('due', t('due'), '',
  h('div.chips', { role: 'group', 'aria-label': t('due') }, ['2h', '24h'].map((within) => h('button.chip', {
    type: 'button', 'data-key': `within-${within}`, 'aria-pressed': String(chosen.within === within), onclick: () => does.choose({ within }),
  }, t(`due_${within}`)))),
  list(found, t('none_due'), (one) => row(one, known, light(one), left(one), when(one.due, data.now()))));

const step = (one) => `${name('rung', one.kind)}${one.level ? ` L${one.level}` : ''}`;

/** The ladder: how many stand on each rung, and which. */
export const ladder = ({ rungs, board, known }) => titled('ladder', t('ladder'), t('ladder_hint'),
  board?.ladder.length > 0 && h('ul.steps', {}, board.ladder.map((one) => h('li', {},
    h('b', {}, String(one.count)), ` ${step(one)} `, h('small.quiet', {}, t('oldest', when(one.oldest, data.now())))))),
  list(rungs, t('none_raised'), (one) => row(one, known, one.kind === 'urge' ? 'yellow' : 'red',
    h('span.tag.hot', { 'data-rung': one.rung }, step(one)), when(one.raised_at, data.now()))));

/** The map and its table. */
export function streets({ board, places: all, chosen }, does) {
  if (!board || !all) return titled('streets', t('map'), '');
  const counts = new Map(board.places.map((one) => [one.division, one]));
  const having = board.places.filter((one) => one.breaches);
  const shown = board.places.slice(0, MOST_PLACES);
  return titled('streets', t('map'), '',
    map(all, counts, t('map_about', having.length, board.breaches), (division) => does.choose({ division })),
    shown.length > 0 && h('table', { 'aria-labelledby': 'streets-title' },
      h('thead', {}, h('tr', {}, [t('place'), t('breaches'), t('due_2h'), t('due_24h')].map((head) => h('th', { scope: 'col' }, head)))),
      h('tbody', {}, shown.map((one) => h('tr', { 'data-division': one.division },
        h('th', { scope: 'row' }, one.division
          ? h('button.plain', { type: 'button', 'data-key': `at-${one.division}`, 'aria-pressed': String(chosen.division === one.division), onclick: () => does.choose({ division: one.division }) }, one.name, h('small.quiet', {}, ` ${one.district}`))
          : t('no_place')),
        h('td', {}, String(one.breaches)), h('td', {}, String(one.due_2h)), h('td', {}, String(one.due_24h)))))),
    board.places.length > shown.length && h('p.quiet', {}, t('cut', shown.length)));
}

/** Units in order; those with too few items stand last, without a rank. */
export function league({ league: found, chosen }, does) {
  const picker = (kind, key) => h('select', {
    'aria-label': kind === 'kind' ? t('unit') : t('rate'), 'data-key': `league-${kind}`, onchange: (event) => does.choose({ [key]: event.target.value }),
  }, Object.keys(does.names[kind]).map((value) => h('option', { value, selected: chosen[key] === value }, name(kind, value))));
  return titled('league', t('league'), '', h('p.row', {}, picker('league', 'kpi'), picker('kind', 'kind')),
    !found ? h('p.quiet.wait', {}, t('opening')) : !found.items.length ? h('p.empty', {}, t('none_ranked'))
      : h('table', { 'aria-labelledby': 'league-title' },
        h('thead', {}, h('tr', {}, [t('rank'), t('unit'), t('rate'), t('of')].map((head, n) => h(n === 1 ? 'th.name' : 'th', { scope: 'col' }, head)))),
        h('tbody', {}, found.items.slice(0, 15).map((one) => h('tr', {},
          h('td.rank', {}, one.rank ?? '–'), h('th', { scope: 'row' }, one.unit.name),
          h('td', {}, percent(one.rate)), h('td.quiet', {}, `${one.numerator} / ${one.denominator}`))))),
    found?.items.length > 0 && h('p.quiet', {}, t('no_rank', found.league_from), found.items.length > 15 && ` · ${t('cut', 15)}`));
}

/** The month's rates, with what they are made of. */
export const month = ({ month: found }) => titled('month', t('month'), '', !found ? h('p.quiet.wait', {}, t('opening'))
  : h('ul.rates', {}, found.items.map((one) => h('li', {}, h('b', {}, percent(one.value)), h('span', {}, say(one)), h('small.quiet', {}, `${one.numerator} / ${one.denominator}`)))));
