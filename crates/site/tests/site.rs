//! The site of small projects: what it links to, what it lets through, and that it is the same each time.

use html5ever::tendril::TendrilSink as _;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use specc_diag::Sources;
use specc_docs::{DocFile, Figures, Options};
use specc_model::{Model, analyze};
use specc_site::Lost;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

fn model(files: &[(&str, &str)]) -> Model {
    let mut sources = Sources::new();
    let (mut parsed, mut found) = (Vec::new(), Vec::new());
    for (name, text) in files {
        let id = sources.add(*name, *text);
        let (file, diagnostics) = specc_syntax::parse(id, text);
        parsed.push(file);
        found.extend(diagnostics);
    }
    let (model, diagnostics) = analyze(parsed, &mut sources, specc_model::Options::default());
    found.extend(diagnostics);
    let errors: Vec<_> = found.iter().filter(|d| d.severity() == specc_diag::Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    model
}

/// Path and contents of each file, and the links that lead nowhere.
type Made = (BTreeMap<String, String>, Vec<Lost>);

/// The site of a model, with pages besides those that it has anyway.
fn site(project: &str, model: &Model, more: &[DocFile]) -> Made {
    let (catalog, _) = specc_lower::lower(model);
    let options = Options { project: project.into(), ..Options::default() };
    let mut book = specc_docs::generate(model, &catalog, &options);
    book.extend(more.iter().cloned());
    let files = Mutex::new(BTreeMap::new());
    let figures = Figures::new(model, &catalog, &options);
    let lost = specc_site::each_file(project, &book, &figures, |file| {
        let path = file.path.clone();
        let other = files.lock().expect("no thread failed").insert(file.path, file.contents);
        assert!(other.is_none(), "{path} is written once");
    });
    (files.into_inner().expect("no thread failed"), lost)
}

fn page(path: &str, contents: &str) -> DocFile {
    DocFile { path: path.to_owned(), contents: contents.to_owned() }
}

const SHOP: &str = r#"
/// Who buys.
entity customers {
  id: uuid key
  name: text
  policy { some: allow select to anon when name = 'x' }
}
/// What was bought.
entity orders {
  id: uuid key
  /// How far it is.
  state: text = 'new'
  customer -> customers
  workflow state {
    new -> paid
    paid -> sent when id is not null
    sent -> paid
  }
  policy { readers: allow select to authenticated when id is not null }
}
"#;

fn shop() -> Model {
    model(&[("sales.dbspec", SHOP), ("other.dbspec", "entity notes { id: int key, rls off }")])
}

/// An element as a browser finds it.
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    /// The classes of all around it.
    around: Vec<String>,
}

impl Element {
    fn attr(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    fn is_in(&self, class: &str) -> bool {
        self.around.iter().any(|known| known == class)
    }
}

/// A page as a browser reads it.
#[derive(Default)]
struct Html {
    elements: Vec<Element>,
    text: String,
    errors: Vec<String>,
}

impl Html {
    fn of(text: &str) -> Self {
        let dom = html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(text);
        let mut html = Self::default();
        html.add(&dom.document, &[]);
        html.errors = dom.errors.borrow().iter().map(ToString::to_string).collect();
        html
    }

    fn add(&mut self, node: &Handle, around: &[String]) {
        let mut around = around.to_vec();
        match &node.data {
            NodeData::Text { contents } => self.text.push_str(&contents.borrow()),
            NodeData::Element { name, attrs, .. } => {
                let attributes: BTreeMap<String, String> =
                    attrs.borrow().iter().map(|one| (one.name.local.to_string(), one.value.to_string())).collect();
                let classes = attributes.get("class").into_iter().flat_map(|all| all.split(' ')).map(str::to_owned);
                around.extend(classes);
                self.elements.push(Element { name: name.local.to_string(), attributes, around: around.clone() });
            }
            _ => {}
        }
        node.children.borrow().iter().for_each(|child| self.add(child, &around));
    }

    fn with(&self, attribute: &str) -> Vec<&Element> {
        self.elements.iter().filter(|element| element.attr(attribute).is_some()).collect()
    }
}

fn pages(made: &Made) -> Vec<(&String, Html)> {
    let pages = made.0.iter().filter(|(path, _)| path.ends_with(".html"));
    pages.map(|(path, text)| (path, Html::of(text))).collect()
}

fn decoded(address: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), address.as_bytes());
    while let [first, tail @ ..] = rest {
        let coded = *first == b'%';
        bytes.push(if coded {
            u8::from_str_radix(&address[address.len() - tail.len()..][..2], 16).expect("hex")
        } else {
            *first
        });
        rest = if coded { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// Every address of every page leads to a file of the site and to an element of it.
fn check_links(made: &Made, pages: &[(&String, Html)]) -> usize {
    let ids: BTreeMap<&String, BTreeSet<String>> = pages
        .iter()
        .map(|(path, html)| {
            let ids: Vec<String> = html.with("id").iter().filter_map(|e| Some(e.attr("id")?.to_owned())).collect();
            let set: BTreeSet<String> = ids.iter().cloned().collect();
            assert_eq!(ids.len(), set.len(), "{path}: an id stands for one element");
            (*path, set)
        })
        .collect();
    let mut links = 0;
    for (path, html) in pages {
        for element in html.with("href").into_iter().chain(html.with("src")) {
            let written = element.attr("href").or_else(|| element.attr("src")).expect("one of both");
            if written.starts_with("https://") || written.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = written.split_once('#').unwrap_or((written, ""));
            let mut parts: Vec<&str> = path.split('/').collect();
            parts.pop();
            for part in file.split('/').filter(|part| !part.is_empty()) {
                if part == ".." { assert!(parts.pop().is_some(), "{path}: {written}") } else { parts.push(part) }
            }
            let target = if file.is_empty() { (*path).clone() } else { decoded(&parts.join("/")) };
            assert!(made.0.contains_key(&target), "{path} links to {written}");
            let anchor = decoded(anchor);
            assert!(anchor.is_empty() || ids[&target].contains(&anchor), "{path} links to {written}");
            links += 1;
        }
    }
    links
}

#[test]
fn every_link_leads_somewhere() {
    let more = [
        page(
            "guides/a b.md",
            "# Guide ü\n\n[one](../README.md), [two](../access.md#sales), [three](#guide-ü), [web](https://x.example/)\n",
        ),
        page("schema.sql", "select 1;\n"),
        page("guides/README.md", "# Guides\n\n[a](a%20b.md), [b](../schema.sql), ![drawn](../erd.svg)\n"),
    ];
    let made = site("Shop", &shop(), &more);
    assert_eq!(made.1, []);
    assert!(check_links(&made, &pages(&made)) > 200);
    assert!(made.0.contains_key("guides/README.html") && made.0.contains_key("schema.sql"));
    let lost = "# L\n\n[a](nothing.md) [b](README.md#nothing) [c](javascript:alert(1)) [d](../x.md) <e@x.example>\n";
    let made = site("Shop", &shop(), &[page("l.md", lost)]);
    let targets: Vec<&str> = made.1.iter().map(|lost| lost.target.as_str()).collect();
    assert_eq!(targets, ["../x.md", "README.md#nothing", "javascript:alert(1)", "nothing.md"]);
    check_links(&made, &pages(&made));
}

#[test]
fn the_same_project_gives_the_same_bytes() {
    assert_eq!(site("Shop", &shop(), &[]), site("Shop", &shop(), &[]));
}

#[test]
fn an_empty_project_has_a_site() {
    let made = site("Nothing", &model(&[]), &[]);
    check_links(&made, &pages(&made));
    assert!(made.0["erd.html"].contains("Each area"));
}

#[test]
fn names_that_the_site_has_itself_are_names() {
    let names = ["README", "index", "pages", "erd", "assets", "search", "constructor", "__proto__", "toString"];
    let entity = |name: &&str| format!("entity \"{name}\" {{ id: int key, \"constructor\": text, rls off }}\n");
    let spec: String = names.iter().map(entity).collect();
    for area in ["README.dbspec", "index.dbspec"] {
        let made = site("index", &model(&[(area, &spec)]), &[]);
        check_links(&made, &pages(&made));
        let entities = made.0.keys().filter(|path| path.starts_with("entities/")).count();
        assert_eq!(entities, names.len());
    }
}

#[test]
fn the_diagram_says_who_reads_what() {
    let made = site("Shop", &shop(), &[]);
    let html = Html::of(&made.0["erd.html"]);
    let figure = html.with("data-roles")[0];
    assert_eq!(figure.attr("data-roles"), Some(r#"["anon","authenticated"]"#));
    let boxes = html.with("data-entity");
    let said: Vec<_> = ["data-entity", "data-area", "data-readers"]
        .map(|name| boxes.iter().map(|one| one.attr(name).expect("it is said")).collect::<Vec<_>>())
        .into();
    assert_eq!(said, [vec!["customers", "orders", "notes"], vec!["sales", "sales", "other"], vec!["0", "1", ""],]);
    let edge = html.with("data-from")[0];
    assert_eq!((edge.attr("data-from"), edge.attr("data-to")), (Some("1"), Some("0")));
    // Workflows and areas are drawn, too, and no Mermaid is left.
    for (path, figures) in
        [("workflows.html", "states"), ("entities/orders.html", "states"), ("erd/sales.html", "entities")]
    {
        let html = Html::of(&made.0[path]);
        let drawn = html.elements.iter().filter(|element| element.name == "svg" && element.is_in(figures));
        assert_eq!(drawn.count(), 1, "{path}");
        assert!(!made.0[path].contains("erDiagram") && !made.0[path].contains("stateDiagram"), "{path}");
    }
}

#[test]
fn what_can_be_found_is_in_the_index() {
    let made = site("Shop", &shop(), &[]);
    let index = &made.0["assets/search.js"];
    let data = index.split_once("window.speccSearch = ").and_then(|(_, data)| data.strip_suffix(";\n")).expect("data");
    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
    let (pages, sections) = (&data["pages"], &data["sections"]);
    let found: Vec<String> = data["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| {
            let text = |of: &serde_json::Value| of.as_str().expect("a text").to_owned();
            let at = |of: &serde_json::Value| of.as_u64().expect("a place") as usize;
            let [page, anchor, title, section] = [0, 1, 2, 3].map(|n| &entry[n]);
            format!("{}#{} {} | {}", text(&pages[at(page)][1]), text(anchor), text(title), text(&sections[at(section)]))
        })
        .collect();
    for wanted in [
        "entities/orders.html# orders | ",
        "entities/orders.html#columns:state state | Columns",
        "entities/orders.html#workflow-of-state Workflow of state | ",
        "access.html# Access | ",
    ] {
        assert!(found.iter().any(|entry| entry == wanted), "{wanted} is not in {found:#?}");
    }
}

/// Names and texts that are markup somewhere: they show as they are, and do nothing.
const HOSTILE: [&str; 10] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onload='alert(1)",
    "</script><svg onload=alert(1)>",
    "]]><b>",
    "[x](javascript:alert(1))",
    "--><iframe srcdoc=x>",
    "</title><style>*{}</style>",
    "&lt;b&gt; &#60;b&#62;",
    "\u{2028}${alert(1)}\\",
];

/// A project with a text in every place that pages show.
fn hostile(text: &str) -> Model {
    let (name, label) = (text.replace('"', "\"\""), text.replace('\'', "''"));
    let spec = format!(
        r#"
/// {text}
enum "k{name}" {{
  /// {text}
  'a{label}'
  'b{label}'
}}
/// {text}
///
/// # {text}
///
/// - {text}
entity "t{name}" {{
  id: int key identity
  /// {text}
  "c{name}": text deprecated '{label}'
  state: "k{name}" = 'a{label}'
  check "h{name}": "c{name}" <> '{label}'
  index "i{name}": (("c{name}" || '{label}'))
  workflow state {{
    'a{label}' -> 'b{label}' when "c{name}" = '{label}'
  }}
  policy {{
    /// {text}
    "r{name}": allow select to "o{name}" when "c{name}" = '{label}'
  }}
}}
entity children {{
  id: int key
  "p{name}" -> "t{name}"
  rls off
}}
role "o{name}"
/// {text}
promise '{label}' on "t{name}" {{
  deny select to anon when "c{name}" = '{label}'
}}
/// {text}
function "f{name}"("q{name}": text) -> text immutable to anon as $$ select 'x' $$
/// {text}
view "v{name}" to anon as $$ select id from public.children $$
"#
    );
    model(&[(&format!("{}.dbspec", text.replace('/', "")), &spec)])
}

/// The elements and attributes that the pages are made of.
const ELEMENTS: &str = "html head meta title link script body a header button div input ul li p nav h1 h2 h3 h4 h5 h6 main footer em strong \
    del code pre table thead tbody tr th td br hr ol blockquote span figure figcaption svg g path rect circle text";
const ATTRIBUTES: &str = "lang charset http-equiv content name rel href src class id type role tabindex hidden placeholder autocomplete \
    spellcheck scope start xmlns width height viewBox x y rx r cx cy d fill stroke stroke-width stroke-dasharray";

#[test]
fn what_authors_write_shows_and_does_nothing() {
    let (elements, attributes): (Vec<&str>, Vec<&str>) =
        (ELEMENTS.split_whitespace().collect(), ATTRIBUTES.split_whitespace().collect());
    for text in HOSTILE {
        let raw = format!(
            "# {text}\n\n{text}\n\n- `x{text}`: {text}\n- **{text}** {text}\n\n| {text} | b |\n|---|---|\n| `{text}` | {text} |\n\n\
             ```mermaid\n{text}\n```\n\n```{text}\n{text}\n```\n\n    {text}\n\n[{text}](<{text}> \"{text}\") ![{text}](<{text}>)\n\n<div>\n{text}\n"
        );
        let made = site(text, &hostile(text), &[page("raw.md", &raw), page("guides/x.md", text)]);
        let pages = pages(&made);
        check_links(&made, &pages);
        for (path, html) in &pages {
            assert!(html.errors.is_empty(), "{text}: {path}: {:?}", html.errors);
            for element in &html.elements {
                let name = element.name.as_str();
                assert!(elements.contains(&name), "{text}: {path} has a {name}");
                for (attribute, value) in &element.attributes {
                    let attribute = attribute.as_str();
                    let known = attributes.contains(&attribute)
                        || attribute.starts_with("data-")
                        || attribute.starts_with("aria-");
                    assert!(known, "{text}: {path}: a {name} has {attribute}");
                    let address = matches!(attribute, "href" | "src");
                    let scheme = value.split(['/', '#', '?']).next().unwrap_or_default();
                    assert!(
                        !address || !scheme.contains(':') || value.starts_with("https:"),
                        "{text}: {path}: {value}"
                    );
                }
            }
            assert_eq!(html.elements.iter().filter(|element| element.name == "script").count(), 1, "{text}: {path}");
            let policy = html.with("http-equiv")[0].attr("content").expect("a policy");
            assert!(policy.starts_with("default-src 'none'; script-src 'self' file:;") && !policy.contains("unsafe"));
        }
        let shown = |path: &str| Html::of(&made.0[path]).text;
        let orders = made.0.keys().find(|path| path.starts_with("entities/t")).expect("the page of the entity");
        // What is no Markdown shows as it was written.
        if !text.contains(['[', '&', '\\']) {
            for path in [orders.as_str(), "raw.html", "erd.html"] {
                assert!(shown(path).contains(text), "{text}: {path} shows it not");
            }
        }
        let index = &made.0["assets/search.js"];
        assert!(!index.contains(['<', '>', '\u{2028}']), "{text}: the index");
        let data =
            index.split_once("window.speccSearch = ").and_then(|(_, data)| data.strip_suffix(";\n")).expect("data");
        assert!(
            serde_json::from_str::<serde_json::Value>(data).is_ok_and(|data| data.to_string().len() > 500),
            "{text}"
        );
    }
}
