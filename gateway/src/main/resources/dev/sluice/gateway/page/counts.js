// What the counts are, by window and group, and the sums of the windows that are chosen. Sums are kept as rows come: a day of
// two hundred types has 288,000 of them, and a picture looks at none.

const MOST_WINDOWS = 3000;
export const MALFORMED = '(malformed)';

export class Counts {
  /** Counts by group, by the start of their window in ms. */
  #windows = new Map();
  /** One object of each, {type, outcome}, by type and outcome. */
  #groups = new Map();
  #from = Infinity;
  #to = Infinity;

  /** Starts of the windows that are chosen. */
  chosen = new Set();
  /** Of the chosen windows, by group: {type, outcome, count, windows, last}. */
  sums = new Map();
  /** Starts of chosen windows that were not told to a picture yet. */
  changed = new Set();

  isEmpty() {
    return this.#windows.size === 0;
  }

  newest() {
    let newest = -Infinity;
    for (const start of this.#windows.keys()) {
      newest = Math.max(newest, start);
    }
    return newest;
  }

  /** Counts by group of a window. */
  of(start) {
    return this.#windows.get(start);
  }

  clear() {
    this.#windows.clear();
    this.#forgetChoice();
  }

  /** Rows as the gateway has them; a count takes the place of the one before. */
  take(rows) {
    for (const row of rows) {
      const start = Date.parse(row.window_start);
      const group = this.#group(row);
      let counts = this.#windows.get(start);
      if (!counts) {
        counts = new Map();
        this.#windows.set(start, counts);
        if (start >= this.#from && start < this.#to) {
          this.chosen.add(start);
        }
      }
      const before = counts.get(group);
      counts.set(group, row.count);
      if (this.chosen.has(start)) {
        this.#add(group, start, row.count - (before || 0), before === undefined ? 1 : 0);
        this.changed.add(start);
      }
    }
  }

  /** Chooses the windows that start from one time on and before another, in ms. */
  choose(from, to) {
    if (from < this.#from || to < this.#to) {
      this.#forgetChoice();
    }
    this.#from = from;
    this.#to = to;
    for (const start of this.#windows.keys()) {
      const isIn = start >= from && start < to;
      if (isIn !== this.chosen.has(start)) {
        this.#move(start, isIn ? 1 : -1);
      }
    }
    this.#forgetOld();
  }

  #group(row) {
    const type = row.event_type === null ? MALFORMED : row.event_type;
    const key = type + ' ' + row.outcome;
    let group = this.#groups.get(key);
    if (!group) {
      group = {type, outcome: row.outcome};
      this.#groups.set(key, group);
    }
    return group;
  }

  #move(start, sign) {
    if (sign > 0) {
      this.chosen.add(start);
    } else {
      this.chosen.delete(start);
    }
    this.changed.add(start);
    for (const [group, count] of this.#windows.get(start)) {
      this.#add(group, start, sign * count, sign);
    }
  }

  #add(group, start, count, windows) {
    let sum = this.sums.get(group);
    if (!sum) {
      sum = {...group, count: 0, windows: 0, last: 0};
      this.sums.set(group, sum);
    }
    sum.count += count;
    sum.windows += windows;
    // a choice that moves on loses its oldest windows alone
    sum.last = Math.max(sum.last, start);
    if (sum.windows === 0) {
      this.sums.delete(group);
    }
  }

  #forgetChoice() {
    this.chosen.clear();
    this.sums.clear();
    this.changed.clear();
    this.#from = Infinity;
    this.#to = Infinity;
  }

  #forgetOld() {
    if (this.#windows.size > MOST_WINDOWS) {
      for (const start of [...this.#windows.keys()].sort((a, b) => a - b)) {
        if (this.#windows.size > MOST_WINDOWS && !this.chosen.has(start)) {
          this.#windows.delete(start);
        }
      }
    }
  }
}
