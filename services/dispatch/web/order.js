// One order: how much time is left, where, what, and what I can do about it.

import * as data from './data.js';
import { buttons, happened } from './act.js';
import { fill, h, icon } from './dom.js';
import { photos } from './photos.js';
import { left, light } from './queue.js';
import { name, t, when } from './words.js';

/** The order view; `state` {order, fault, history, open}, `unit` is mine, `does(action, target, button)` acts. */
export function order(main, state, { unit, known, does, onhistory, onphoto }) {
  const { order: shown, fault } = state;
  fill(main,
    fault && h('p.notice', { role: 'alert' }, fault),
    !shown && [title(t('order')), !fault && h('p.quiet.wait', {}, t('opening'))],
    shown && [summary(shown, unit), said(shown), photos(shown, { may: mine(shown, unit)?.actions.length > 0, after: onphoto }), parts(shown, unit), requests(shown, does), duty(shown), clocks(shown), path(shown), past(state, onhistory), bar(shown, unit, known, does)]);
}

const title = (words) => h('h1', { tabIndex: -1, 'data-key': 'title' }, words);

/** My unit's part that still lives, or the newest. */
export function mine(shown, unit) {
  const own = shown.assignments.filter((a) => a.unit.unit_id === unit);
  return own.filter((a) => a.actions.length).pop() ?? own.pop() ?? null;
}

function summary(shown, unit) {
  const running = shown.clocks.filter((c) => c.state === 'running').sort((a, b) => (a.due < b.due ? -1 : 1));
  const clock = running.find((c) => c.owner === unit) ?? running[0] ?? null;
  const missed = shown.clocks.filter((c) => c.state === 'missed' && !shown.closed_at);
  const { place } = shown;
  const address = shown.reports.find((one) => one.address)?.address;
  return [
    h('div.head', {}, title(shown.class.name || shown.class.code), h('span.status', {}, name('order', shown.status))),
    h('section.card.deadline', { 'data-light': light(clock) ?? 'none' },
      clock ? [h('p.big', {}, left(clock)), h('p', {}, `${name('stage', clock.stage)} · ${t('by', when(clock.due, data.now()))}`)]
        : h('p.big', {}, shown.closed_at ? `${name('order', shown.status)} · ${when(shown.closed_at, data.now())}` : t('no_due')),
      missed.map((c) => h('p.missed', {}, `${name('stage', c.stage)} `, left(c))),
      h('p.tags', {}, shown.urgency !== 'normal' && h('span.tag.hot', {}, name('urgency', shown.urgency)),
        shown.case && h('span.tag', {}, t('case_of', shown.case.title ?? shown.case.number)),
        h('span.tag', {}, name('source', shown.source)), shown.round > 1 && h('span.tag.hot', {}, t('round', shown.round)),
        h('span.number', {}, shown.number))),
    h('section.card', {}, h('h2', {}, t('place')),
      h('div.split', {}, h('p', {}, place.name || place.division, address && [h('br'), address]),
        place.lat != null && h('a.button', { href: `geo:${place.lat},${place.lon}?q=${place.lat},${place.lon}` }, icon('pin'), t('navigate')))),
  ];
}

function said(shown) {
  const { reports } = shown;
  return h('section.card', {}, h('h2', {}, t('what'), reports.length > 1 && h('small', {}, ` ${t('reports', reports.length)}`)),
    reports.map((one) => h('div.report', {},
      one.title && h('h3', {}, one.title),
      h('p', {}, one.text || '—'),
      h('p.quiet', {}, [name('source', one.source), one.ticket_type && name('type', one.ticket_type), when(one.received_at, data.now()), reporter(one.reporter), one.number]
        .filter(Boolean).join(' · ')))));
}

function reporter(who) {
  if (!who) return '';
  if (who.confidential) return t('confidential');
  return [who.name, who.phone].filter(Boolean).join(' ');
}

function parts(shown, unit) {
  return h('section.card', {}, h('h2', {}, t('parts')), h('ul.rows', {}, shown.assignments.map((a) => {
    const stamps = ['accepted_at', 'contacted_at', 'arrived_at', 'done_at'].filter((key) => a[key]);
    return h('li', {},
      h('p', {}, h('b', {}, a.unit.name), a.unit.unit_id === unit && h('span.tag.own', {}, t('my_part')),
        h('span.tag', {}, name('role', a.role)), h('span.tag', {}, name('part', a.status))),
      a.parent && h('p.quiet', {}, t('passed_on_by', shown.assignments.find((one) => one.assignment_id === a.parent)?.unit.name ?? '')),
      stamps.length > 0 && h('p.quiet', {}, stamps.map((key) => `${t(key)} ${when(a[key], data.now())}`).join(' · ')),
      a.result && h('p', {}, h('b', {}, name('result', a.result)), a.answer && `：${a.answer}`));
  })));
}

/** What units ask for, and the decision for whoever may take it. */
function requests(shown, does) {
  if (!shown.requests?.length) return null;
  return h('section.card', {}, h('h2', {}, t('requests')), h('ul.rows', {}, shown.requests.map((one) => h('li', {},
    h('p', {}, h('b', {}, name('request', one.kind)), h('span.tag', {}, name('decision', one.state)), ' ', one.unit.name),
    h('p', {}, [one.basis, one.until && t('until', when(one.until, data.now())), one.suggested_unit?.name].filter(Boolean).join(' · ')),
    one.note && h('p.quiet', {}, one.note),
    one.actions.map((action) => h('button.second', {
      type: 'button', 'data-key': `${action}-${one.request_id}`, onclick: () => does(action, { order: shown, request: one }),
    }, t('decide')))))));
}

/** Who answers for the units of an urgent order at this moment. */
function duty(shown) {
  if (!shown.duty?.length) return null;
  const person = (one) => [h('b', {}, one.person), one.deputy && ` ${t('deputy', one.deputy)}`, ' ',
    /^[+\d]/.test(one.phone ?? '') ? h('a.button', { href: `tel:${one.phone}` }, one.phone) : one.phone];
  return h('section.card', {}, h('h2', {}, t('duty')), h('ul.rows', {}, shown.duty.map(({ unit, on, instead }) => h('li', {},
    on ? h('p', {}, `${unit.name} `, person(on)) : h('p', {}, t('duty_none', unit.name)),
    instead && h('p', {}, `${t('duty_instead', instead.unit.name)} `, person(instead))))));
}

function clocks(shown) {
  if (!shown.clocks.length) return null;
  const units = new Map([...shown.assignments.map((a) => a.unit), shown.lead, ...shown.path.map((hop) => hop.unit)].map((u) => [u.unit_id, u.name]));
  const rows = [...shown.clocks].filter((c) => c.state !== 'cancelled').sort((a, b) => (a.due < b.due ? -1 : 1));
  return h('section.card', {}, h('h2', {}, t('clocks')), h('ul.rows', {}, rows.map((c) =>
    h('li.split', { 'data-light': c.state === 'running' ? light(c) : c.state === 'missed' ? 'red' : 'none' },
      h('p', {}, h('b', {}, name('stage', c.stage)), h('br'), h('small.quiet', {}, units.get(c.owner) ?? c.owner)),
      h('p.end', {}, c.state === 'running' || c.state === 'missed' ? left(c) : h('span.state', {}, name('clock', c.state)), h('br'), h('small.quiet', {}, t('by', when(c.due, data.now()))))))));
}

function path(shown) {
  if (!shown.path.length) return null;
  return h('section.card', {}, h('h2', {}, t('path')), h('ol.path', {}, shown.path.map((hop) => h('li', {},
    h('b', {}, hop.unit.name), ' ', h('span.quiet', {}, `${name('tier', hop.tier)} · ${when(hop.at, data.now())}`)))));
}

function past(state, onhistory) {
  const place = h('div', {}, state.history
    ? h('ul.rows.past', {}, [...state.history].reverse().map((row) => h('li', {}, h('p', {}, happened(row, state.order)), note(row))))
    : h('p.quiet', {}, t('opening')));
  return h('details.card', { open: state.open, ontoggle: (event) => onhistory(event.currentTarget.open) },
    h('summary', { 'data-key': 'history' }, h('h2', {}, t('history'))), place);
}

/** What was said with a change, and what came of it. */
function note({ fact, reason, actor }) {
  const words = [fact?.result && name('result', fact.result), fact?.note || fact?.reason || (actor && reason)].filter(Boolean);
  return words.length > 0 && h('p', {}, words.join('：'));
}

function bar(shown, unit, known, does) {
  const part = mine(shown, unit);
  const may = [
    ...(part?.actions ?? []).map((action) => ({ action, target: { order: shown, part } })),
    ...shown.actions.map((action) => ({ action, target: { order: shown } })),
  ];
  return h('nav.actions', { 'aria-label': t('do_what') }, may.length ? buttons(may, known, does) : h('p.quiet', {}, t('nothing_to_do')));
}
