"use strict";
// Draws each figure once it comes into sight, in the colours of the page, and again when those or the view change.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const figures = [...document.querySelectorAll("figure")];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function layoutOf(view, width) {
  const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--line"), automargin: true };
  const narrow = width < 600;
  const own = view.layout;
  return {
    height: 460,
    margin: { l: narrow ? 48 : 70, r: 16, t: 24, b: 56 },
    legend: narrow ? { orientation: "h", y: -0.25, font: { size: 10 } } : {},
    ...own,
    xaxis: { ...axis, ...own.xaxis },
    yaxis: { ...axis, ...own.yaxis },
    font: { color: colour("--text"), size: narrow ? 11 : 13 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--quiet"), activecolor: colour("--text") },
  };
}

function draw(figure) {
  const views = JSON.parse(figure.querySelector("script").textContent);
  const select = figure.querySelector("select");
  const view = views[select ? Number(select.value) : 0];
  const place = figure.querySelector(".plot");
  const options = { responsive: true, displaylogo: false, displayModeBar: place.clientWidth < 600 ? false : "hover" };
  return Plotly.react(place, view.data, layoutOf(view, place.clientWidth), options).then(() => {
    figure.dataset.drawn = view.name;
  });
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) {
      seen.unobserve(entry.target);
      draw(entry.target);
    }
  }
}, { rootMargin: "400px" });

for (const figure of figures) {
  seen.observe(figure);
  figure.querySelector("select")?.addEventListener("change", () => draw(figure));
}

// The tables' styles follow a class of the document.
function follow() {
  document.documentElement.classList.toggle("dark", dark.matches);
  figures.filter((figure) => figure.dataset.drawn).forEach(draw);
}
dark.addEventListener("change", follow);
follow();
