"use strict";
(() => {
  const html = document.documentElement;
  const root = html.dataset.root;
  const at = (id) => document.getElementById("site:" + id);
  // A page from a disk may be kept from storing anything: then nothing is remembered.
  const stored = (value) => {
    try {
      if (value === undefined) return localStorage.getItem("specc-theme");
      localStorage.setItem("specc-theme", value);
    } catch { }
    return null;
  };
  html.classList.add("js");
  const theme = stored();
  if (theme === "dark" || theme === "light") html.dataset.theme = theme;

  const make = (tag, text, classes) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    if (classes) made.className = classes;
    return made;
  };

  function themes() {
    const button = at("theme");
    const dark = () => html.dataset.theme ? html.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const name = () => {
      button.textContent = dark() ? "Light" : "Dark";
      button.setAttribute("aria-label", dark() ? "Use light colours" : "Use dark colours");
    };
    button.addEventListener("click", () => {
      html.dataset.theme = dark() ? "light" : "dark";
      stored(html.dataset.theme);
      name();
    });
    name();
  }

  function menu() {
    const button = at("menu");
    button.addEventListener("click", () => {
      const open = html.classList.toggle("menu");
      button.setAttribute("aria-expanded", String(open));
    });
    const here = at("nav").querySelector("[aria-current]");
    if (here && html.clientWidth > 832) at("nav").scrollTop = Math.max(0, here.offsetTop - at("nav").clientHeight / 2);
  }

  // Search.

  // Words of a question that say nothing of what it is about.
  const EMPTY = new Set(("a an the of to in on for is are be was do does did how what which where when why whose can could may might " +
    "will would should i we you it its my our your me us there this that these those and or not by with from at as if have has had get " +
    "someone somebody anyone person people one any all happen happens happened").split(" "));
  // What else a word is called, in pages about databases.
  const ALSO = new Map(Object.entries({
    who: "access rule role", see: "read access", sees: "read access", seen: "read", view: "read", look: "read", show: "read",
    visible: "read access", hidden: "hide", edit: "change update", modify: "change update", write: "add change", alter: "change",
    change: "update", changes: "update", update: "change", remove: "delete", deletes: "delete", delete: "deleted", erase: "delete",
    create: "add insert", make: "add", insert: "add", post: "add", submit: "add insert", new: "add insert", publish: "published",
    cancel: "cancelled workflow", cancels: "cancelled", approve: "approved workflow", finish: "completed workflow", close: "closed workflow",
    status: "state workflow", state: "workflow", states: "workflow", step: "workflow", steps: "workflow", transition: "workflow",
    transitions: "workflow", lifecycle: "workflow", final: "workflow", permission: "access", permissions: "access", allowed: "access allows",
    rights: "access", security: "access rule", rls: "access", policy: "rule access", policies: "rules access", forbidden: "denied access",
    private: "access", public: "anon access", anonymous: "anon", visitor: "anon", visitors: "anon", guest: "anon", stranger: "anon",
    strangers: "anon", login: "authenticated", logged: "authenticated", user: "profile users", users: "profiles", account: "profiles users",
    accounts: "profiles users", file: "bucket storage", files: "buckets storage", upload: "bucket storage", uploads: "buckets storage",
    photo: "bucket", image: "bucket", cron: "schedule", nightly: "schedule", scheduled: "schedule", recurring: "schedule",
    money: "payment amount revenue", pay: "payment", pays: "payment", paid: "payment", price: "amount payment", revenue: "payments amount metrics",
    income: "revenue", limit: "limit most capacity", many: "limit", maximum: "limit most", full: "capacity waitlisted",
    history: "audit activity", log: "audit", audited: "audit", track: "audit activity", column: "columns", field: "columns",
    fields: "columns", table: "entity", tables: "entities diagram", erd: "diagram", schema: "diagram", picture: "diagram", unique: "constraints",
    valid: "constraints check", default: "columns", fast: "index", slow: "index", index: "indexes", computed: "maintained", count: "maintained",
    guarantee: "promise", guarantees: "promises", guaranteed: "promise", promised: "promise", example: "scenario", test: "seeds scenarios",
    sample: "seeds", data: "seeds", meaning: "dictionary", mean: "dictionary", means: "dictionary", glossary: "dictionary", function: "functions",
    call: "function", rpc: "functions", trigger: "behaviour", triggers: "behaviour", webhook: "webhooks", realtime: "realtime",
    invite: "invitations", invites: "invitations", signup: "registrations", register: "registrations", enrol: "registrations",
    soft: "deleted", restore: "deleted", owner: "owns", secret: "confidential", team: "members", member: "members",
  }));
  const split = (text) => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "").match(/[\p{L}\p{N}]+/gu) || [];
  // Forms of one word begin alike.
  const stem = (word) => word.length < 4 ? word : word.replace(/(ies|ied)$/, "y").replace(/(ations|ation|ing|ed|es|s|er|ers)$/, (end, _, at) => at > 2 ? "" : end);

  let found = null;
  function index() {
    const { pages, sections, entries } = window.speccSearch;
    found = entries.map(([page, anchor, title, section, text]) => {
      const [name, address] = pages[page];
      return {
        title, text, address: address + (anchor ? "#" + anchor : ""), own: !anchor, section: sections[section],
        path: [anchor ? name : "", sections[section]].filter(Boolean).join(" › "),
        words: split(title), around: split(name + " " + sections[section]), name: split(name).map(stem), rest: split(text), page: address,
        exact: title.toLowerCase(),
      };
    });
    const count = (entry, add) => {
      for (const word of new Set([...entry.words, ...entry.around, ...entry.rest].map(stem))) add.set(word, (add.get(word) || 0) + 1);
    };
    index.often = new Map();
    for (const entry of found) count(entry, index.often);
  }

  // Whether one letter more, less, other or swapped makes one word of the other.
  const isNear = (a, b) => {
    if (Math.abs(a.length - b.length) > 1 || a[0] !== b[0]) return false;
    let start = 0;
    while (start < a.length && a[start] === b[start]) start++;
    let [x, y] = [a.slice(start), b.slice(start)];
    if (x.slice(1) === y.slice(1) || x.slice(1) === y || x === y.slice(1)) return true;
    return x[0] === y[1] && x[1] === y[0] && x.slice(2) === y.slice(2);
  };
  const fits = (word, base, list) => {
    let best = 0;
    for (const one of list) {
      if (one === word) return 1;
      if (stem(one) === base) best = Math.max(best, 0.9);
      else if (one.startsWith(word) || (base.length > 3 && one.startsWith(base))) best = Math.max(best, 0.7);
      else if (word.length > 4 && best < 0.35 && isNear(word, one)) best = 0.35;
    }
    return best;
  };

  function search(text) {
    const said = split(text);
    let words = said.filter((word) => !EMPTY.has(word));
    if (words.length === 0) words = said;
    if (words.length === 0) return [];
    const rare = (word) => Math.log(1 + found.length / (1 + (index.often.get(stem(word)) || 0)));
    const asked = words.map((word) => ({
      forms: [[word, 1], ...(ALSO.get(word) || "").split(" ").filter(Boolean).map((other) => [other, 0.45])].map(([form, weight]) => ({ form, base: stem(form), weight })),
      // A word that is nowhere says as much as one that is rare.
      worth: ALSO.has(word) && !index.often.has(stem(word)) ? 1.5 : Math.min(6, rare(word)),
    }));
    const whole = text.trim().toLowerCase();
    const hits = [];
    for (const entry of found) {
      let sum = 0, met = 0, worth = 0;
      for (const { forms, worth: of } of asked) {
        let best = 0;
        for (const { form, base, weight } of forms) {
          const value = Math.max(10 * fits(form, base, entry.words), 6 * fits(form, base, entry.around), 3 * fits(form, base, entry.rest));
          best = Math.max(best, weight * value);
        }
        worth += of;
        if (best > 0) { met += of * Math.min(1, 0.5 + best / 10); sum += best * of; }
      }
      if (sum === 0) continue;
      let score = sum * (met / worth) ** 2;
      if (entry.own) score *= 1.35;
      else if (!entry.path.includes(" › ")) score *= 1.15;
      // A short title that the question names in full is what is meant.
      score *= 1 + 0.5 * entry.words.filter((one) => asked.some(({ forms }) => forms[0].base === stem(one))).length / (entry.words.length + 1);
      if (entry.exact === whole) score *= 2;
      // So is the page whose title the question has in full.
      if (entry.name.length > 0 && entry.name.every((one) => asked.some(({ forms }) => forms[0].base === one))) score *= 1.3;
      if (/^(dictionary|scenarios)\.html/.test(entry.page)) score *= 0.6;
      // How one asks for a thing comes after what it is.
      if (entry.page.startsWith("guides/")) score *= entry.page.startsWith("guides/api/") ? 0.5 : 0.7;
      hits.push([score, entry]);
    }
    const best = (a, b) => b[0] - a[0];
    hits.sort(best);
    // Several pages say the same of one thing: the others come after what is not said yet.
    const before = new Set();
    const first = hits.slice(0, 60).map(([score, entry]) => {
      const said = entry.section + "\n" + entry.exact;
      const again = entry.section !== "" && before.has(said);
      before.add(said);
      return [again ? score * 0.6 : score, entry];
    });
    return first.sort(best).slice(0, 20).map(([, entry]) => entry);
  }

  function searching() {
    const input = at("search"), list = at("hits"), told = at("found");
    let chosen = -1, waits = false;
    const close = () => {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const choose = (next) => {
      const items = list.querySelectorAll("[role=option]");
      if (items.length === 0) return;
      chosen = (next + items.length) % items.length;
      items.forEach((item, n) => item.setAttribute("aria-selected", String(n === chosen)));
      items[chosen].scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", items[chosen].id);
    };
    const load = () => {
      if (found || waits) return;
      waits = true;
      const script = make("script");
      script.src = root + "assets/search.js";
      script.addEventListener("load", () => { index(); show(); });
      document.head.append(script);
    };
    const show = () => {
      if (!found || input.value.trim() === "") return close();
      const hits = search(input.value);
      list.replaceChildren(...hits.map((entry, n) => {
        const item = make("li"), link = make("a");
        item.id = "site:hit" + n;
        item.setAttribute("role", "option");
        link.href = root + entry.address;
        link.tabIndex = -1;
        link.append(make("b", entry.title), make("i", entry.path), make("span", entry.text));
        item.append(link);
        return item;
      }));
      if (hits.length === 0) list.append(make("li", "Nothing was found.", "none"));
      told.textContent = hits.length === 1 ? "1 hit" : hits.length + " hits";
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      list.scrollTop = 0;
      choose(0);
    };
    input.addEventListener("focus", load);
    input.addEventListener("input", () => { load(); show(); });
    input.addEventListener("focus", show);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") choose(chosen + 1);
      else if (event.key === "ArrowUp") choose(chosen - 1);
      else if (event.key === "Escape") close();
      else if (event.key === "Enter") list.querySelector("[aria-selected=true] a")?.click();
      else return;
      event.preventDefault();
    });
    list.addEventListener("click", (event) => { if (event.target.closest("a")) close(); });
    document.addEventListener("click", (event) => { if (!event.target.closest(".search")) close(); });
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, select, textarea");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        input.focus();
        input.select();
      }
    });
  }

  // Diagrams.

  function diagram(figure) {
    const view = figure.querySelector(".view"), svg = view.querySelector("svg");
    const boxes = [...svg.querySelectorAll("[data-entity]")].map((node) => {
      const [x, y, width, height] = node.dataset.box.split(" ").map(Number);
      return { node, x, y, width, height, name: node.dataset.entity, area: node.dataset.area, readers: node.dataset.readers.split(" ") };
    });
    const edges = [...svg.querySelectorAll("[data-from]")].map((node) => ({ node, from: +node.dataset.from, to: +node.dataset.to }));
    const all = { x: 0, y: 0, width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height };
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    figure.classList.add("live");
    view.style.height = `min(75vh, ${Math.ceil(view.clientWidth * all.height / all.width)}px)`;
    let now = { ...all };
    const set = (box) => {
      now = box;
      svg.setAttribute("viewBox", [box.x, box.y, box.width, box.height].map((n) => n.toFixed(1)).join(" "));
    };
    const scale = () => Math.max(now.width / view.clientWidth, now.height / view.clientHeight);
    // To a size that can be read, but no larger than what is shown.
    const fit = (box, margin) => set({ x: box.x - margin, y: box.y - margin, width: box.width + 2 * margin, height: box.height + 2 * margin });
    const zoom = (by, clientX, clientY) => {
      const wanted = Math.min(Math.max(now.width * by, 200), all.width * 4);
      const ratio = wanted / now.width, rect = view.getBoundingClientRect();
      const px = clientX === undefined ? 0.5 : (clientX - rect.left) / rect.width;
      const py = clientY === undefined ? 0.5 : (clientY - rect.top) / rect.height;
      set({ x: now.x + now.width * (1 - ratio) * px, y: now.y + now.height * (1 - ratio) * py, width: wanted, height: now.height * ratio });
    };
    const move = (dx, dy) => set({ ...now, x: now.x + dx * scale(), y: now.y + dy * scale() });

    const tools = make("div", "", "tools"), told = make("span");
    told.setAttribute("role", "status");
    const button = (text, label, act) => {
      const made = make("button", text);
      made.type = "button";
      made.setAttribute("aria-label", label);
      made.addEventListener("click", act);
      tools.append(made);
    };
    button("+", "Zoom in", () => zoom(0.75));
    button("−", "Zoom out", () => zoom(1.33));
    button("Fit", "Show all of the diagram", () => { fit(all, 0); });
    const select = (label, none, options) => {
      const made = make("select"), around = make("label", label);
      [["", none], ...options].forEach(([value, text]) => {
        const option = make("option", text);
        option.value = value;
        made.append(option);
      });
      made.addEventListener("change", () => filter());
      around.append(made);
      if (options.length > 1) tools.append(around);
      return made;
    };
    const areas = [...new Set(boxes.map((box) => box.area))];
    const area = select("Area", "all", areas.map((name) => [name, name]));
    const roles = JSON.parse(figure.dataset.roles);
    const role = select("Read by", "anyone", roles.map((name, n) => [String(n), name]));
    const find = make("input"), label = make("label", "Find");
    find.type = "search";
    label.append(find);
    tools.append(label, told);
    view.before(tools);

    const bounds = (list) => {
      const x = Math.min(...list.map((box) => box.x)), y = Math.min(...list.map((box) => box.y));
      const right = Math.max(...list.map((box) => box.x + box.width)), bottom = Math.max(...list.map((box) => box.y + box.height));
      return { x, y, width: right - x, height: bottom - y };
    };
    function filter() {
      const shown = boxes.map((box) => (!area.value || box.area === area.value) && (!role.value || box.readers.includes(role.value)));
      boxes.forEach((box, n) => box.node.classList.toggle("off", !shown[n]));
      edges.forEach((edge) => edge.node.classList.toggle("off", !(shown[edge.from] && shown[edge.to])));
      const left = boxes.filter((_, n) => shown[n]);
      told.textContent = area.value || role.value ? left.length + " of " + boxes.length + " entities" : "";
      if (area.value && left.length > 0) fit(bounds(left), 40);
      else fit(all, 0);
    }
    find.addEventListener("input", () => {
      const text = find.value.trim().toLowerCase();
      const hits = text === "" ? [] : boxes.filter((box) => box.name.toLowerCase().includes(text));
      boxes.forEach((box) => box.node.classList.toggle("found", hits.includes(box)));
      told.textContent = text === "" ? "" : hits.length + " found";
      if (hits.length > 0) fit(bounds(hits.slice(0, 1)), 300);
    });
    boxes.forEach((box, n) => {
      const mark = (on) => edges.forEach((edge) => { if (edge.from === n || edge.to === n) edge.node.classList.toggle("near", on); });
      box.node.addEventListener("pointerenter", () => mark(true));
      box.node.addEventListener("pointerleave", () => mark(false));
    });

    const fingers = new Map();
    let moved = 0;
    view.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event);
      moved = 0;
    });
    view.addEventListener("pointermove", (event) => {
      const last = fingers.get(event.pointerId);
      if (!last) return;
      const others = [...fingers.values()].filter((one) => one.pointerId !== event.pointerId);
      if (others.length > 0) {
        const far = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY);
        zoom(far(last) / Math.max(1, far(event)), others[0].clientX, others[0].clientY);
      } else {
        move(last.clientX - event.clientX, last.clientY - event.clientY);
      }
      moved += Math.abs(last.clientX - event.clientX) + Math.abs(last.clientY - event.clientY);
      if (moved > 5 && !view.classList.contains("dragged")) {
        view.classList.add("dragged");
        view.setPointerCapture(event.pointerId);
      }
      fingers.set(event.pointerId, event);
    });
    const up = (event) => {
      fingers.delete(event.pointerId);
      view.classList.remove("dragged");
    };
    view.addEventListener("pointerup", up);
    view.addEventListener("pointercancel", up);
    view.addEventListener("pointerleave", up);
    // Who moved the diagram meant no link.
    view.addEventListener("click", (event) => { if (moved > 5) event.preventDefault(); }, true);
    view.addEventListener("dragstart", (event) => event.preventDefault());
    view.addEventListener("wheel", (event) => {
      // Without a key, the page scrolls.
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
      event.preventDefault();
      zoom(Math.exp((event.deltaY || event.deltaX) * 0.002), event.clientX, event.clientY);
    }, { passive: false });
    view.addEventListener("dblclick", (event) => zoom(0.5, event.clientX, event.clientY));
    view.addEventListener("keydown", (event) => {
      const step = 60;
      const keys = {
        ArrowLeft: () => move(-step, 0), ArrowRight: () => move(step, 0), ArrowUp: () => move(0, -step), ArrowDown: () => move(0, step),
        "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25), 0: () => fit(all, 0),
      };
      const act = event.ctrlKey || event.metaKey || event.altKey ? null : keys[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
    boxes.forEach((box) => box.node.querySelector("a")?.addEventListener("focus", () => {
      const inside = box.x >= now.x && box.y >= now.y && box.x + box.width <= now.x + now.width && box.y + box.height <= now.y + now.height;
      if (!inside) set({ ...now, x: box.x + box.width / 2 - now.width / 2, y: box.y + box.height / 2 - now.height / 2 });
    }));
    view.setAttribute("aria-label", view.getAttribute("aria-label") + ": arrow keys move it, plus and minus zoom, 0 shows all");
    view.title = "Drag to move, ctrl and wheel to zoom";
  }

  document.addEventListener("DOMContentLoaded", () => {
    themes();
    menu();
    searching();
    document.querySelectorAll(".figure.entities").forEach(diagram);
  });
})();
