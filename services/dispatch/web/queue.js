// My unit's work: one card an assignment, the earliest due first, as the service orders it.

import * as data from './data.js';
import { fill, h } from './dom.js';
import { promises } from './promises.js';
import { name, remaining, say, t, when } from './words.js';

const FILTERS = {
  all: () => true,
  late: (item) => light(item.clock) === 'red',
  soon: (item) => light(item.clock) === 'yellow',
  new: (item) => item.assignment.actions.includes('accept'),
};

const BY = { due: 'by_due', light: 'by_light', distance: 'by_distance' };

/** Green, yellow or red, red also when the deadline has just passed on this screen; null without a running clock. */
export const light = (clock) => (!clock ? null : new Date(clock.due) < data.now() ? 'red' : clock.light);

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

/** How many of a kind the whole queue has, as the service counts; late ones are red there. */
const COUNTED = {
  all: (counts) => counts.total,
  late: (counts) => counts.light.red,
  soon: (counts) => counts.light.yellow,
  new: (counts) => counts.status.offered,
};

/** The queue view: `state` {items, counts, next, filter, by, fault, at, commitments}; `does` says what taps do. */
export function queue(main, state, actions, does) {
  const shown = state.items?.filter(FILTERS[state.filter]);
  fill(main,
    h('div.head', {}, h('h1', { tabIndex: -1, 'data-key': 'title' }, t('mine')),
      h('button', { type: 'button', 'data-key': 'refresh', onclick: does.refresh }, t('refresh'))),
    promises(state.commitments, actions, does),
    state.items?.length > 0 && [chips(state, does), sorting(state, does)],
    state.fault && h('p.notice', { role: 'alert' }, state.fault),
    !state.items && !state.fault && h('p.quiet.wait', {}, t('opening')),
    state.items?.length === 0 && h('div.card.empty', {}, h('p', {}, t('nothing')), h('p.quiet', {}, t('nothing_hint'))),
    shown?.length > 0 && h('ul.cards', {}, shown.map((item) => h('li', {}, card(item, actions, does)))),
    state.items?.length > 0 && !shown.length && h('p.quiet.wait', {}, t('nothing_such')),
    state.next && h('button.wide', { type: 'button', 'data-key': 'more', onclick: does.more }, t('more')),
    find(does));
}

function chips(state, does) {
  return h('div.chips', { role: 'group', 'aria-label': t('filter') }, Object.entries(FILTERS).map(([key, fits]) =>
    h(`button.chip.${key}`, { type: 'button', 'data-key': `chip-${key}`, 'aria-pressed': String(state.filter === key), onclick: () => does.filter(key) },
      `${t(key)} `, h('b', {}, `${state.next ? COUNTED[key](state.counts) : state.items.filter(fits).length}`))));
}

function sorting(state, does) {
  const choices = Object.keys(BY).map((by) => h('option', { value: by, selected: by === state.by }, t(BY[by])));
  return h('label.sorting', {}, t('sort'), h('select', { 'data-key': 'sort', onchange: (event) => does.sort(event.currentTarget.value) }, choices));
}

function card(item, actions, does) {
  const { clock, assignment } = item;
  return h('article.card.item', { 'data-light': light(clock) ?? 'none' },
    h('p.time', {},
      clock ? [h('span.stage', {}, name('stage', clock.stage)), ' ', left(clock), h('span.due', {}, when(clock.due, data.now()))]
        : h('span.quiet', {}, t('no_due'))),
    h('h2', {}, h('a', { href: `#/order/${item.order_id}`, 'data-key': assignment.assignment_id }, item.class.name || item.class.code)),
    h('p', {}, item.place.name || item.place.division, item.address && ` · ${item.address}`, item.metres != null && h('b', {}, ` · ${far(item.metres)}`)),
    item.said && h('p.quiet.clip', {}, item.said),
    h('div.foot', {},
      h('p.tags', {},
        item.urgency !== 'normal' && h('span.tag.hot', {}, name('urgency', item.urgency)),
        h('span.tag', {}, name('part', assignment.status)),
        h('span.tag', {}, name('role', assignment.role)),
        item.round > 1 && h('span.tag.hot', {}, t('round', item.round)),
        h('span.number', {}, item.number)),
      assignment.actions.includes('accept') && actions && h('button.primary', {
        type: 'button', 'data-key': `accept-${assignment.assignment_id}`, 'aria-label': `${say(actions.assignment.accept)} ${item.number}`,
        onclick: (event) => does.accept(item, event.currentTarget),
      }, say(actions.assignment.accept))));
}

const far = (metres) => (metres < 1000 ? t('metres', Math.round(metres / 10) * 10) : t('kilometres', (metres / 1000).toFixed(1)));

function find(does) {
  const box = h('input', { id: 'find', type: 'text', autocomplete: 'off', autocapitalize: 'characters', 'data-key': 'find' });
  return h('form.find', { onsubmit: (event) => { event.preventDefault(); if (box.value.trim()) does.open(box.value.trim()); } },
    h('label', { htmlFor: 'find' }, t('find')), h('div.row', {}, box, h('button', { type: 'submit' }, t('find_go'))));
}
