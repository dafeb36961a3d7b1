// What the pages do by themselves: colours, the live page, its buttons. No part comes from elsewhere.
"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const key = document.querySelector('meta[name="rowlog-key"]').content;
  const body = document.body;
  const put = (id, text) => { const at = $(id); if (at && at.textContent !== text) at.textContent = text; };
  const make = (tag, look, text) => {
    const made = document.createElement(tag);
    if (look) made.className = look;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  // ------------------------------------------------------------------ colours
  const themes = { dark: "Dark", light: "Light", auto: "Auto" };
  $("theme").addEventListener("click", () => {
    const names = Object.keys(themes), root = document.documentElement;
    const name = names[(names.indexOf(root.dataset.theme) + 1) % names.length];
    root.dataset.theme = name;
    $("theme").textContent = themes[name];
    $("theme").setAttribute("aria-label", "Colours: " + name);
    document.cookie = `rowlog_theme=${name}; path=/; max-age=31536000; samesite=strict`;
  });

  const onLive = body.classList.contains("on-live");

  // ------------------------------------------------------------------ commands
  async function post(path, said) {
    let answer;
    try {
      answer = await fetch(path, {
        method: "POST",
        headers: { "content-type": "application/json", "x-rowlog-key": key },
        body: JSON.stringify(said),
      });
    } catch {
      throw new Error("The recording cannot be reached at the moment.");
    }
    if (answer.ok) return;
    let text = "That was not possible.";
    try { text = (await answer.json()).error || text; } catch { /* not ours */ }
    throw new Error(text);
  }
  let saying = 0;
  function say(text) {
    if (!onLive) return;
    put("said", text);
    clearTimeout(saying);
    saying = setTimeout(() => put("said", ""), 2500);
  }
  const pressed = { next: "Skipped", undo: "Taken back", mark: "Marked", extend: "Longer", pause: "Paused", end: "Ending …" };
  async function press(label) {
    if (label === "pause" && state.now && state.now.paused) say("On");
    else say(pressed[label]);
    try { await post("/press", { label }); } catch (error) { say(error.message); }
  }

  // ------------------------------------------------------------------ the feed
  const state = { stage: body.dataset.stage, heard: performance.now(), now: null, ends: null, speed: 1, connected: false };
  let socket = null, wait = 300, guard = 0;
  function connect() {
    clearTimeout(guard);
    const url = (location.protocol === "https:" ? "wss://" : "ws://") + location.host + "/feed";
    socket = new WebSocket(url);
    state.heard = performance.now();
    socket.onopen = () => { wait = 300; state.connected = true; };
    socket.onmessage = (event) => {
      state.heard = performance.now();
      const said = JSON.parse(event.data);
      if (said.kind === "alive") {
        // Another run of the server: its pages have another key.
        if (said.key !== key) location.reload();
      } else if (said.kind === "stage") onStage(said);
      else if (onLive && said.kind === "now") onNow(said);
      else if (onLive && said.kind === "past") onPast(said);
      else if (onLive && said.kind === "told") $("told").append(make("li", "", said.text));
    };
    socket.onclose = lost;
  }
  function lost() {
    state.connected = false;
    // In growing steps, not all viewers at once; at most every 5 s.
    guard = setTimeout(connect, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 1.7, 5000);
  }
  connect();
  // The server says something every 5 s: a line that is dead without a word is given up.
  setInterval(() => {
    if (performance.now() - state.heard < 12000 || socket.readyState > WebSocket.OPEN) return;
    socket.onclose = null;
    socket.close();
    lost();
  }, 1000);
  addEventListener("online", () => { if (!state.connected) { wait = 300; connect(); } });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      if (!state.connected && socket.readyState === WebSocket.CLOSED) { wait = 300; connect(); }
      awake();
    }
  });

  function onStage(said) {
    state.stage = said.stage;
    body.dataset.stage = said.stage;
    if (!onLive) return;
    const stage = said.stage;
    state.elsewhere = Boolean(said.elsewhere);
    $("opening").hidden = true;
    for (const button of document.querySelectorAll(".controls [data-press], #end")) button.hidden = state.elsewhere;
    $("elsewhere").hidden = !state.elsewhere;
    $("row").hidden = stage !== "recording";
    $("waiting").hidden = stage !== "connecting";
    $("over").hidden = stage !== "ended";
    $("idle").hidden = !(stage === "idle" || (stage === "ended" && $("start")));
    if (stage === "connecting") { $("told").textContent = ""; state.now = null; }
    if (stage === "ended") {
      put("over-head", said.error ? (said.session ? "The recording has stopped" : "No session") : "The session has ended");
      put("over-text", said.error || "All of it is stored.");
      const number = said.session || state.session;
      $("over-link").href = number ? "/sessions/" + number : "/sessions";
      put("over-link", number ? "See the session" : "To the sessions");
      put("start-error", "");
    }
    awake();
  }
  if (!onLive) return;

  // ------------------------------------------------------------------ the numbers
  const phases = { waiting: "Ready: row", work: "", rest: "Rest", pause: "Stopped", done: "Plan done", ended: "Ended" };
  function onNow(now, at) {
    state.now = now;
    state.at = at || performance.now();
    // While a key holds the piece its clock stands.
    state.ends = now.countdown === null || now.paused ? null : state.at + (now.countdown * 1000) / now.speed;
    const rested = now.phase === "rest" && now.pace === "–" && now.last;
    put("pace", rested ? now.last : now.pace); put("pace-label", rested ? "Last piece" : "Pace");
    put("rate", now.rate); put("watts", now.watts);
    $("watts").classList.toggle("long", now.watts.length > 3);
    put("hr", now.hr); put("metres", now.metres); put("elapsed", now.elapsed);
    const tile = $("tile-hr");
    if (now.zone_place !== null && now.zone_place >= 0) tile.dataset.zone = now.zone_place;
    else delete tile.dataset.zone;
    tile.classList.toggle("over", now.ceiling !== null);
    put("hr-label", now.ceiling !== null ? "" : "Heart");
    put("zone", now.ceiling !== null ? "▲ above " + now.ceiling : now.zone || "");
    put("course", now.course); put("fallen", now.fallen);
    const [number, count] = now.number_of;
    let phase = now.paused ? "Paused" : phases[now.phase];
    if (now.phase === "work" && !now.paused) phase = count && count > 1 ? `Piece ${number} of ${count}` : "Row";
    if (now.piece && now.phase === "work" && count && !now.paused) phase += count > 1 ? `: ${now.piece}` : ` ${now.piece}`;
    put("phase", phase);
    put("next", now.next && now.phase !== "done" ? (now.phase === "waiting" ? "First: " : "Next: ") + now.next : "");
    $("row").classList.toggle("resting", now.phase === "rest");
    put("pause", now.paused ? "Go on" : "Pause");
    $("trouble").hidden = !now.trouble;
    put("trouble", now.trouble || "");
    const held = $("held"), wanted = JSON.stringify(now.held);
    if (held.dataset.was !== wanted) {
      held.dataset.was = wanted;
      const signs = { in: "✓", below: "▼", above: "▲", unknown: "·" };
      held.replaceChildren(...now.held.map((one) =>
        make("li", one.state, `${signs[one.state]} ${one.name} ${one.limits}${one.advice ? ": " + one.advice : ""}`)));
    }
    if (state.strip && now.at !== null && now.share !== null) {
      const rect = $("strip").children[now.at]?.querySelector("rect");
      if (rect) rect.setAttribute("width", (100 * now.share).toFixed(1) + "%");
    }
    tick();
  }
  const clock = (s) => {
    s = Math.max(0, Math.ceil(s - 0.001));
    const two = (n) => String(n).padStart(2, "0"), m = Math.floor(s / 60);
    return m >= 60 ? `${Math.floor(m / 60)}:${two(m % 60)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
  };
  let cued = "";
  function tick() {
    const now = state.now, t = performance.now();
    const old = state.stage === "recording" && now !== null && t - state.at > 3000;
    const age = now && now.age !== null ? now.age + (state.stage === "recording" ? ((t - state.at) / 1000) * now.speed : 0) : 0;
    const silent = !old && now && state.stage === "recording" && age > 5 * now.speed;
    $("stale").hidden = !(old || silent);
    const seconds = Math.floor(old ? (t - state.at) / 1000 : age);
    put("stale", old ? `No news for ${seconds} s. ${state.connected ? "" : "Connecting again …"}` : silent ? `No device heard for ${seconds} s.` : "");
    $("row").classList.toggle("old", Boolean(old || silent));
    if (!now || state.stage !== "recording") return;
    let go = now.go, left = null;
    if (state.ends !== null && !old) left = Math.max(0, ((state.ends - t) / 1000) * now.speed);
    const timed = go && go[2] === "time";
    put("go-label", !go ? "" : go[2] === "since" ? "Time" : now.phase === "rest" ? "Rest" : "To go");
    put("go", !go ? "–" : timed && left !== null ? clock(left) : go[0]);
    put("go-unit", go ? go[1] : "");
    const counting = left !== null && left <= 5 && now.phase !== "done" && (timed || now.phase === "rest");
    $("row").classList.toggle("counting", counting);
    const cue = counting && left <= 3.05 ? (now.next === null ? "End" : now.next_work ? "Row" : "Rest") + " in " + Math.ceil(left) : "";
    if (cue !== cued) { cued = cue; $("cue").hidden = !cue; put("cue", cue); }
    if (counting) put("go-label", now.next === null ? "End in" : now.next_work ? "Row in" : "Rest in");
  }
  setInterval(tick, 100);

  // ------------------------------------------------------------------ what grows slowly
  addEventListener("resize", () => {
    if (!state.past) return;
    delete $("strip").dataset.was;
    onPast(state.past);
    if (state.now) onNow(state.now, state.at);
  });
  function onPast(past) {
    state.past = past;
    state.session = past.session;
    const strip = $("strip"), plan = JSON.stringify(past.strip);
    state.strip = past.strip.length > 0;
    if (strip.dataset.was !== plan) {
      strip.dataset.was = plan;
      const total = past.strip.reduce((sum, one) => sum + one.weight, 0) || 1;
      strip.replaceChildren(...past.strip.map((one) => {
        const item = make("li", `${one.kind} ${one.state}`);
        item.style.flexGrow = one.weight;
        if (one.state === "now") {
          item.innerHTML = '<svg aria-hidden="true"><rect height="100%" width="0"/></svg>';
          item.setAttribute("aria-current", "step");
        }
        const words = one.name === "row" || one.name === "rest" ? one.text : `${one.text} ${one.name}`;
        const room = (one.weight / total) * strip.clientWidth > 9 * one.text.length + 6;
        item.append(make("span", room ? "" : "hidden", (one.name === "rest" && !room ? "rest " : "") + (room ? one.text : words)));
        return item;
      }));
    }
    $("reps-part").hidden = past.reps.length === 0;
    const reps = $("reps"), rows = JSON.stringify(past.reps);
    if (reps.dataset.was !== rows) {
      reps.dataset.was = rows;
      reps.replaceChildren(...past.reps.slice().reverse().map((cells) => {
        const row = make("tr", "work");
        cells.forEach((cell, at) => {
          const made = make(at ? "td" : "th", at < 2 ? "words" : "", cell);
          if (!at) made.scope = "row";
          row.append(made);
        });
        return row;
      }));
    }
    draw("hr", past.hr, 30, false);
    draw("watts", past.watts, 60, true);
    $("sources").replaceChildren(...past.sources.map((one) => {
      let text = one.name;
      if (one.state === "waiting") text += ": nothing heard yet";
      if (one.state === "silent" || one.state === "lost") {
        text += ": " + (one.trouble || (one.state === "lost" ? "lost" : "silent"));
        if (one.age !== null) text += ` for ${one.age} s`;
        if (one.advice) text += ". " + one.advice;
      } else if (one.gaps) text += ` (${one.gaps} ${one.gaps === 1 ? "gap" : "gaps"})`;
      return make("li", one.state, text);
    }));
  }
  function draw(name, values, least, fromZero) {
    const known = values.filter((v) => v !== null);
    const path = $(name + "-trace");
    if (!known.length) { path.setAttribute("d", ""); put(name + "-range", ""); return; }
    let low = fromZero ? 0 : Math.min(...known), high = Math.max(...known);
    if (high - low < least) high = low + least;
    let d = "", pen = false;
    values.forEach((v, at) => {
      if (v === null) { pen = false; return; }
      const x = 300 - (values.length - 1 - at), y = 94 - ((v - low) / (high - low)) * 88;
      d += (pen ? "L" : "M") + x + " " + y.toFixed(1);
      pen = true;
    });
    path.setAttribute("d", d);
    put(name + "-range", `${Math.min(...known)} – ${Math.max(...known)}, last 5 min`);
  }

  // ------------------------------------------------------------------ buttons and keys
  document.querySelectorAll("[data-press]").forEach((button) =>
    button.addEventListener("click", () => press(button.dataset.press)));
  const sure = $("sure");
  const ask = () => { if (!sure.open) { sure.showModal(); $("sure-no").focus(); } };
  $("end").addEventListener("click", ask);
  $("sure-no").addEventListener("click", () => sure.close());
  $("sure-yes").addEventListener("click", () => { sure.close(); press("end"); });
  $("giveup")?.addEventListener("click", () => post("/giveup", {}).catch((error) => say(error.message)));
  const full = $("full");
  if (document.documentElement.requestFullscreen) {
    full.hidden = false;
    full.addEventListener("click", fullscreen);
    document.addEventListener("fullscreenchange", () => put("full", document.fullscreenElement ? "Small screen" : "Full screen"));
  }
  function fullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen().catch(() => say("The browser allows no full screen."));
  }
  const keys = { n: "next", u: "undo", p: "pause", e: "extend", m: "mark" };
  addEventListener("keydown", (event) => {
    if (state.stage !== "recording" || sure.open || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.closest("input, select, textarea, summary")) return;
    if (event.key !== "f" && state.elsewhere) return;
    if (keys[event.key]) press(keys[event.key]);
    else if (event.key === "q") ask();
    else if (event.key === "f" && !full.hidden) fullscreen();
    else return;
    event.preventDefault();
  });

  // ------------------------------------------------------------------ the screen stays on
  let lock = null;
  async function awake() {
    if (state.stage !== "recording") { lock?.release(); lock = null; put("awake", ""); return; }
    if (!window.isSecureContext || !navigator.wakeLock) {
      put("awake", "This page cannot keep the screen on: browsers allow that only on the computer itself or over https. Set this device's screen to stay on.");
      return;
    }
    if (lock && !lock.released) return;
    try { lock = await navigator.wakeLock.request("screen"); put("awake", "The screen stays on while you row."); }
    catch { put("awake", "The browser does not keep the screen on (a battery saver can be why)."); }
  }

  // ------------------------------------------------------------------ starting
  const form = $("start");
  if (form) {
    let asked = 0;
    const plan = form.elements.plan;
    const look = async () => {
      const mine = ++asked;
      try {
        const found = await (await fetch("/plan?text=" + encodeURIComponent(plan.value))).json();
        if (mine !== asked) return;
        put("sums", found.error || (found.plan && found.plan !== plan.value ? found.plan + ": " : "") + found.sums);
        $("sums").classList.toggle("error-text", Boolean(found.error));
        plan.setAttribute("aria-invalid", found.error ? "true" : "false");
      } catch { /* told when it is started */ }
    };
    let typing = 0;
    plan.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(look, 250); });
    look();
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      put("start-error", "");
      const said = Object.fromEntries(new FormData(form).entries());
      try { await post("/start", said); } catch (error) { put("start-error", error.message); }
    });
  }
})();
