/* The queue by keyboard, and how much is chosen. Without it every button works all the same. */
const rows = [...document.querySelectorAll("#mod-rows > li")];
const form = document.querySelector("[data-bulk]");
let at = -1;

function boxes() {
  return rows.map((row) => row.querySelector('input[name="item"]')).filter(Boolean);
}

function count() {
  const chosen = boxes().filter((box) => box.checked).length;
  const place = form.querySelector("[data-chosen]");
  place.textContent = chosen ? place.dataset.words.replace("{n}", String(chosen)) : "";
}

function move(step) {
  at = Math.min(Math.max(at + step, 0), rows.length - 1);
  rows[at].focus();
  rows[at].scrollIntoView({ block: "nearest" });
}

const keys = {
  j: () => move(1),
  k: () => move(-1),
  x: () => rows[at]?.querySelector('input[name="item"]')?.click(),
  a: () => rows[at]?.querySelector("[data-approve]")?.click(),
  o: () => rows[at]?.querySelector("[data-open]")?.click(),
};

if (form) {
  const all = form.querySelector("[data-all]");
  all.hidden = false;
  all.querySelector("input").addEventListener("change", (event) => {
    for (const box of boxes()) box.checked = event.target.checked;
    count();
  });
  document.addEventListener("change", (event) => {
    if (event.target.name === "item") count();
  });
}
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !rows.length) return;
  keys[event.key.toLowerCase()]?.();
});
