// One input for each kind of field the service may ask for (`fields` of `/v1/actions`). Each answers {place, read}:
// what to show, and a function that gives the value, or undefined for nothing said. `read` throws Missing.

import * as data from './data.js';
import { h } from './dom.js';
import { add as addPhoto } from './photos.js';
import { name, say, t, when } from './words.js';

/** Something that must be said, or is too long; the message is for people. */
export class Missing extends Error {
  constructor(message, place) {
    super(message);
    this.place = place;
  }
}

let count = 0;
const fresh = () => `field-${(count += 1)}`;

/** The input for a field; `order` gives what can be chosen from (its reports). */
export function field(spec, order) {
  if (spec.many) return several(spec, order);
  return (KINDS[spec.kind] ?? text)(spec, order);
}

const head = (spec) => [say(spec), !spec.required && h('small', {}, ` ${t('optional')}`)];
const demand = (spec, value, place) => {
  if (value === undefined && spec.required) throw new Missing(t('required', say(spec)), place);
  return value;
};

function labelled(spec, input, ...more) {
  return h('div.field', {}, h('label', { htmlFor: input.id }, head(spec)), input, ...more);
}

function text(spec) {
  const input = spec.kind === 'long'
    ? h('textarea', { id: fresh(), rows: spec.name === 'answer' ? 5 : 3, maxLength: spec.max ?? 10_000, placeholder: spec.hint ?? '' })
    : h('input', { id: fresh(), type: 'text', maxLength: spec.max ?? 1000, autocomplete: 'off' });
  return { place: labelled(spec, input), input, read: () => demand(spec, input.value.trim() || undefined, input) };
}

function number(spec) {
  const input = h('input', { id: fresh(), type: 'number', inputMode: 'numeric', step: 'any', min: spec.min ?? '', max: spec.max ?? '' });
  return {
    place: labelled(spec, input),
    read: () => {
      if (!input.checkValidity()) throw new Missing(input.validationMessage, input);
      return demand(spec, input.value === '' ? undefined : Number(input.value), input);
    },
  };
}

function moment(spec) {
  const input = h('input', { id: fresh(), type: 'datetime-local' });
  return { place: labelled(spec, input), read: () => demand(spec, input.value ? new Date(input.value).toISOString() : undefined, input) };
}

/** Large buttons of which one is on. */
function choose(spec, options) {
  const group = fresh();
  const inputs = options.map((option) => h('input', { type: 'radio', name: group, id: fresh(), value: String(option.value) }));
  const place = h('fieldset.field', {}, h('legend', {}, head(spec)),
    h('div.options', {}, options.map((option, n) => h('label.option', { htmlFor: inputs[n].id }, inputs[n], h('span', {}, say(option))))));
  const picked = () => options[inputs.findIndex((input) => input.checked)];
  return { place, inputs, picked, read: () => demand(spec, picked()?.value, inputs[0]) };
}

const choice = (spec) => choose(spec, spec.options);
const flag = (spec) => choose(spec, [{ value: true, zh: '是', en: 'Yes' }, { value: false, zh: '否', en: 'No' }]);

/** Which of the order's reports; with one there is nothing to ask. */
function report(spec, order) {
  const reports = order.reports ?? [];
  if (reports.length === 1) return { place: null, read: () => reports[0].report_id };
  const options = reports.map((one) => {
    const words = `${one.number} ${name('source', one.source)}${one.reporter?.name ? ` ${one.reporter.name}` : ''}`;
    return { value: one.report_id, zh: words, en: words };
  });
  if (!spec.required) options.push({ value: undefined, zh: t('all_reports'), en: t('all_reports') });
  return choose(spec, options);
}

/** A unit by its name: what is typed is asked of the service, the answer is chosen. */
function unit(spec) {
  let chosen;
  let asked = 0;
  const input = h('input', { id: fresh(), type: 'text', autocomplete: 'off', placeholder: t('unit_search'), 'aria-describedby': `${count}-found` });
  const found = h('div.options', { id: `${count}-found`, role: 'group', 'aria-live': 'polite', 'aria-label': t('unit_search') });
  const pick = (one) => { chosen = one.unit_id; input.value = one.name; found.replaceChildren(); };
  async function look() {
    chosen = undefined;
    const mine = (asked += 1);
    await new Promise((done) => setTimeout(done, 250));
    const words = input.value.trim();
    if (mine !== asked || !words) return;
    const { items } = await data.units(words).catch(() => ({ items: [] }));
    if (mine !== asked) return;
    found.replaceChildren(...(items.length
      ? items.map((one) => h('button.option', { type: 'button', onclick: () => pick(one) }, one.name, h('small', {}, ` ${name('tier', one.tier)}`)))
      : [h('p.quiet', {}, t('unit_none'))]));
  }
  input.addEventListener('input', look);
  return {
    place: labelled(spec, input, found),
    read: () => {
      if (input.value.trim() && !chosen) throw new Missing(t('pick_first'), input);
      return demand(spec, chosen, input);
    },
  };
}

/** A list: of units one search after another, of choices ticks, of anything else one a line. */
function several(spec, order) {
  if (spec.kind === 'choice') return ticks(spec, spec.options);
  if (spec.kind === 'report') {
    return ticks(spec, order.reports.map((one) => ({ value: one.report_id, zh: one.number, en: one.number })));
  }
  if (spec.kind === 'group') return groups(spec, order);
  if (spec.kind === 'photo') return photos(spec, order);
  if (spec.kind !== 'unit') {
    const input = h('textarea', { id: fresh(), rows: 3, placeholder: t('one_a_line') });
    const rows = () => input.value.split('\n').map((row) => row.trim()).filter(Boolean);
    return { place: labelled(spec, input), read: () => demand(spec, rows().length ? rows() : undefined, input) };
  }
  return unitList(spec);
}

function unitList(spec) {
  const one = { ...spec, many: false, required: false };
  const chosen = new Map();
  const list = h('ul.chosen');
  const place = h('div.field');
  const show = () => {
    const entry = unit(one);
    const take = h('button', { type: 'button', onclick: () => {
      const value = entry.read();
      if (value) { chosen.set(value, entry.place.querySelector('input').value); show(); }
    } }, '＋');
    list.replaceChildren(...[...chosen].map(([id, words]) => h('li', {}, words,
      h('button', { type: 'button', 'aria-label': `${t('remove')} ${words}`, onclick: () => { chosen.delete(id); show(); } }, '✕'))));
    place.replaceChildren(list, entry.place, take);
  };
  show();
  return { place, read: () => demand(spec, chosen.size ? [...chosen.keys()] : undefined, place.querySelector('input')) };
}

/** Photos of the order, all meant unless taken out; more can be taken on the spot. */
function photos(spec, order) {
  const kept = order.attachments ?? [];
  const out = new Set();
  const list = h('div.options');
  const show = () => list.replaceChildren(...kept.map((one) => {
    const input = h('input', { type: 'checkbox', id: fresh(), checked: !out.has(one.attachment_id), onchange: () => out[input.checked ? 'delete' : 'add'](one.attachment_id) });
    return h('label.option', { htmlFor: input.id }, input, h('span', {}, `${name('photo', one.kind)} ${when(one.at, data.now())}`));
  }));
  const take = (_, sent) => { kept.push(...sent.filter((one) => !kept.some(({ attachment_id }) => attachment_id === one.attachment_id))); show(); };
  show();
  const wanted = order.photos && h('p.quiet', {}, t('photo_wanted', name('photos', order.photos)));
  const more = h('button.second', { type: 'button', onclick: () => addPhoto(order, take) }, t('photo_add'));
  const meant = () => kept.map((one) => one.attachment_id).filter((id) => !out.has(id));
  return {
    place: h('fieldset.field', {}, h('legend', {}, head(spec)), wanted, list, more),
    read: () => demand(spec, meant().length ? meant() : undefined, more),
  };
}

function ticks(spec, options) {
  const inputs = options.map((option) => h('input', { type: 'checkbox', id: fresh(), value: String(option.value) }));
  const place = h('fieldset.field', {}, h('legend', {}, head(spec)),
    h('div.options', {}, options.map((option, n) => h('label.option', { htmlFor: inputs[n].id }, inputs[n], h('span', {}, say(option))))));
  const values = () => options.filter((_, n) => inputs[n].checked).map((option) => option.value);
  return { place, read: () => demand(spec, values().length ? values() : undefined, inputs[0]) };
}

/** A choice that brings fields of its own; its values are merged into the body by `gather`. */
function variant(spec, order) {
  const inner = h('div');
  let entries = [];
  const which = choose(spec, spec.options);
  which.inputs.forEach((input) => input.addEventListener('change', () => {
    entries = which.picked().fields.map((part) => [part, field(part, order)]);
    inner.replaceChildren(...entries.map(([, entry]) => entry.place).filter(Boolean));
  }));
  return { place: h('div', {}, which.place, inner), read: which.read, more: () => gather(entries) };
}

/** Fields that belong together. */
function group(spec, order) {
  const entries = spec.fields.map((part) => [part, field(part, order)]);
  const place = h('fieldset.field.group', {}, h('legend', {}, head(spec)), entries.map(([, entry]) => entry.place));
  return { place, read: () => gather(entries) };
}

/** Such groups, one after another. */
function groups(spec, order) {
  const entries = [];
  const place = h('div.field');
  const more = h('button', { type: 'button', onclick: () => add() }, t('another'));
  function add() {
    const entry = group({ ...spec, many: false }, order);
    entries.push(entry);
    place.insertBefore(entry.place, more);
  }
  place.append(more);
  if (spec.required) add();
  return { place, read: () => demand(spec, entries.length ? entries.map((entry) => entry.read()) : undefined, more) };
}

/** Anything else, as JSON: ugly, but nobody is kept from acting. */
function other(spec) {
  const input = h('textarea', { id: fresh(), rows: 3, placeholder: '{}', spellcheck: false });
  return {
    place: labelled(spec, input),
    read: () => {
      try {
        return demand(spec, input.value.trim() ? JSON.parse(input.value) : undefined, input);
      } catch (error) {
        throw error instanceof Missing ? error : new Missing(`${say(spec)}: JSON`, input);
      }
    },
  };
}

/** The body that a list of [spec, entry] makes. Throws Missing at the first that is not filled in. */
export function gather(entries) {
  const body = {};
  for (const [spec, entry] of entries) {
    if (entry.place?.hidden) continue; // not asked just now
    const value = entry.read();
    if (value !== undefined) body[spec.name] = value;
    Object.assign(body, entry.more?.());
  }
  return body;
}

const KINDS = { photo: text, text, long: text, number, moment, choice, flag, report, unit, variant, group, other, id: text };
