//! The pages of a small project that has one of everything.

#![allow(clippy::disallowed_methods)]

use quick_xml::Reader;
use quick_xml::events::Event;
use specc_diag::Sources;
use specc_docs::{DocFile, Options, Package, generate};
use specc_model::{Model, analyze};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn model(files: &[(&str, &str)]) -> Model {
    model_with(files, specc_model::Options::default())
}

fn model_with(files: &[(&str, &str)], options: specc_model::Options) -> Model {
    let mut sources = Sources::new();
    let mut parsed = Vec::new();
    let mut found = Vec::new();
    for (name, text) in files {
        let id = sources.add(*name, *text);
        let (file, diagnostics) = specc_syntax::parse(id, text);
        parsed.push(file);
        found.extend(diagnostics);
    }
    let (model, diagnostics) = analyze(parsed, &mut sources, options);
    found.extend(diagnostics);
    let errors: Vec<_> = found.iter().filter(|d| d.severity() == specc_diag::Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    model
}

fn example() -> Model {
    model(&[("events.dbspec", include_str!("events.dbspec")), ("people.dbspec", include_str!("people.dbspec"))])
}

fn docs(model: &Model) -> Vec<DocFile> {
    let (catalog, _) = specc_lower::lower(model);
    let accepted = specc_docs::AcceptedWarning {
        code: "W0605",
        title: "condition that runs once for each row",
        message: "`staff` asks other tables once for each row of `events`".to_owned(),
        place: "events.dbspec:12".to_owned(),
        reason: "admins only, 40 rows".into(),
    };
    all(model, &catalog, &Options { project: "Example & <co>".into(), accepted: vec![accepted], ..Default::default() })
}

/// The pages, and those of the package in a folder below them.
fn all(model: &Model, catalog: &specc_catalog::Catalog, options: &Options) -> Vec<DocFile> {
    let mut files = generate(model, catalog, options);
    let package = Package {
        to_docs: "../".to_owned(),
        migrations: vec![("20260101000000_init.sql".to_owned(), "-- Makes it all ``` <b>.\n".to_owned())],
        schema: Some("select 1;\n".to_owned()),
    };
    let guides = specc_docs::package(model, catalog, options, &package).into_iter();
    files.extend(guides.map(|file| DocFile { path: format!("guides/{}", file.path), ..file }));
    files
}

#[test]
fn every_page_reads_well() {
    for file in docs(&example()) {
        insta::assert_snapshot!(file.path.replace('/', "~"), file.contents);
    }
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    assert_eq!(docs(&example()), docs(&example()));
}

#[test]
fn every_link_leads_to_a_page() {
    assert!(links(&docs(&example())) > 100);
    for name in ["medellin_spark", "starter"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs").join(name);
        let mut paths: Vec<_> =
            fs::read_dir(folder).expect("a spec").map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "dbspec"));
        paths.sort();
        let text = |path: &PathBuf| fs::read_to_string(path).expect("a text");
        let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
        let texts: Vec<(String, String)> = paths.iter().map(|path| (name(path), text(path))).collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert!(links(&docs(&model(&files))) > 100);
    }
}

/// How many links there are; each leads to one of the files.
fn links(files: &[DocFile]) -> usize {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    let mut links = 0;
    let paths: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for event in Parser::new_ext(&file.contents, Options::all()) {
            let Event::Start(Tag::Link { dest_url, .. }) = event else { continue };
            let mut parts: Vec<&str> = file.path.split('/').collect();
            parts.pop();
            for part in dest_url.split('/') {
                match part {
                    ".." => drop(parts.pop()),
                    part => parts.push(part),
                }
            }
            let path = parts.join("/");
            assert!(paths.contains(path.as_str()), "{} links to {dest_url}", file.path);
            links += 1;
        }
    }
    links
}

#[test]
fn the_drawing_is_well_formed_and_no_two_boxes_overlap() {
    let files = docs(&example());
    let svg = &files.iter().find(|file| file.path == "erd.svg").expect("a drawing").contents;
    let mut reader = Reader::from_str(svg);
    reader.config_mut().check_end_names = true;
    let mut boxes: Vec<[i32; 4]> = Vec::new();
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Eof => break,
            Event::Empty(tag) if tag.name().as_ref() == b"rect" => {
                let number = |name: &str| {
                    let value = tag.try_get_attribute(name).expect("attributes").map(|a| a.value.into_owned());
                    value.and_then(|v| String::from_utf8(v).ok()).and_then(|v| v.parse().ok()).unwrap_or(0)
                };
                if number("rx") == 6 {
                    boxes.push([number("x"), number("y"), number("width"), number("height")]);
                }
            }
            _ => {}
        }
    }
    assert_eq!(boxes.len(), 7);
    for (n, [x, y, w, h]) in boxes.iter().enumerate() {
        for [x2, y2, w2, h2] in &boxes[n + 1..] {
            assert!(x + w < *x2 || x2 + w2 < *x || y + h < *y2 || y2 + h2 < *y);
        }
    }
}

#[test]
fn of_many_entities_only_areas_are_drawn() {
    let many = |n: usize| (0..n).map(|n| format!("entity e{n} {{ id: int key, rls off }}\n")).collect::<String>();
    for (n, whole) in [(500, true), (501, false)] {
        let files = docs(&plain(&many(n)));
        for path in ["erd.svg", "erd.mmd"] {
            assert_eq!(files.iter().any(|file| file.path == path), whole, "{path} of {n}");
        }
        links(&files);
    }
}

#[test]
fn an_empty_project_has_pages_too() {
    let files = docs(&model(&[]));
    let names = files.iter().map(|file| file.path.as_str()).filter(|path| !path.starts_with("guides/"));
    let names: Vec<&str> = names.collect();
    let roles = ["roles/anon.md", "roles/authenticated.md", "roles/service_role.md"];
    let first = ["README.md", "access.md", "dictionary.md", "erd.mmd", "erd.svg"];
    assert_eq!(names, [&first[..], &roles, &["workflows.md"]].concat());
    assert!(links(&files) > 10);
    links(&docs(&plain("")));
    let views = docs(&model(&[("a.dbspec", "view one to anon as $$ select 1 as n $$")]));
    assert!(links(&views) > 10 && page(&views, "roles/anon.md").contains("| `one` |"));
}

/// The model of one file for a plain server.
fn plain(text: &str) -> Model {
    let options = specc_model::Options {
        target: specc_model::Target::Postgres,
        viewer_setting: "my.viewer".into(),
        ..Default::default()
    };
    model_with(&[("a.dbspec", text)], options)
}

fn page<'f>(files: &'f [DocFile], path: &str) -> &'f str {
    let paths = || files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>();
    let file = files.iter().find(|file| file.path == path);
    &file.unwrap_or_else(|| panic!("{path} is none of {:?}", paths())).contents
}

#[test]
fn who_asks_is_said_as_the_server_hears_it() {
    let things = "entity things { id: int key\n policy { all: allow select } }\n";
    let files = docs(&plain(things));
    for guide in ["guides/psql.md", "guides/sqlx.md"] {
        let text = page(&files, guide);
        assert!(text.contains("request.jwt.claims") && !text.contains("set local role"), "{text}");
    }
    let files = docs(&plain(&format!("role app\nviewer -> things\n{things}")));
    assert!(page(&files, "guides/psql.md").contains("set local role app;\nselect set_config('my.viewer', '1', true);"));
    let sqlx = page(&files, "guides/sqlx.md");
    assert!(sqlx.contains("set local role app") && sqlx.contains(".bind(\"my.viewer\")"), "{sqlx}");
    // Statuses are of an API, which a plain server has not.
    assert!(!page(&files, "guides/api/things.md").contains("Status"));
}

#[test]
fn a_partition_is_missing_where_no_other_begins() {
    let text = "entity a {\n  at: date\n  partition by range (at)\n  partition a_3 from ('2028-01-01') to ('2029-01-01')\n  \
                partition a_2 from ('2026-01-01') to ('2027-01-01')\n  partition a_1 from (minvalue) to ('2026-01-01')\n  rls off\n}\n\
                entity b {\n  at: date\n  partition by range (at)\n  partition b_1 from (minvalue) to (maxvalue)\n  rls off\n}\n";
    let files = docs(&plain(text));
    let calendar = page(&files, "guides/calendar.md");
    let rows: Vec<&str> = calendar.lines().filter(|line| line.starts_with("| before")).collect();
    assert_eq!(rows.len(), 2, "{calendar}");
    assert!(rows[0].contains("`'2029-01-01'`") && rows[1].contains("`'2027-01-01'`"), "{calendar}");
}

#[test]
fn a_rule_is_said_as_it_works() {
    let text = "role app\nentity off {\n  id: int key\n  rls off\n  policy { none: forbid select when id > 1 }\n}\n\
                entity exact {\n  id: int key\n  name: text\n  policy {\n    all: allow all to app using (true)\n    \
                never: forbid select to app using (id > 1)\n    kept: forbid insert (name)\n  }\n}\ngrant select, insert on exact to app\n";
    let files = docs(&plain(text));
    let off = page(&files, "entities/off.md");
    assert!(off.contains("Without effect while it is off:\n\n- `none`") && !off.contains("Narrowed"), "{off}");
    assert!(!page(&files, "guides/security.md").contains("`none`"));
    let exact = page(&files, "entities/exact.md");
    assert!(exact.contains("`never`: `app` may not read rows unless `id > 1`."), "{exact}");
    assert!(exact.contains("`kept`: nobody may set `name` in a new row."), "{exact}");
    assert!(page(&files, "roles/app.md").contains("but refused by `never`: unless `id > 1`"));
}

#[test]
fn an_index_serves_a_reference_if_it_has_all_its_rows() {
    let text = "entity a { id: int key, rls off }\nentity b {\n  id: int key\n  a_id -> a?\n  open: bool\n  name: text\n  \
                index some: (a_id) where open\n  index there: (a_id) where a_id is not null\n  index second: (lower(name), a_id)\n  rls off\n}\n";
    let files = docs(&plain(text));
    let serves: Vec<&str> =
        page(&files, "guides/performance.md").lines().filter(|line| line.contains("also when that row")).collect();
    assert!(!serves.is_empty() && serves.iter().all(|line| !line.contains("`some`") && !line.contains("`second`")));
    assert!(serves.iter().any(|line| line.contains("a_id is not null")), "{serves:?}");
}

#[test]
fn a_view_is_read_by_who_reads_its_tables() {
    let text = "role app\nrole other\nentity a { id: int key, name: text, policy { them: allow select (id) to app } }\n\
                view ids to app, other as $$ select id from public.a $$\nview names to app as $$ select name from public.a $$\n\
                view twice to app, other as $$ select id from public.ids $$\n\
                view past security definer to other as $$ select name from public.a $$\n";
    let files = docs(&plain(text));
    let access = page(&files, "access.md");
    for row in ["| `ids` | `app` |", "| `names` | – |", "| `twice` | `app` |", "| `past` | `other` |"] {
        assert!(access.contains(row), "{row}: {access}");
    }
    let api = page(&files, "guides/api/README.md");
    assert!(api.contains("| [`ids`](ids.md) | r | – |") && api.contains("| [`names`](names.md) | – | – |"), "{api}");
}

/// Names, texts and labels that are markup: they show as they are, and do nothing.
const HOSTILE: [&str; 9] = [
    "| a `x | <script>alert(9)</script> | `x |",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "`<b>",
    "[x](javascript:alert(1))",
    "](x) ![y](data:text/html,z)",
    "*_~|#&lt;",
    "``` <i>",
    "~~~ x",
];

fn hostile(text: &str) -> Vec<DocFile> {
    let name = text.replace('"', "\"\"");
    let label = text.replace('\'', "\'\'");
    let json = label.replace('"', "'");
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
/// {text}
entity "t{name}" {{
  id: int key identity
  /// {text}
  "c{name}": text deprecated '{label}'
  state: "k{name}" = 'a{label}'

  /// {text}
  check "h{name}": "c{name}" <> '{label}'
  index "i{name}": (("c{name}" || '{label}'))
  workflow state {{
    'a{label}' -> 'b{label}' when "c{name}" = '{label}'
  }}
  /// {text}
  trigger "g{name}" after update for each row as $$
begin
  return new;
end
$$
  /// {text}
  limit "l{name}": "c{name}" = '{label}' to 3
  policy {{
    /// {text}
    "r{name}": allow select to authenticated when "c{name}" = '{label}'
  }}
}}

entity children {{
  id: int key
  "p{name}" -> "t{name}"
  rls off
}}

/// {text}
promise '{label}' on "t{name}" {{
  deny select when "c{name}" = '{label}'
  deny update ("c{name}") to anon when state = 'a{label}' becoming "c{name}" = '{label}'
}}

seed base {{
  "t{name}" "y{name}" {{ "c{name}": 'x' }}
}}

/// {text}
scenario '{label}' {{
  given {{ "t{name}" "z{name}" {{ "c{name}": '{label}' }} }}
  as anon claims '{{"a": "{json}"}}' {{
    "t{name}" -> only "y{name}", "z{name}"
    deny update "t{name}" "y{name}" {{ "c{name}": '{label}' }}
    allow call "f{name}"('{label}')
  }}
}}

bucket files {{
  policy {{
    "b{name}": allow select to authenticated when name = '{label}'
  }}
}}

/// {text}
function "f{name}"("q{name}": text) -> text immutable to anon as $$ select 'x' $$

/// {text}
view "v{name}" to anon as $$ select id from public.children $$
"#
    );
    let model = model(&[
        ("a.dbspec", &spec),
        (&format!("{}.dbspec", text.replace('/', "")), "entity other { id: int key, rls off }"),
    ]);
    let (catalog, _) = specc_lower::lower(&model);
    let accepted = specc_docs::AcceptedWarning {
        code: "W0605",
        title: "condition that runs once for each row",
        message: format!("`t` {text}"),
        place: text.to_owned(),
        reason: text.into(),
    };
    all(&model, &catalog, &Options { project: text.into(), accepted: vec![accepted], ..Default::default() })
}

#[test]
fn what_authors_write_runs_nothing() {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    for text in HOSTILE {
        for file in hostile(text).iter().filter(|file| file.path.ends_with(".md")) {
            let (_, body) = file.contents.split_once('\n').expect("a first line");
            let (mut shown, mut tables) = (String::new(), 0);
            for event in Parser::new_ext(body, Options::all()) {
                match event {
                    Event::Html(html) | Event::InlineHtml(html) => {
                        panic!("{text}: {} has {html}\n{}", file.path, file.contents)
                    }
                    Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                        // A link to another file of the project may be written; `x` is one of these.
                        let page = dest_url.split('#').next().unwrap_or_default();
                        let own = page.is_empty()
                            || page == "x"
                            || [".md", ".svg", ".mmd", ".sql"].iter().any(|end| page.ends_with(end));
                        assert!(own && !dest_url.contains(':'), "{text}: {} links to {dest_url}", file.path);
                    }
                    Event::Start(Tag::Table(_)) => tables += 1,
                    Event::Text(part) | Event::Code(part) => shown.push_str(&part),
                    _ => {}
                }
            }
            if file.path.starts_with("entities/t") {
                assert!(
                    tables >= 3 && shown.contains(text),
                    "{text}: {} does not show it\n{}",
                    file.path,
                    file.contents
                );
            }
        }
    }
}

/// No rule binds a role that has the rights of a table's owner, unless row level security is forced.
#[test]
fn owners_reach_every_row() {
    for (rls, cell) in [("", "its own, every row"), ("  rls force\n", "–")] {
        let text = format!(
            "role keeper
role helper in keeper
role reader
entity audits {{
  id:   int key
  note: text
{rls}
  policy {{
    readers: allow select to reader when id > 1
  }}
}}
owner keeper of audits
"
        );
        let options = specc_model::Options { target: specc_model::Target::Postgres, ..Default::default() };
        let model = model_with(&[("audits.dbspec", &text)], options);
        let (catalog, _) = specc_lower::lower(&model);
        let files = all(&model, &catalog, &Options::default());
        let page = &files.iter().find(|file| file.path == "access.md").expect("the page").contents;
        for role in ["keeper", "helper"] {
            let row = page.lines().rfind(|line| line.starts_with(&format!("| `{role}` |"))).expect("its row");
            assert_eq!(row.matches(cell).count(), 4, "{rls}: {row}");
        }
    }
}
