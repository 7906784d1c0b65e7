// The live page. Everything comes from the port that it comes from.

import {Chart} from './chart.js';
import {Counts} from './counts.js';
import {drawAge} from './status.js';
import {Table} from './table.js';
import {element, put} from './text.js';

const DRAW_MILLIS = 250;
const AGAIN_MILLIS = 2000;

const counts = new Counts();
const chart = new Chart(element('chart'), element('legend'), element('chart-text'), zoom);
const table = new Table(element('rows'), element('more'));

let stream = null;
/** From when on the stream has sent what there was, in ms. */
let loaded = Infinity;
let paused = false;
let zoomed = null;
let stale = true;
let asked = 0;

function say(text, isBroken) {
  put(element('state'), text);
  element('state').classList.toggle('broken', isBroken);
}

function change() {
  stale = true;
}

/** The times that are chosen: in ms, the end apart. */
function range() {
  if (zoomed) {
    return zoomed;
  }
  const millis = Number(element('range').value) * 1000 || Infinity;
  const until = Date.parse(element('until').value);
  if (!Number.isNaN(until)) {
    return {from: until - millis, to: until};
  }
  return {from: Math.max(Date.now(), counts.newest()) - millis, to: Infinity};
}

function follow() {
  if (paused) {
    return;
  }
  if (stream) {
    stream.close();
  }
  loaded = range().from;
  const from = Number.isFinite(loaded) ? '?from=' + new Date(loaded).toISOString() : '';
  stream = new EventSource('api/counts/stream' + from);
  stream.addEventListener('open', () => say('Live', false));
  stream.addEventListener('reset', () => {
    counts.clear();
    change();
    if (element('until').value) {
      fetchRange();
    }
  });
  stream.addEventListener('counts', event => {
    counts.take(JSON.parse(event.data));
    change();
  });
  stream.addEventListener('error', () => {
    say('Disconnected: what is shown may be old. Reconnecting.', true);
    if (!paused && stream.readyState === EventSource.CLOSED) {
      // an answer that is no stream ends a browser's own attempts
      setTimeout(follow, AGAIN_MILLIS);
      explain();
    }
  });
}

async function explain() {
  try {
    const answer = await fetch('api/types');
    if (answer.status === 503) {
      say('Connected; no counts yet', true);
      put(element('why'), (await answer.json()).detail);
      change();
    }
  } catch {
    // the state says that nobody answers
  }
}

/** A time that is over, which may be older than what the stream begins with. */
async function fetchRange() {
  const {from, to} = range();
  const mine = ++asked;
  put(element('note'), 'Loading');
  const start = Number.isFinite(from) ? '&from=' + new Date(from).toISOString() : '';
  try {
    const answer = await fetch('api/counts?to=' + new Date(to).toISOString() + start);
    if (!answer.ok) {
      put(element('note'), (await answer.json()).detail);
      return;
    }
    await takeLines(answer.body, () => mine === asked);
    put(element('note'), '');
  } catch (error) {
    put(element('note'), 'Not all of that time could be loaded: ' + error.message);
  }
}

/** Each row of an answer is a line: as they come, for a day may have many. */
async function takeLines(body, isWanted) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (let part = await reader.read(); !part.done && isWanted(); part = await reader.read()) {
    const lines = (rest + part.value).split('\n');
    rest = lines.pop();
    counts.take(lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line.replace(/,$/, ''))));
    change();
  }
}

function chooseAnew() {
  zoomed = null;
  element('all').hidden = true;
  put(element('note'), '');
  asked++;
  if (element('until').value) {
    fetchRange();
  } else if (range().from < loaded) {
    follow();
  }
  change();
}

function zoom(from, to) {
  zoomed = {from, to};
  element('all').hidden = false;
  change();
}

function draw() {
  drawAge();
  if (stale && !document.hidden) {
    stale = false;
    const {from, to} = range();
    counts.choose(from, to);
    element('empty').hidden = !counts.isEmpty();
    element('some').hidden = counts.isEmpty();
    if (!counts.isEmpty()) {
      chart.draw(counts, element('by').value);
      table.draw(counts, element('search').value);
    }
  }
}

function pause() {
  paused = !paused;
  if (paused) {
    // what comes meanwhile is for the gateway to keep: going on begins with all of it
    stream.close();
    say('Paused', false);
  } else {
    follow();
  }
  element('pause').setAttribute('aria-pressed', String(paused));
  put(element('pause'), paused ? 'Go on' : 'Pause');
}

function listen() {
  for (const id of ['by', 'search']) {
    element(id).addEventListener('input', change);
  }
  for (const id of ['range', 'until']) {
    element(id).addEventListener('change', chooseAnew);
  }
  element('choices').addEventListener('submit', event => event.preventDefault());
  element('pause').addEventListener('click', pause);
  element('all').addEventListener('click', chooseAnew);
  for (const button of document.querySelectorAll('th button')) {
    button.addEventListener('click', () => {
      const isUp = table.sortBy(button.dataset.column);
      document.querySelectorAll('th').forEach(head => head.setAttribute('aria-sort', 'none'));
      button.parentElement.setAttribute('aria-sort', isUp ? 'ascending' : 'descending');
      change();
    });
  }
  element('copy').addEventListener('click', () => navigator.clipboard.writeText(element('curl').textContent));
  window.addEventListener('resize', change);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', change);
}

function begin() {
  const [scheme, port] = element('curl').dataset.ingest.split(':');
  element('curl').textContent = `curl -XPOST -d '{"event_type":"user_click","params":{"key":"value"}}' `
    + `${scheme}://${location.hostname}:${port}/api/events`;
}

listen();
begin();
follow();
setInterval(draw, DRAW_MILLIS);
