// How things are said.

export const element = id => document.getElementById(id);

export const number = value => Math.round(value).toLocaleString('en');

export const seconds = value => (value < 10 ? value.toFixed(1) : number(value)) + ' s';

/** Puts a text where it is not there yet: a screen reader would read it again. */
export function put(place, text) {
  if (place.textContent !== text) {
    place.textContent = text;
  }
}
