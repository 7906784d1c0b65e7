// What comes in, what is counted, and how each part is.

import {element, number, put, seconds} from './text.js';

const EVERY_MILLIS = 2000;
const SILENT_SECONDS = 30;

let before = null;
let said = null;
let behind = null;

/** Lines of Prometheus' text: name, labels, value. */
function samples(text) {
  return [...text.matchAll(/^([a-z_]+)(?:\{([^}]*)\})? ([0-9.eE+-]+)/gm)]
    .map(match => ({name: match[1], labels: match[2] || '', value: Number(match[3])}));
}

function show(id, text, isBroken = false) {
  put(element(id), text);
  element(id).classList.toggle('broken', isBroken);
}

function rate(now, then, millis) {
  return number(Math.max(0, now - then) * 1000 / millis) + ' /s';
}

function showGateway(all) {
  const sum = name => all.filter(each => each.name === name).reduce((so_far, each) => so_far + each.value, 0);
  const now = {at: performance.now(), received: sum('sluice_events_received_total')};
  if (before) {
    show('in', rate(now.received, before.received, now.at - before.at));
  }
  before = now;
  const used = sum('sluice_in_flight_bytes');
  const limit = sum('sluice_in_flight_limit_bytes');
  show('flight', `${number(used / 1024)} of ${number(limit / 1024)} KiB`);
  element('flight-meter').max = limit;
  element('flight-meter').value = used;
  const refused = all.filter(each => each.name === 'sluice_requests_total' && each.value > 0
    && !/outcome="(accepted|partly)"/.test(each.labels))
    .map(each => each.labels.replace(/.*outcome="([^"]*)".*/, '$1') + ' ' + number(each.value));
  show('refused', refused.join(', ') || 'none');
  element('refused').classList.toggle('long', refused.length > 0);
}

function showStreaming(progress) {
  const at = Date.parse(progress.at);
  if (said && at > Date.parse(said.at) && progress.records >= said.records) {
    show('counted', rate(progress.outcomes.counted, said.outcomes.counted, at - Date.parse(said.at)));
  }
  said = progress;
  behind = progress.behind_seconds === undefined ? null : {seconds: progress.behind_seconds, at: performance.now()};
  const isSilent = progress.age_seconds > SILENT_SECONDS;
  show('streaming', isSilent ? `silent for ${seconds(progress.age_seconds)}`
    : `counts, the last batch in ${seconds(progress.batch_millis / 1000)}`, isSilent);
  show('lag', number(progress.lag_records) + ' records');
  const outcomes = Object.entries(progress.outcomes);
  const missing = progress.records - outcomes.reduce((so_far, [, records]) => so_far + records, 0);
  show('ledger', `Streaming has read ${number(progress.records)} records since it began: `
    + outcomes.map(([outcome, records]) => `${number(records)} ${outcome}`).join(', ')
    + (missing === 0 ? '. Each has an outcome.' : `; ${number(missing)} have no outcome!`), missing !== 0);
}

/** Between two looks, what is not counted yet grows older. */
export function drawAge() {
  show('fresh', behind === null ? '–' : seconds(behind.seconds + (performance.now() - behind.at) / 1000) + ' ago');
}

async function measure() {
  try {
    const [metrics, ready] = await Promise.all([fetch('metrics'), fetch('health/ready')]);
    showGateway(samples(await metrics.text()));
    show('ready', ready.ok ? 'takes events' : 'waits for Kafka', !ready.ok);
  } catch {
    show('ready', 'does not answer', true);
  }
  try {
    const progress = await fetch('api/progress');
    if (progress.ok) {
      showStreaming(await progress.json());
    } else {
      show('streaming', 'has said nothing yet', true);
    }
  } catch {
    show('streaming', 'not known', true);
  }
  setTimeout(measure, EVERY_MILLIS);
}

measure();
