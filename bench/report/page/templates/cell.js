
// The page of a cell: an address that ends in #cell-KEY shows the record of that cell in place of the report.
const article = document.querySelector("#cell");
const ownTitle = document.title;
const SHOWN_APART = ["error", "eval", "validation", "curve", "schema"];
let unpacked = null;
// Of what is shown: what was asked for before comes too late.
let turn = 0;
// Where the report was left: its address, and how far down.
let left = { address: "#", height: 0 };

function unpack() {
  unpacked ??= (async () => {
    const text = atob(document.querySelector("#records").textContent);
    const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const lines = (await new Response(stream).text()).split("\n");
    return { index: JSON.parse(lines[0]), lines };
  })();
  return unpacked;
}

function add(parent, name, text = "") {
  const made = parent.appendChild(document.createElement(name));
  made.textContent = text;
  return made;
}

function shown(value) {
  if (typeof value === "number") {
    return Number.isInteger(value) ? value.toLocaleString("en") : String(Number(value.toPrecision(5)));
  }
  return typeof value === "string" ? value || "–" : JSON.stringify(value);
}

function isTree(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length > 0;
}

// Pairs of name and value, deeper ones by their path: recipe.auxiliary.names.
function flat(tree, path = "") {
  return Object.entries(tree).flatMap(([name, value]) =>
    isTree(value) ? flat(value, `${path}${name}.`) : [[path + name, value]]);
}

function addList(parent, title, pairs) {
  const block = add(parent, "section");
  add(block, "h3", title);
  const list = add(block, "dl");
  for (const [name, value] of pairs) {
    add(list, "dt", name);
    add(list, "dd", shown(value));
  }
}

// Metrics by domain tested on; of validation in the last column.
function addResults(record) {
  const tested = { ...record.eval, ...(record.validation && { validation: record.validation }) };
  const columns = Object.entries(tested).filter(([, found]) => isTree(found));
  const names = [...new Set(columns.flatMap(([, found]) => flat(found).map(([name]) => name)))];
  if (!names.length) {
    return;
  }
  add(article, "h3", "Results");
  const frame = add(article, "div");
  frame.className = "scroll";
  const table = add(frame, "table");
  const head = add(add(table, "thead"), "tr");
  for (const title of ["", ...columns.map(([name]) => name)]) {
    add(head, "th", title);
  }
  const body = add(table, "tbody");
  const found = columns.map(([, own]) => new Map(flat(own)));
  for (const name of names) {
    const row = add(body, "tr");
    add(row, "th", name);
    for (const own of found) {
      add(row, "td", own.has(name) ? shown(own.get(name)) : "");
    }
  }
}

function addCurve(curve) {
  if (!Array.isArray(curve) || !curve.length || !curve.every(Array.isArray)) {
    return;
  }
  add(article, "h3", "Learning curve");
  const place = add(article, "div");
  const [pairs, loss, accuracy] = [0, 1, 2].map((column) => curve.map((point) => point[column]));
  const line = (name, y, yaxis) => ({ type: "scatter", mode: "lines", name, x: pairs, y, yaxis });
  const layout = {
    height: 320,
    legend: { orientation: "h", y: 1.15 },
    xaxis: { title: { text: "training pairs seen" } },
    yaxis: { title: { text: "accuracy" } },
    yaxis2: { title: { text: "loss" }, overlaying: "y", side: "right", showgrid: false, tickmode: "auto" },
  };
  const data = [line("accuracy", accuracy, "y"), line("loss", loss, "y2")];
  const drawn = layoutOf({ layout }, place.clientWidth);
  Plotly.newPlot(place, data, { ...drawn, margin: { ...drawn.margin, r: 56 } }, { responsive: true, displayModeBar: false });
}

function addRecord(record, command) {
  const title = `${record.fusion} × ${record.backbone}`;
  document.title = `${title} · ${record.repeats ?? "seed"} ${record.seed}`;
  add(article, "h1", title);
  const warmup = record.warmup?.task ?? "none";
  const told = [record.domain, record.protocol, `warm-up ${warmup}`, `${record.repeats ?? "seed"} ${record.seed}`, record.status];
  add(article, "p", told.join(" · "));
  if (record.error) {
    add(article, "p", [record.error.type, record.error.message].filter(Boolean).join(": ")).className = "mixed";
    add(article, "pre", record.error.traceback ?? "").hidden = !record.error.traceback;
  }
  addResults(record);
  addCurve(record.curve);
  const rest = Object.entries(record).filter(([name]) => !SHOWN_APART.includes(name));
  const blocks = add(article, "div");
  blocks.className = "blocks";
  for (const [name, value] of rest.filter(([, one]) => isTree(one))) {
    addList(blocks, name, flat(value));
  }
  addList(blocks, "other fields", rest.filter(([, value]) => !isTree(value)));
  if (command) {
    add(article, "h3", "The run that it is of");
    add(article, "pre", command);
  }
}

function addPage(key, found) {
  if (!Object.hasOwn(found.index, key)) {
    add(article, "p", `This page holds ${Object.keys(found.index).length} records, and none of this key.`);
    return;
  }
  const [line, command] = found.index[key];
  addRecord(JSON.parse(found.lines[line]), command);
}

async function followAddress() {
  const key = keyOf(location.hash);
  const own = ++turn;
  document.body.classList.toggle("one-cell", key !== "");
  article.hidden = key === "";
  article.replaceChildren();
  if (!key) {
    document.title = ownTitle;
    // Figures that were drawn, or drawn anew, while nothing of them was to be seen.
    window.dispatchEvent(new Event("resize"));
    if (location.hash === left.address || location.hash === "") {
      window.scrollTo(0, left.height);
    } else {
      document.getElementById(location.hash.slice(1))?.scrollIntoView();
    }
    return;
  }
  window.scrollTo(0, 0);
  const back = Object.assign(document.createElement("a"), { href: left.address, textContent: "← the report" });
  add(article, "p").append(back);
  const found = await unpack().catch((error) => error);
  if (own !== turn) {
    return;
  }
  if (found instanceof Error) {
    add(article, "p", `This browser cannot unpack records: ${found.message}`);
  } else {
    addPage(key, found);
  }
  add(article, "h3", "On the command line");
  add(article, "pre", `bench show ${key}`);
}

function keyOf(address) {
  return address.startsWith("#cell-") ? address.slice(6) : "";
}

document.querySelector("main").addEventListener("click", (event) => {
  if (event.target.closest("a[href^='#cell-']")) {
    left = { address: location.hash || "#", height: window.scrollY };
  }
});
window.addEventListener("hashchange", followAddress);
// The colours of its curve are of the scheme that it was drawn in.
dark.addEventListener("change", async () => {
  if (keyOf(location.hash)) {
    const height = window.scrollY;
    await followAddress();
    window.scrollTo(0, height);
  }
});
followAddress();
