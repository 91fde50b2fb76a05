/** The page: pictures and questions go to /v1/chat/completions, answers are shown as they come. */
import { TEXTS } from "./texts.js";

const $ = (id) => document.getElementById(id);
const languages = Object.keys(TEXTS);
let language = navigator.language.startsWith("zh") ? "zh" : "en";
let model = "";
let messages = [];
let pictures = [];
let running = null;

const text = (name, values = {}) =>
  TEXTS[language][name].replace(/\{(\w)\}/g, (_, key) => values[key]);

function speak() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  $("question").placeholder = text("question");
  $("question").setAttribute("aria-label", text("question"));
  $("language").textContent = text("other");
  showPictures();
  look();
}

function headers() {
  const key = $("key").value.trim();
  return { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) };
}

/** Say whether the service is ready, and which model it serves. */
async function look() {
  let state = "away";
  try {
    const answer = await fetch("/readyz");
    state = answer.ok ? "ready" : "loading";
    const models = await fetch("/v1/models", { headers: headers() });
    if (models.status === 401) state = "needsKey";
    if (models.ok) model = (await models.json()).data[0].id;
  } catch (error) {
    state = "away";
  }
  $("dot").className = { ready: "ready", away: "failed" }[state] ?? "";
  $("state").textContent = state === "ready" || state === "loading" ? `${model} ${text(state)}` : text(state);
}

function asDataUri(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

async function add(files) {
  for (const file of files) if (file.type.startsWith("image/")) pictures.push(await asDataUri(file));
  showPictures();
  $("question").focus();
}

function image(url) {
  const shown = document.createElement("img");
  shown.src = url;
  shown.alt = "";
  return shown;
}

function showPictures() {
  $("pictures").replaceChildren(...pictures.map((url, index) => {
    const item = document.createElement("li");
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", text("remove"));
    remove.onclick = () => { pictures.splice(index, 1); showPictures(); };
    item.append(image(url), remove);
    return item;
  }));
}

function say(role, words, urls = []) {
  $("hint").hidden = true;
  const turn = document.createElement("article");
  turn.className = role;
  turn.append(...urls.map(image), words);
  $("talk").append(turn);
  turn.scrollIntoView({ block: "end" });
  return turn;
}

/** The events of a stream, one JSON value after another. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line.startsWith("data: {")) yield JSON.parse(line.slice(6));
  }
}

async function answerInto(turn) {
  const system = $("system").value.trim();
  const body = {
    model, stream: true, stream_options: { include_usage: true }, max_tokens: Number($("longest").value) || 512,
    messages: [...(system ? [{ role: "system", content: system }] : []), ...messages],
  };
  const began = performance.now();
  const answer = await fetch("/v1/chat/completions", {
    method: "POST", headers: headers(), body: JSON.stringify(body), signal: running.signal,
  });
  if (!answer.ok) {
    const wait = answer.headers.get("Retry-After");
    const { error } = await answer.json();
    throw new Error(error.message + (wait ? ` ${text("again", { n: wait })}` : ""));
  }
  let words = "", note = "", tokens = 0;
  for await (const event of events(answer.body)) {
    if (event.error) throw new Error(event.error.message);
    tokens = event.usage?.completion_tokens ?? tokens;
    for (const choice of event.choices) {
      words += choice.delta?.content ?? "";
      if (choice.finish_reason === "length") note = ` ${text("cut")}`;
    }
    turn.textContent = words;
  }
  const figures = document.createElement("small");
  figures.textContent = text("took", { s: ((performance.now() - began) / 1000).toFixed(1), n: tokens }) + note;
  turn.append(figures);
  return words;
}

async function ask() {
  const question = $("question").value.trim();
  const content = [
    ...pictures.map((url) => ({ type: "image_url", image_url: { url } })), { type: "text", text: question },
  ];
  messages.push({ role: "user", content });
  say("user", question, pictures);
  pictures = [];
  showPictures();
  $("question").value = "";
  const turn = say("assistant", "…");
  running = new AbortController();
  $("send").disabled = true;
  $("stop").hidden = false;
  try {
    messages.push({ role: "assistant", content: await answerInto(turn) });
  } catch (error) {
    // What was not answered is no part of the conversation.
    messages.pop();
    turn.classList.add("failed");
    turn.textContent = error.name === "AbortError" ? text("stopped") : error.message;
  } finally {
    running = null;
    $("send").disabled = false;
    $("stop").hidden = true;
    look();
  }
}

$("ask").addEventListener("submit", (event) => { event.preventDefault(); if (!running) ask(); });
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("ask").requestSubmit(); }
});
$("stop").addEventListener("click", () => running?.abort());
$("fresh").addEventListener("click", () => {
  running?.abort();
  messages = [];
  $("talk").replaceChildren($("hint"));
  $("hint").hidden = false;
});
$("language").addEventListener("click", () => {
  language = languages[(languages.indexOf(language) + 1) % languages.length];
  speak();
});
$("settings").addEventListener("submit", (event) => { event.preventDefault(); look(); });
$("key").addEventListener("change", look);
$("files").addEventListener("change", (event) => { add(event.target.files); });
document.addEventListener("paste", (event) => { if (event.clipboardData.files.length) add(event.clipboardData.files); });
document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  add(event.dataTransfer.files);
});
speak();
setInterval(() => { if (!running) look(); }, 5000);
