// The sums of the chosen counts: sorted, and searched for a type.

import {number, put} from './text.js';

const SHOWN_ROWS = 500;
const COLUMNS = 4;

export class Table {
  #rows;
  #more;
  #sort = {column: 'count', up: false};

  constructor(rows, more) {
    this.#rows = rows;
    this.#more = more;
  }

  /** By that column, or the other way round. Says whether the least is the first then. */
  sortBy(column) {
    const isSame = this.#sort.column === column;
    this.#sort = {column, up: isSame ? !this.#sort.up : column !== 'count' && column !== 'last'};
    return this.#sort.up;
  }

  draw(counts, search) {
    const found = [...counts.sums.values()].filter(sum => sum.type.toLowerCase().includes(search.toLowerCase()));
    const {column, up} = this.#sort;
    const direction = up ? 1 : -1;
    found.sort((a, b) => direction * (typeof a[column] === 'number'
      ? a[column] - b[column] : a[column].localeCompare(b[column])) || a.type.localeCompare(b.type));
    const shown = Math.min(found.length, SHOWN_ROWS);
    // rows are written anew and not made anew: that is dear, and loses what a reader has selected
    while (this.#rows.children.length < shown) {
      this.#rows.append(Table.#row());
    }
    while (this.#rows.children.length > shown) {
      this.#rows.lastChild.remove();
    }
    for (let at = 0; at < shown; at++) {
      const sum = found[at];
      const cells = this.#rows.children[at].children;
      put(cells[0], sum.type);
      put(cells[1], sum.outcome);
      put(cells[2], number(sum.count));
      put(cells[3], new Date(sum.last).toISOString().replace('T', ' ').replace('.000Z', ' UTC'));
    }
    put(this.#more, found.length > SHOWN_ROWS
      ? `The first ${SHOWN_ROWS} of ${number(found.length)}: search for the others.` : '');
  }

  static #row() {
    const row = document.createElement('tr');
    for (let column = 0; column < COLUMNS; column++) {
      row.append(document.createElement('td'));
    }
    row.children[2].classList.add('number');
    return row;
  }
}
