// The city's street-towns as spots, as large as what is late there. No tiles: the spots are the map. It says nothing that
// the table below it does not say, so that it is a picture to those who listen.

const SVG = 'http://www.w3.org/2000/svg';
const WIDE = 640;
const EDGE = 26;

const made = (tag, given) => {
  const one = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(given)) one.setAttribute(key, value);
  return one;
};

/** Where each place lies on a picture of `WIDE`, north up, a kilometre as long in both directions. */
function projected(places) {
  const lon = places.map((one) => one.lon);
  const lat = places.map((one) => one.lat);
  const [west, east, south, north] = [Math.min(...lon), Math.max(...lon), Math.min(...lat), Math.max(...lat)];
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = (WIDE - 2 * EDGE) / Math.max((east - west) * squeeze, (north - south) || 0.01, 0.01);
  const at = (one) => [EDGE + (one.lon - west) * squeeze * scale, EDGE + (north - one.lat) * scale];
  return { at, wide: 2 * EDGE + (east - west) * squeeze * scale, high: 2 * EDGE + (north - south) * scale };
}

/** The map: `places` of the city, `counts` by division, `chosen` division; `choose(division)` when a spot is clicked. */
export function map(places, counts, about, choose) {
  const districts = places.filter((one) => one.tier === 'district');
  const spots = places.filter((one) => one.tier === 'street');
  const shown = spots.length ? spots : districts;
  if (!shown.length) return null;
  const { at, wide, high } = projected(shown);
  const picture = made('svg', { viewBox: `0 0 ${Math.ceil(wide)} ${Math.ceil(high)}`, role: 'img', 'aria-label': about, class: 'map' });
  const most = Math.max(1, ...shown.map((one) => counts.get(one.division)?.breaches ?? 0));
  const order = [...shown].sort((a, b) => (counts.get(b.division)?.breaches ?? 0) - (counts.get(a.division)?.breaches ?? 0));
  for (const one of order) {
    const late = counts.get(one.division)?.breaches ?? 0;
    const soon = counts.get(one.division)?.due_2h ?? 0;
    const [x, y] = at(one);
    const spot = made('circle', {
      cx: x.toFixed(1), cy: y.toFixed(1), r: late ? (5 + 19 * Math.sqrt(late / most)).toFixed(1) : soon ? 5 : 2.5,
      class: late ? 'late' : soon ? 'soon' : 'calm', 'data-division': one.division,
    });
    spot.append(Object.assign(made('title', {}), { textContent: `${one.name} ${late || ''}` }));
    if (late || soon) spot.addEventListener('click', () => choose(one.division));
    picture.append(spot);
  }
  for (const one of spots.length ? districts : []) {
    const [x, y] = at(one);
    picture.append(Object.assign(made('text', { x: x.toFixed(1), y: y.toFixed(1) }), { textContent: one.name }));
  }
  return picture;
}
