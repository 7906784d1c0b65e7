// The chosen counts over time, one area upon another: by type or by outcome.

import {number} from './text.js';

const SHOWN = 8;
const OTHERS = 'all others';
const RANK_MILLIS = 10000;
const HEIGHT = 280;
// of Okabe and Ito, who chose colours that most people can tell apart; dashes tell the lines apart without any
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#8c6d1f', '#7a5195', '#7f7f7f'];
const DASHES = [[], [8, 4], [2, 3], [12, 4, 2, 4], [4, 4], [16, 4], [1, 5], [8, 2, 2, 2], [3, 6]];

export class Chart {
  #box;
  #legend;
  #text;
  #zoomed;
  #plot = null;
  #looks = '';
  #shown = [];
  #by = '';
  #rankedAt = 0;
  /** For each window the count of each that is shown. */
  #columns = new Map();

  /** zoomed is told a range of the time axis, in ms, when one is drawn. */
  constructor(box, legend, text, zoomed) {
    this.#box = box;
    this.#legend = legend;
    this.#text = text;
    this.#zoomed = zoomed;
  }

  draw(counts, by) {
    this.#rank(counts, by);
    for (const start of counts.changed) {
      this.#columns.delete(start);
    }
    counts.changed.clear();
    const starts = [...counts.chosen].sort((a, b) => a - b);
    this.#show(this.#stacked(counts, starts));
    this.#say(counts, starts);
  }

  /** Which names have an area: the greatest. Not anew for each picture, or those that are much the same would take turns. */
  #rank(counts, by) {
    const sizes = new Map();
    for (const sum of counts.sums.values()) {
      sizes.set(sum[by], (sizes.get(sum[by]) || 0) + sum.count);
    }
    const isKnown = this.#shown.every(name => name === OTHERS || sizes.has(name))
      && (this.#shown.length > SHOWN || sizes.size === this.#shown.length);
    if (by === this.#by && isKnown && Date.now() - this.#rankedAt < RANK_MILLIS) {
      return;
    }
    const names = [...sizes].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(size => size[0]);
    const shown = names.length > SHOWN ? [...names.slice(0, SHOWN), OTHERS] : names;
    if (by !== this.#by || shown.join(' ') !== this.#shown.join(' ')) {
      this.#columns.clear();
    }
    this.#by = by;
    this.#shown = shown;
    this.#rankedAt = Date.now();
  }

  #column(counts, start, places) {
    const column = new Array(this.#shown.length).fill(0);
    for (const [group, count] of counts.of(start)) {
      const place = places.get(group[this.#by]);
      column[place === undefined ? column.length - 1 : place] += count;
    }
    return column;
  }

  /** Times in seconds, and for each name the counts of it and of those below it. */
  #stacked(counts, starts) {
    const places = new Map(this.#shown.map((name, index) => [name, index]));
    const series = this.#shown.map(() => new Array(starts.length));
    const columns = new Map();
    starts.forEach((start, at) => {
      const column = this.#columns.get(start) || this.#column(counts, start, places);
      columns.set(start, column);
      let below = 0;
      column.forEach((count, index) => {
        below += count;
        series[index][at] = below;
      });
    });
    this.#columns = columns;
    return [starts.map(start => start / 1000), ...series];
  }

  #show(data) {
    const style = getComputedStyle(document.body);
    const looks = JSON.stringify([this.#shown, this.#box.clientWidth, style.color]);
    if (this.#looks === looks) {
      this.#plot.setData(data);
      return;
    }
    if (this.#plot) {
      this.#plot.destroy();
    }
    this.#plot = new uPlot(this.#options(style.color, data[0].length), data, this.#box);
    this.#looks = looks;
    this.#drawLegend();
  }

  #options(colour, points) {
    const axis = {stroke: colour, grid: {stroke: '#8884', width: 1}, ticks: {stroke: '#8884'}};
    return {
      width: this.#box.clientWidth,
      height: HEIGHT,
      legend: {show: false},
      cursor: {points: {show: false}, y: false, drag: {x: true, y: false, setScale: false}},
      hooks: {setSelect: [plot => this.#select(plot)]},
      scales: {y: {range: (plot, least, most) => [0, Math.max(1, most)]}},
      axes: [axis, {...axis, size: 70, values: (plot, ticks) => ticks.map(number)}],
      series: [{}, ...this.#shown.map((name, index) => ({
        label: name,
        stroke: COLOURS[index % COLOURS.length],
        dash: DASHES[index % DASHES.length],
        width: 2,
        points: {show: points < 60},
        fill: index === 0 ? COLOURS[0] + '55' : undefined,
      }))],
      bands: this.#shown.slice(1).map((name, index) => ({
        series: [index + 2, index + 1],
        fill: COLOURS[(index + 1) % COLOURS.length] + '55',
      })),
    };
  }

  #select(plot) {
    const {left, width} = plot.select;
    if (width > 0) {
      this.#zoomed(plot.posToVal(left, 'x') * 1000, plot.posToVal(left + width, 'x') * 1000);
      plot.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
    }
  }

  #drawLegend() {
    const svg = 'http://www.w3.org/2000/svg';
    this.#legend.replaceChildren(...this.#shown.map((name, index) => {
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

  /** What the picture shows, for those who do not see it. */
  #say(counts, starts) {
    const sizes = new Map();
    let all = 0;
    for (const sum of counts.sums.values()) {
      all += sum.count;
      sizes.set(sum[this.#by], (sizes.get(sum[this.#by]) || 0) + sum.count);
    }
    this.#text.textContent = `${number(all)} events in ${number(starts.length)} windows, stacked by ${this.#by}: `
      + this.#shown.filter(name => name !== OTHERS).map(name => `${name} ${number(sizes.get(name) || 0)}`).join(', ');
  }
}
