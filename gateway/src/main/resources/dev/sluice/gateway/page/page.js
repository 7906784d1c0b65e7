'use strict';

// What the counts are, kept by window and group, and shown as a chart and a table. Everything comes from the port that
// this page comes from.

const SHOWN_TYPES = 8;
const SHOWN_ROWS = 500;
const DRAW_MILLIS = 250;
const METRICS_MILLIS = 2000;
// of Okabe and Ito, who chose colours that most people can tell apart; dashes tell the lines apart without any
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8c6d1f', '#7a5195', '#7f7f7f'];
const DASHES = [[], [8, 4], [2, 3], [12, 4, 2, 4], [4, 4], [16, 4], [1, 5], [8, 2, 2, 2], [3, 6]];
const MALFORMED = '(malformed)';

const element = id => document.getElementById(id);
const number = value => Math.round(value).toLocaleString('en');

/** Rows by the start of their window (ms), then by type and outcome. */
const windows = new Map();
let changedAt = 0;
let stale = true;
let paused = false;
let stream = null;
let sort = {column: 'count', up: false};
let plot = null;
let plotted = '';

function take(rows) {
  for (const row of rows) {
    const start = Date.parse(row.window_start);
    let groups = windows.get(start);
    if (!groups) {
      groups = new Map();
      windows.set(start, groups);
    }
    const type = row.event_type === null ? MALFORMED : row.event_type;
    groups.set(type + ' ' + row.outcome, {type, outcome: row.outcome, count: row.count, end: Date.parse(row.window_end)});
  }
  if (rows.length > 0) {
    changedAt = Date.now();
    stale = true;
  }
}

function say(text, isBroken) {
  const state = element('state');
  if (state.textContent !== text) {
    state.textContent = text;
  }
  state.classList.toggle('broken', isBroken);
}

function follow() {
  if (paused) {
    return;
  }
  stream = new EventSource('api/counts/stream');
  stream.addEventListener('open', () => say('Live', false));
  stream.addEventListener('reset', () => {
    windows.clear();
    stale = true;
  });
  stream.addEventListener('counts', event => take(JSON.parse(event.data)));
  stream.addEventListener('error', () => {
    say('Disconnected: what is shown may be old. Reconnecting.', true);
    if (!paused && stream.readyState === EventSource.CLOSED) {
      // an answer that is no stream ends a browser's own attempts
      setTimeout(follow, METRICS_MILLIS);
      explain();
    }
  });
}

async function explain() {
  try {
    const answer = await fetch('api/types');
    if (answer.status === 503) {
      say('Connected; no counts yet', true);
      element('why').textContent = (await answer.json()).detail;
      stale = true;
    }
  } catch {
    // the state says that nobody answers
  }
}

/** Windows of the range that was chosen, in order. */
function chosen() {
  const seconds = Number(element('range').value);
  const starts = [...windows.keys()].sort((a, b) => a - b);
  const newest = Math.max(Date.now(), starts.length ? starts[starts.length - 1] : 0);
  return seconds === 0 ? starts : starts.filter(start => start >= newest - seconds * 1000);
}

function totals(starts) {
  const sums = new Map();
  for (const start of starts) {
    for (const [key, row] of windows.get(start)) {
      const sum = sums.get(key) || {type: row.type, outcome: row.outcome, count: 0, last: 0};
      sum.count += row.count;
      sum.last = Math.max(sum.last, start);
      sums.set(key, sum);
    }
  }
  return [...sums.values()];
}

/** The names of the chart's areas, the greatest first; beyond some they are one. */
function names(sums, by) {
  const sizes = new Map();
  for (const sum of sums) {
    sizes.set(sum[by], (sizes.get(sum[by]) || 0) + sum.count);
  }
  return [...sizes.entries()].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(entry => entry[0]);
}

/** Times, and for each name the counts of it and of those below it. */
function stacked(starts, shown, by) {
  const places = new Map(shown.map((name, index) => [name, index]));
  const series = shown.map(() => new Array(starts.length).fill(0));
  starts.forEach((start, at) => {
    for (const row of windows.get(start).values()) {
      const place = places.has(row[by]) ? places.get(row[by]) : shown.length - 1;
      series[place][at] += row.count;
    }
  });
  for (let i = 1; i < series.length; i++) {
    for (let at = 0; at < starts.length; at++) {
      series[i][at] += series[i - 1][at];
    }
  }
  return [starts.map(start => start / 1000), ...series];
}

function drawChart(starts, sums) {
  const by = element('by').value;
  const all = names(sums, by);
  const shown = all.length > SHOWN_TYPES ? [...all.slice(0, SHOWN_TYPES), 'all others'] : all;
  const data = stacked(starts, shown, by);
  const box = element('chart');
  const style = getComputedStyle(document.body);
  const looks = JSON.stringify([shown, box.clientWidth, style.color]);
  if (plotted === looks) {
    plot.setData(data);
  } else {
    if (plot) {
      plot.destroy();
    }
    const axis = {stroke: style.color, grid: {stroke: '#8884', width: 1}, ticks: {stroke: '#8884'}};
    plot = new uPlot({
      width: box.clientWidth,
      height: 280,
      legend: {show: false},
      cursor: {show: false},
      scales: {y: {range: (u, least, most) => [0, Math.max(1, most)]}},
      axes: [axis, {...axis, size: 70, values: (u, ticks) => ticks.map(number)}],
      series: [{}, ...shown.map((name, index) => ({
        label: name,
        stroke: COLOURS[index % COLOURS.length],
        dash: DASHES[index % DASHES.length],
        width: 2,
        points: {show: data[0].length < 60},
        fill: index === 0 ? COLOURS[0] + '55' : undefined,
      }))],
      bands: shown.slice(1).map((name, index) => ({
        series: [index + 2, index + 1],
        fill: COLOURS[(index + 1) % COLOURS.length] + '55',
      })),
    }, data, box);
    plotted = looks;
    drawLegend(shown);
  }
  const sum = sums.reduce((so_far, each) => so_far + each.count, 0);
  element('chart-text').textContent = `${number(sum)} events in ${number(starts.length)} windows, stacked by ${by}: `
    + all.slice(0, SHOWN_TYPES).map(name => `${name} ${number(sums.filter(each => each[by] === name)
      .reduce((so_far, each) => so_far + each.count, 0))}`).join(', ');
}

function drawLegend(shown) {
  const svg = 'http://www.w3.org/2000/svg';
  element('legend').replaceChildren(...shown.map((name, index) => {
    const item = document.createElement('li');
    const sign = document.createElementNS(svg, 'svg');
    sign.setAttribute('viewBox', '0 0 16 16');
    sign.setAttribute('aria-hidden', 'true');
    const line = document.createElementNS(svg, 'line');
    const looks = {x1: 0, x2: 16, y1: 8, y2: 8, 'stroke-width': 4, stroke: COLOURS[index % COLOURS.length],
      'stroke-dasharray': DASHES[index % DASHES.length].join(' ')};
    Object.entries(looks).forEach(([key, value]) => line.setAttribute(key, value));
    sign.append(line);
    item.append(sign, name);
    return item;
  }));
}

function drawTable(sums) {
  const search = element('search').value.toLowerCase();
  const found = sums.filter(sum => sum.type.toLowerCase().includes(search));
  const direction = sort.up ? 1 : -1;
  found.sort((a, b) => direction * (typeof a[sort.column] === 'number'
    ? a[sort.column] - b[sort.column] : a[sort.column].localeCompare(b[sort.column])));
  element('rows').replaceChildren(...found.slice(0, SHOWN_ROWS).map(sum => {
    const row = document.createElement('tr');
    const last = new Date(sum.last).toISOString().replace('T', ' ').replace('.000Z', ' UTC');
    [sum.type, sum.outcome, number(sum.count), last].forEach((text, index) => {
      const cell = document.createElement('td');
      cell.textContent = text;
      cell.classList.toggle('number', index === 2);
      row.append(cell);
    });
    return row;
  }));
  element('more').textContent = found.length > SHOWN_ROWS
    ? `The first ${SHOWN_ROWS} of ${number(found.length)}: search for the others.` : '';
}

function draw() {
  const age = changedAt ? Math.max(0, Math.round((Date.now() - changedAt) / 1000)) : null;
  element('fresh').textContent = age === null ? '–' : age + ' s ago';
  if (!stale) {
    return;
  }
  stale = false;
  element('empty').hidden = windows.size > 0;
  element('some').hidden = windows.size === 0;
  if (windows.size > 0) {
    const starts = chosen();
    const sums = totals(starts);
    drawChart(starts, sums);
    drawTable(sums);
  }
}

let before = null;

/** Lines of Prometheus' text: name, labels, value. */
function samples(text) {
  return [...text.matchAll(/^([a-z_]+)(?:\{([^}]*)\})? ([0-9.eE+-]+)/gm)]
    .map(match => ({name: match[1], labels: match[2] || '', value: Number(match[3])}));
}

async function measure() {
  try {
    const answers = await Promise.all([fetch('metrics'), fetch('health/ready')]);
    const all = samples(await answers[0].text());
    const sum = (name, test) => all.filter(each => each.name === name && (!test || test(each.labels)))
      .reduce((so_far, each) => so_far + each.value, 0);
    const counted = [...windows.values()].flatMap(groups => [...groups.values()])
      .filter(row => row.outcome === 'counted').reduce((so_far, row) => so_far + row.count, 0);
    const now = {at: Date.now(), received: sum('sluice_events_received_total'), counted};
    if (before) {
      const seconds = (now.at - before.at) / 1000;
      element('in').textContent = number(Math.max(0, now.received - before.received) / seconds) + ' /s';
      element('counted').textContent = number(Math.max(0, now.counted - before.counted) / seconds) + ' /s';
    }
    before = now;
    element('flight').textContent = number(sum('sluice_in_flight_bytes') / 1024) + ' KiB';
    const refused = all.filter(each => each.name === 'sluice_requests_total' && each.value > 0
      && !/outcome="(accepted|partly)"/.test(each.labels))
      .map(each => each.labels.replace(/.*outcome="([^"]*)".*/, '$1') + ' ' + number(each.value));
    element('refused').textContent = refused.join(', ') || 'none';
    element('refused').classList.toggle('long', refused.length > 0);
    element('ready').textContent = answers[1].ok ? 'takes events' : 'waits for Kafka';
  } catch {
    element('ready').textContent = 'does not answer';
  }
}

function listen() {
  for (const id of ['by', 'range', 'search']) {
    element(id).addEventListener('input', () => { stale = true; });
  }
  element('choices').addEventListener('submit', event => event.preventDefault());
  element('pause').addEventListener('click', () => {
    paused = !paused;
    if (paused) {
      // what comes meanwhile is for the gateway to keep: going on begins with all of it
      stream.close();
      say('Paused', false);
    } else {
      follow();
    }
    element('pause').setAttribute('aria-pressed', String(paused));
    element('pause').textContent = paused ? 'Go on' : 'Pause';
  });
  for (const button of document.querySelectorAll('th button')) {
    button.addEventListener('click', () => {
      const column = button.dataset.column;
      sort = {column, up: sort.column === column ? !sort.up : column !== 'count' && column !== 'last'};
      document.querySelectorAll('th').forEach(head => head.setAttribute('aria-sort', 'none'));
      button.parentElement.setAttribute('aria-sort', sort.up ? 'ascending' : 'descending');
      stale = true;
    });
  }
  element('copy').addEventListener('click', () => navigator.clipboard.writeText(element('curl').textContent));
  window.addEventListener('resize', () => { stale = true; });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { stale = true; });
}

function begin() {
  const [scheme, port] = element('curl').dataset.ingest.split(':');
  element('curl').textContent = `curl -XPOST -d '{"event_type":"user_click","params":{"key":"value"}}' `
    + `${scheme}://${location.hostname}:${port}/api/events`;
}

listen();
begin();
follow();
measure();
setInterval(measure, METRICS_MILLIS);
setInterval(draw, DRAW_MILLIS);
