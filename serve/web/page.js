// The page: takes a picture by choosing, dropping, pasting or photographing,
// sends it to POST /predict and shows the ranking, then asks POST /explain which
// parts of it point to a class.

const $ = (id) => document.getElementById(id);

// Everything about the picture that is shown; a newer picture replaces it, and
// answers for older ones are ignored.
let current = null;

function say(text, bad = false) {
  $("status").textContent = text;
  $("status").classList.toggle("bad", bad);
}

function address(path, parameters) {
  const q = new URLSearchParams(parameters);
  if ($("model").value) q.set("model", $("model").value);
  return path + "?" + q;
}

// ask is fetch with the token that the service may want: it is asked for once, and
// kept until the tab is closed.
async function ask(url, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem("token");
    const response = await fetch(url, token ? { ...options, headers: { Authorization: `Bearer ${token}` } } : options);
    if (response.status !== 401) return response;
    const given = prompt(token ? "The service does not know this token. Another one:" : "The service wants a token:");
    if (!given) return response;
    sessionStorage.setItem("token", given.trim());
  }
}

async function send(path, parameters, picture, signal) {
  const response = await ask(address(path, parameters), { method: "POST", body: picture, signal });
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`the server answered ${response.status} ${response.statusText}`);
  }
  if (!response.ok) throw new Error(answer.error || `the server answered ${response.status}`);
  return answer;
}

const percent = (share) => (share >= 0.9995 ? "> 99.9 %" : share < 0.0005 ? "< 0.1 %" : (100 * share).toFixed(1) + " %");

async function classify(picture) {
  if (current) {
    current.abort.abort();
    if (current.preview) URL.revokeObjectURL(current.preview);
  }
  const mine = (current = { picture, abort: new AbortController(), preview: URL.createObjectURL(picture), explained: {}, chosen: null });
  say("Looking at the picture…");
  $("result").classList.add("busy");
  try {
    const ranking = await send("predict", { topk: 5 }, picture, mine.abort.signal);
    if (mine !== current) return;
    show(mine, ranking);
    say("");
    await explain(mine, ranking.find((score) => !score.reasons).label);
  } catch (error) {
    if (mine !== current || error.name === "AbortError") return;
    if (!mine.ranking) $("result").hidden = true;
    say(`That did not work: ${error.message}.`, true);
  } finally {
    if (mine === current) $("result").classList.remove("busy");
  }
}

function show(mine, ranking) {
  mine.ranking = ranking;
  $("result").hidden = false;
  $("view").src = mine.preview;
  const [{ label, score, number, reasons = [], set }] = ranking;
  const answer = number ? `${label} ${Number(score.toPrecision(5))}` : label;
  $("view").alt = reasons.length ? "The picture, which is unknown to the model" : number ? `The picture: ${answer}` : `The picture, most likely ${label}`;
  $("answer").textContent = answer;
  $("reasons").hidden = !reasons.length;
  $("reasons").textContent = reasons.map(({ text }) => text).join("; ");
  $("set").hidden = !set;
  $("set").textContent = set ? `One of: ${set.join(", ")}` : "";
  $("heat").hidden = true;
  $("caption").textContent = "";
  $("ranking").replaceChildren(
    ...ranking.filter((score) => !score.reasons).map(({ label, score, number }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.label = label;
      button.setAttribute("aria-pressed", "false");
      const name = document.createElement("span");
      name.className = "name";
      name.textContent = label;
      const share = document.createElement("span");
      share.className = "share";
      share.textContent = number ? String(Number(score.toPrecision(5))) : percent(score);
      const meter = document.createElement("meter");
      meter.max = 1;
      meter.value = score;
      meter.setAttribute("aria-hidden", "true");
      button.append(name, share, ...(number ? [] : [meter]));
      button.addEventListener("click", () => explain(mine, label).catch((error) => say(`That did not work: ${error.message}.`, true)));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
  $("answer").focus({ preventScroll: true });
  $("result").scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

async function explain(mine, label) {
  mine.chosen = label;
  const found = (mine.explained[label] ??= await send("explain", { class: label }, mine.picture, mine.abort.signal));
  if (mine !== current || mine.chosen !== label) return;
  for (const b of $("ranking").querySelectorAll("button")) b.setAttribute("aria-pressed", String(b.dataset.label === label));
  mine.found = found;
  $("heat").hidden = false;
  picture(mine);
  say("");
}

function picture(mine) {
  const heat = $("heat").getAttribute("aria-pressed") === "true";
  $("view").src = heat ? mine.found.overlay : mine.found.view;
  $("view").alt = heat ? `Bright parts of the picture point to ${mine.found.label}` : "What the model saw of the picture";
  $("caption").textContent = heat ? `Bright parts point to \u2068${mine.found.label}\u2069.` : "What the model saw.";
}

$("heat").addEventListener("click", () => {
  $("heat").setAttribute("aria-pressed", String($("heat").getAttribute("aria-pressed") !== "true"));
  if (current?.found) picture(current);
});

function first(list) {
  const files = [...(list ?? [])];
  const file = files.find((f) => f.type.startsWith("image/")) ?? files[0];
  if (file) classify(file);
  return Boolean(file);
}

for (const [button, input] of [["choose", "file"], ["photo", "camera"]]) {
  $(button).addEventListener("click", () => $(input).click());
  $(input).addEventListener("change", () => {
    first($(input).files);
    $(input).value = ""; // so that the same file can be chosen again
  });
}

addEventListener("paste", (event) => {
  if (!first(event.clipboardData?.files)) say("There is no picture on the clipboard.", true);
});

let depth = 0; // dragenter and dragleave come for every element
addEventListener("dragenter", (event) => {
  event.preventDefault();
  depth++;
  $("drop").classList.add("over");
});
addEventListener("dragleave", () => {
  if (--depth <= 0) $("drop").classList.remove("over");
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  $("drop").classList.remove("over");
  if (!first(event.dataTransfer?.files)) say("That was no picture file.", true);
});

$("model").addEventListener("change", () => current && classify(current.picture));

try {
  const models = await (await ask("models")).json();
  $("model").replaceChildren(...models.map((m) => new Option(`${m.name} (${m.labels.length} classes)`, m.name)));
  $("which").hidden = models.length < 2;
} catch {
  say("The list of models could not be loaded; reload the page when the server is back.", true);
}
