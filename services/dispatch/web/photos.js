// Photos of an order: made small before they are sent, shown only when somebody wants to see them.

import * as data from './data.js';
import { h, sheet } from './dom.js';
import { name, problem, t, when } from './words.js';

const LONGEST = 1600; // pixels of the longer side: enough to read a meter, small enough for a bad line
const QUALITY = 0.8;
const KINDS = ['before', 'after', 'evidence'];

/** The section of the order view. `after` is told when a photo has arrived. */
export function photos(shown, { may, after }) {
  const kept = shown.attachments ?? [];
  if (!kept.length && !may) return null;
  return h('section.card', {}, h('h2', {}, t('photos'), kept.length > 0 && h('small', {}, ` ${kept.length}`)),
    h('div.row', {},
      kept.length > 0 && h('button', { type: 'button', 'data-key': 'photos', onclick: () => see(shown, kept) }, t('photo_see')),
      may && h('button.second', { type: 'button', 'data-key': 'photo', onclick: () => add(shown, after) }, t('photo_add'))));
}

/** Which kind, then the camera or the album. */
export function add(shown, after) {
  const fault = h('p.fault', { role: 'alert' });
  const inputs = KINDS.map((kind) => {
    const input = h('input.file', { type: 'file', accept: 'image/*', multiple: true, id: `photo-${kind}`, onchange: () => send(kind, [...input.files]) });
    return h('label.button.second', { htmlFor: input.id }, name('photo', kind), input);
  });
  const made = sheet(t('photo_add'), t('close'), h('p.quiet', {}, t('photo_which')), h('div.buttons.tall', {}, inputs), fault);

  async function send(kind, files) {
    try {
      const sent = [];
      for (const [n, file] of files.entries()) {
        fault.textContent = t('photo_sending', `${n + 1}/${files.length}`);
        sent.push(await data.photo(shown.order_id, kind, kind === 'evidence' ? file : await small(file)));
      }
      made.close();
      after(t('photo_sent'), sent);
    } catch (error) {
      fault.textContent = error instanceof data.NoSignal ? t('unsent') : error instanceof data.Problem ? problem(error) : t('photo_odd');
    }
  }
}

/** A photo no larger than it need be, upright; it also loses where and when it was taken. */
async function small(file) {
  const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  const canvas = h('canvas', { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, 'image/jpeg', QUALITY));
}

function see(shown, kept) {
  const places = kept.map((one) => {
    const words = `${name('photo', one.kind)} ${when(one.at, data.now())}`;
    const place = h('figure', {}, h('p.quiet', {}, t('opening')), h('figcaption', {}, words));
    data.picture(shown.order_id, one.attachment_id).then(
      (address) => place.firstChild.replaceWith(h('img', { src: address, alt: words, onload: () => URL.revokeObjectURL(address) })),
      () => { place.firstChild.textContent = t('no_signal_yet'); });
    return place;
  });
  sheet(t('photos'), t('close'), places);
}
