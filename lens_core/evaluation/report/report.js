// What the page can do beyond reading: a larger matrix, the photo behind a dot of the map.
"use strict";

for (const figure of document.querySelectorAll(".matrix")) {
  const drawing = figure.querySelector(".field svg");
  const said = figure.querySelector("output");
  let zoom = 1;
  figure.querySelector(".tools").hidden = false;
  figure.addEventListener("click", (event) => {
    const factor = Number(event.target.dataset.zoom);
    if (!factor) return;
    zoom = Math.min(12, Math.max(1, zoom * factor));
    figure.querySelector(".field").style.setProperty("--zoom", zoom);
  });
  drawing.addEventListener("pointerover", (event) => {
    const title = event.target.closest("g")?.querySelector("title");
    if (title) said.textContent = title.textContent;
  });
}

for (const map of document.querySelectorAll(".map")) {
  const dots = [...map.querySelectorAll("[data-picture]")];
  const peek = map.querySelector(".peek");
  const said = document.querySelector(".peek-text");
  const ordered = [...dots].sort((a, b) => a.x.baseVal.value - b.x.baseVal.value);
  let at = -1;

  const show = (dot) => {
    dots.forEach((other) => other.classList.toggle("shown", other === dot));
    peek.hidden = !dot;
    if (!dot) return;
    const here = dot.getBoundingClientRect();
    const field = map.getBoundingClientRect();
    peek.querySelector("use").setAttribute("href", `#${dot.dataset.picture}`);
    peek.querySelector("figcaption").textContent = dot.dataset.label;
    const left = Math.min(here.left - field.left + 14, field.width - peek.offsetWidth - 4);
    const below = here.top - field.top + 14;
    const top = below + peek.offsetHeight > field.height ? below - peek.offsetHeight - 28 : below;
    peek.style.left = `${Math.max(4, left)}px`;
    peek.style.top = `${Math.max(4, top)}px`;
  };

  map.addEventListener("pointerover", (event) => {
    const dot = event.target.closest("[data-picture]");
    if (dot) show(dot);
  });
  map.addEventListener("pointerleave", () => show(null));
  map.addEventListener("blur", () => show(null));
  map.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") show(null);
    if (!step) return;
    event.preventDefault();
    at = (at + step + ordered.length) % ordered.length;
    show(ordered[at]);
    said.textContent = ordered[at].dataset.label;
  });
}
