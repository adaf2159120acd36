"use strict";
// Sorts and filters the table; without it the table is still readable.
const table = document.querySelector("table");
const body = table.tBodies[0];
const rows = Array.from(body.rows);
const headers = Array.from(table.tHead.rows[0].cells);
const text = document.getElementById("text");
const ofClass = document.getElementById("class");
const shown = document.getElementById("shown");
const words = rows.map((row) => row.textContent.toLowerCase());
const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function number(cell) {
  const found = /^[−-]?\d+(\.\d+)?(?=\s|$)/.exec(cell);
  return found ? Number(found[0].replace("−", "-")) : NaN;
}

function compare(first, second) {
  const [a, b] = [number(first), number(second)];
  if (Number.isNaN(a) && Number.isNaN(b)) return order.compare(first, second);
  return Number.isNaN(a) ? 1 : Number.isNaN(b) ? -1 : a - b;
}

function sortBy(header, column) {
  const up = header.getAttribute("aria-sort") !== "ascending";
  headers.forEach((other) => other.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const keyed = rows.map((row) => [row.cells[column].textContent.trim(), row]);
  keyed.sort(([a], [b]) => (up ? compare(a, b) : compare(b, a)));
  body.append(...keyed.map(([, row]) => row));
}

function filter() {
  const wanted = text.value.trim().toLowerCase();
  const name = ofClass.value.toLowerCase();
  let count = 0;
  rows.forEach((row, at) => {
    row.hidden = !(words[at].includes(wanted) && words[at].includes(name));
    count += row.hidden ? 0 : 1;
  });
  shown.textContent = `${count} of ${rows.length} shown`;
}

headers.forEach((header, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => sortBy(header, column));
  header.append(button);
});
text.addEventListener("input", filter);
ofClass.addEventListener("input", filter);
document.querySelector(".find").hidden = false;
filter();
