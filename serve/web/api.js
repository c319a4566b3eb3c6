// Shows openapi.json: every request with its parameters, body and answers.

const description = await (await fetch("openapi.json")).json();

const element = (name, text, className) => {
  const e = document.createElement(name);
  if (text) e.textContent = text;
  if (className) e.className = className;
  return e;
};

// follow resolves a reference within the description.
const follow = (v) => (v && v.$ref ? v.$ref.slice(2).split("/").reduce((at, key) => at[key], description) : v);

// shape is a schema in a line.
function shape(schema) {
  const s = follow(schema);
  if (!s) return "anything";
  if (s.oneOf) return s.oneOf.map(shape).join(" or ");
  if (s.enum) return s.enum.join(" | ");
  if (s.type === "array") return `[${shape(s.items)}, …]`;
  if (s.type === "object" && s.additionalProperties) return `{name: ${shape(s.additionalProperties)}, …}`;
  if (s.type === "object" && s.properties) {
    const optional = (key) => ((s.required || []).includes(key) ? "" : "?");
    return `{${Object.entries(s.properties).map(([key, v]) => `${key}${optional(key)}: ${shape(v)}`).join(", ")}}`;
  }
  if (s.format === "binary") return "bytes";
  return s.type || "anything";
}

function list(parent, title, rows) {
  if (!rows.length) return;
  parent.append(element("h3", title));
  const dl = element("dl");
  for (const [name, text, form] of rows) {
    const dd = element("dd", text);
    if (form) dd.append(element("code", form));
    dl.append(element("dt", name), dd);
  }
  parent.append(dl);
}

const content = (c) => Object.entries(c || {}).map(([type, v]) => [type, "", shape(v.schema)]);

document.getElementById("about").textContent = description.info.description;
const groups = new Map();
for (const [path, item] of Object.entries(description.paths)) {
  for (const [method, operation] of Object.entries(item)) {
    const tag = operation.tags[0];
    if (!groups.has(tag)) {
      const section = element("section");
      section.append(element("h2", tag));
      groups.set(tag, section);
    }
    const details = element("details");
    const summary = element("summary");
    summary.append(element("span", method.toUpperCase(), `method ${method}`), element("code", path), element("span", operation.summary, "summary"));
    const more = element("div", "", "more");
    if (operation.description) more.append(element("p", operation.description));
    list(more, "Parameters", (operation.parameters || []).map((p) => [p.name, `${p.in}, ${shape(p.schema)}${p.required ? "" : ", optional"}. ${p.description || ""}`]));
    list(more, "Body", content(operation.requestBody && operation.requestBody.content));
    list(more, "Answers", Object.entries(operation.responses).map(([status, r]) => {
      const answer = follow(r);
      const forms = status === "200" ? content(answer.content).map(([type, , form]) => `${type}: ${form}`).join("\n") : "";
      return [status, answer.description, forms];
    }));
    details.append(summary, more);
    groups.get(tag).append(details);
  }
}
document.getElementById("requests").append(...["Pictures", "Models", "Open Inference Protocol", "Health"].map((tag) => groups.get(tag)).filter(Boolean));
