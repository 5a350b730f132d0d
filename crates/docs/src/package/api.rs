//! `api/`: a page for each table and view, with what each role does there, as a request, in supabase-js and in SQL.

use super::Room;
use crate::DocFile;
use crate::book::{Book, RoleColumn, Taken, view_name};
use crate::claims::{self, Says};
use crate::text;
use smol_str::SmolStr;
use specc_model::Field;
use specc_sql::quote;
use specc_types::{Call, Column, Relation, RelationKind, Verb, json_text, member, quoted, segment};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A table or view that has a page.
struct Subject<'r> {
    relation: &'r Relation,
    path: String,
    label: String,
    /// A link to what else is said of it.
    more: Option<String>,
}

/// The pages.
pub fn pages(room: &Room<'_, '_>) -> Vec<DocFile> {
    let book = room.book;
    let mut taken = Taken::default();
    taken.reserve("readme");
    taken.reserve("functions");
    let up = format!("../{}", room.package.to_docs);
    let tables = book.own.iter().map(|id| (book.table(*id), book.label(*id).to_owned(), Some(book.link(*id, &up))));
    let views = book.own_views().map(|view| (view_name(view), text::short(book.model, &view.name), None));
    let all = tables.chain(views).filter_map(|(name, label, more)| {
        let relation = room.api.relation(&name)?;
        Some(Subject { relation, path: taken.path("api/", &text::file_name(&label)), label, more })
    });
    let all: Vec<Subject<'_>> = all.collect();
    let mut files: Vec<DocFile> =
        all.iter().map(|subject| DocFile { path: subject.path.clone(), contents: page(room, subject) }).collect();
    files.push(DocFile { path: "api/functions.md".to_owned(), contents: functions(room) });
    files.push(DocFile { path: "api/README.md".to_owned(), contents: list(room, &all) });
    files
}

fn list(room: &Room<'_, '_>, all: &[Subject<'_>]) -> String {
    let mut out =
        String::from("# API\n\nWhat each role may do with each table and view: `r`ead, `a`dd, `c`hange, `d`elete.\n\n");
    let roles = room.book.roles_of_pages();
    let mut head = vec!["Table or view".to_owned()];
    head.extend(roles.iter().map(|role| text::code(&role.name)));
    text::head(&mut out, &head);
    for subject in all {
        let page = subject.path.trim_start_matches("api/");
        let mut cells = vec![format!("[{}]({page})", text::code(&subject.label))];
        cells.extend(roles.iter().map(|role| {
            let letters = verbs(room.book, subject.relation, role).into_iter().map(|verb| match verb {
                Verb::Read => "r",
                Verb::Insert => "a",
                Verb::Update => "c",
                Verb::Delete => "d",
            });
            let letters: Vec<&str> = letters.collect();
            if letters.is_empty() { "–".to_owned() } else { letters.join(" ") }
        }));
        text::row(&mut out, cells);
    }
    out.push_str("\n[Functions](functions.md)\n");
    out
}

/// What a role may do with a table or view.
fn verbs(book: &Book<'_>, relation: &Relation, role: &RoleColumn<'_>) -> Vec<Verb> {
    let shut = book.view_of(&relation.name).is_some_and(|view| !book.reads(role, view));
    let may = |verb: &Verb| {
        let granted = !role.rights.columns(&relation.name, verb.word()).is_empty();
        let (inserts, updates) = relation.writes;
        let through = match (relation.kind, verb) {
            (_, Verb::Read) | (RelationKind::Table, _) => true,
            (RelationKind::Materialized, _) => false,
            (RelationKind::View, Verb::Insert) => inserts,
            (RelationKind::View, _) => updates,
        };
        granted && through && !(shut && *verb == Verb::Read)
    };
    Verb::ALL.into_iter().filter(may).collect()
}

fn page(room: &Room<'_, '_>, subject: &Subject<'_>) -> String {
    let relation = subject.relation;
    let mut out = format!("# {}\n\n", text::plain(&subject.label));
    if room.book.is_supabase() {
        let _ = writeln!(out, "Path: {}\n", text::code(&format!("/rest/v1/{}", segment(&relation.name.name))));
        if relation.name.schema != "public" {
            let _ = writeln!(
                out,
                "The schema {} has to be among those that the API shows; a request names it in the header `Accept-Profile` or \
                 `Content-Profile`.\n",
                text::code(&relation.name.schema)
            );
        }
    }
    if let Some(more) = &subject.more {
        let _ = writeln!(out, "Columns, rules and behaviour: {more}\n");
    }
    // Roles of which the same is said share a section.
    let mut sections: Vec<(Vec<String>, String)> = Vec::new();
    let mut none = Vec::new();
    for role in room.book.roles_of_pages() {
        let said = section(room, relation, role);
        let name = text::code(&role.name);
        match sections.iter_mut().find(|(_, other)| *other == said) {
            _ if said.is_empty() => none.push(name),
            Some((names, _)) => names.push(name),
            None => sections.push((vec![name], said)),
        }
    }
    for (names, said) in sections {
        let _ = write!(out, "## As {}\n\n{said}", text::and(&names));
    }
    if !none.is_empty() {
        let _ = writeln!(out, "Nothing is open to {}: `42501`.", text::and(&none));
    }
    out
}

fn section(room: &Room<'_, '_>, relation: &Relation, role: &RoleColumn<'_>) -> String {
    let verbs = verbs(room.book, relation, role);
    let mut out = String::new();
    let claims = claims::of_relation(room.book, role, &relation.name);
    let (mut errors, is_anon) = (BTreeMap::<(SmolStr, &str), (Vec<&str>, Vec<String>)>::new(), role.name == "anon");
    for verb in verbs {
        let _ = writeln!(out, "### {}\n", title(verb));
        for claim in &claims {
            if matches!(&claim.says, Says::May { verb: of, .. } | Says::MayNot { verb: of, .. } if *of == verb) {
                let _ = writeln!(out, "- {}", claim.words());
            }
        }
        if !out.ends_with("\n\n") {
            out.push('\n');
        }
        match example(room, relation, role, verb) {
            Some(example) => example.write(room, &mut out),
            None if key(room, relation).is_empty() => {
                out.push_str("No key names a row: say by a condition of your own which rows.\n\n");
            }
            None => out.push_str("It cannot name a row: it may not read the key.\n\n"),
        }
        for (code, status, what) in room.api.errors(&role.rights, relation, verb, is_anon) {
            let what = what.words(text::code);
            let (verbs, whats) = errors.entry((code, status)).or_default();
            if !verbs.contains(&title(verb)) {
                verbs.push(title(verb));
            }
            if !whats.contains(&what) {
                whats.push(what);
            }
        }
    }
    if errors.is_empty() {
        return out;
    }
    out.push_str("### Errors\n\n");
    errors_head(room, &mut out, &["Where", "When"]);
    for ((code, status), (verbs, whats)) in errors {
        errors_row(room, &mut out, &code, status, [verbs.join(", "), whats.join("; ")]);
    }
    out.push('\n');
    out
}

fn title(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "Read",
        Verb::Insert => "Add",
        Verb::Update => "Change",
        Verb::Delete => "Delete",
    }
}

/// A request in three languages.
pub struct Example {
    /// What stands behind `await`.
    pub typescript: String,
    /// One statement.
    pub sql: String,
    /// Method and path.
    pub request: String,
}

impl Example {
    fn write(&self, room: &Room<'_, '_>, out: &mut String) {
        if room.book.is_supabase() {
            fenced(out, "ts", &format!("const {{ data, error }} = await {}", self.typescript));
            fenced(out, "http", &self.request);
        }
        fenced(out, "sql", &self.sql);
    }
}

/// A block of code, whose fence is longer than any in it.
pub fn fenced(out: &mut String, language: &str, code: &str) {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(out, "{fence}{language}\n{}\n{fence}\n", code.trim_end());
}

/// How a role does something with a table or view; none where it cannot say with which row.
pub fn example(room: &Room<'_, '_>, relation: &Relation, role: &RoleColumn<'_>, verb: Verb) -> Option<Example> {
    let granted = role.rights.columns(&relation.name, verb.word());
    let own = |column: &&Column| granted.has(&column.name) && (verb == Verb::Read || column.written);
    // In the order of the table.
    let order = room.book.entity_of(&relation.name);
    let place = |column: &&Column| {
        let fields = order.map(|entity| entity.fields.iter().position(|field| field.name == column.name));
        fields.flatten().unwrap_or(usize::MAX)
    };
    let mut columns: Vec<&Column> = relation.columns.iter().filter(own).collect();
    columns.sort_by_key(place);
    let table = quote::qualified(&relation.name.schema, &relation.name.name);
    let schema = match relation.name.schema.as_str() {
        "public" => String::new(),
        other => format!(".schema({})", quoted(other)),
    };
    let from = format!("supabase{schema}.from({})", quoted(&relation.name.name));
    let path = format!("/rest/v1/{}", segment(&relation.name.name));
    let value = |column: &Column| match room.api.example(relation, column) {
        Some(example) => (example.sql, example.json),
        None => ("null".to_owned(), "\"\"".to_owned()),
    };
    let is_known = |column: &Column| room.api.example(relation, column).is_some();
    let body = |columns: &[&Column]| {
        let fields = columns.iter().map(|column| format!("{}: {}", member(&column.name), value(column).1));
        format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
    };
    let json = |columns: &[&Column]| {
        let fields = columns.iter().map(|column| format!("{}: {}", json_text(&column.name), value(column).1));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
    };
    Some(match verb {
        Verb::Read => {
            let all = columns.len() == relation.columns.len() || !columns.iter().all(|column| is_plain(&column.name));
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let asked = if all { "*".to_owned() } else { names.join(", ") };
            let listed = if columns.len() == relation.columns.len() { "*".to_owned() } else { quote::list(&names) };
            let query = if all { String::new() } else { format!("select={}&", names.join(",")) };
            Example {
                typescript: format!("{from}.select({}).limit(10)", quoted(&asked)),
                sql: format!("select {listed} from {table} limit 10;"),
                request: format!("GET {path}?{query}limit=10"),
            }
        }
        Verb::Insert => {
            let mut needed: Vec<&Column> = columns.iter().copied().filter(|column| !column.optional).collect();
            if needed.is_empty() {
                needed = columns
                    .iter()
                    .copied()
                    .find(|column| is_known(column))
                    .or(columns.first().copied())
                    .into_iter()
                    .collect();
            }
            let names = quote::list(needed.iter().map(|column| &column.name));
            let values: Vec<String> = needed.iter().map(|column| value(column).0).collect();
            Example {
                typescript: format!("{from}.insert({})", body(&needed)),
                sql: format!("insert into {table} ({names})\nvalues ({});", values.join(", ")),
                request: format!("POST {path}\nContent-Type: application/json\n\n{}", json(&needed)),
            }
        }
        Verb::Update | Verb::Delete => {
            let key = key(room, relation);
            let reads = role.rights.columns(&relation.name, "select");
            if key.is_empty() || key.iter().any(|column| !reads.has(&column.name)) {
                return None;
            }
            let wheres: Vec<String> =
                key.iter().map(|column| format!("{} = {}", quote::ident(&column.name), value(column).0)).collect();
            let wheres = wheres.join(" and ");
            let eq: String =
                key.iter().map(|column| format!(".eq({}, {})", quoted(&column.name), value(column).1)).collect();
            let filter = |column: &&Column| {
                let (_, json) = value(column);
                format!("{}=eq.{}", segment(&column.name), segment(json.trim_matches('"')))
            };
            let filter = key.iter().map(filter).collect::<Vec<_>>().join("&");
            if verb == Verb::Delete {
                return Some(Example {
                    typescript: format!("{from}.delete(){eq}"),
                    sql: format!("delete from {table} where {wheres};"),
                    request: format!("DELETE {path}?{filter}"),
                });
            }
            let is_key = |column: &Column| key.iter().any(|key| key.name == column.name);
            // What triggers keep is refused whatever the value is.
            let fields = room.book.entity_of(&relation.name).map_or(&[][..], |entity| &entity.fields);
            let kept = |field: &Field| field.immutable || field.maintained.is_some();
            let is_kept = |column: &Column| fields.iter().any(|field| field.name == column.name && kept(field));
            let others = || columns.iter().copied().filter(|column| !is_key(column) && is_known(column));
            let set = others().find(|column| !is_kept(column)).or(others().next()).or(columns.first().copied())?;
            let (sql, _) = value(set);
            Example {
                typescript: format!("{from}.update({}){eq}", body(&[set])),
                sql: format!("update {table} set {} = {sql} where {wheres};", quote::ident(&set.name)),
                request: format!("PATCH {path}?{filter}\nContent-Type: application/json\n\n{}", json(&[set])),
            }
        }
    })
}

/// The columns of the key of a table, as far as there is one.
pub fn key<'r>(room: &Room<'_, '_>, relation: &'r Relation) -> Vec<&'r Column> {
    let Some(entity) = room.book.entity_of(&relation.name) else { return Vec::new() };
    let fields = entity.key.iter().flat_map(|key| &key.fields);
    let find = |field: &usize| relation.columns.iter().find(|column| column.name == entity.fields[*field].name);
    fields.filter_map(find).collect()
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn functions(room: &Room<'_, '_>) -> String {
    let book = room.book;
    let mut out = String::from("# Functions\n\n");
    // What policies call is no request of a client.
    let helpers = &book.model.options.helper_schema;
    let mut schemas: Vec<&SmolStr> =
        book.own_functions().map(|function| &function.name.schema).filter(|schema| *schema != helpers).collect();
    schemas.sort();
    schemas.dedup();
    let own: Vec<_> = book.own_functions().filter_map(|function| Some((function, book.routine(function)?))).collect();
    let mut any = false;
    for schema in schemas {
        for call in room.api.calls(schema) {
            let Some((function, _)) = own.iter().find(|(_, found)| std::ptr::eq(*found, call.function)) else {
                continue;
            };
            let callers: Vec<&RoleColumn<'_>> =
                book.roles_of_pages().iter().filter(|role| role.rights.calls(call.function)).collect();
            if callers.is_empty() {
                continue;
            }
            any = true;
            let _ = writeln!(out, "## {}\n", text::plain(&text::short(book.model, &function.name)));
            if let Some(doc) = &function.meta.doc {
                let _ = writeln!(out, "{}\n", text::sentence(doc));
            }
            let names: Vec<String> = callers.iter().map(|role| text::code(&role.name)).collect();
            let _ = writeln!(out, "Called by {}.\n", text::and(&names));
            called(room, &call).write(room, &mut out);
            let errors = room.api.call_errors(&call, callers.iter().all(|role| role.name == "anon")).into_iter();
            let errors = errors.map(|(code, status, what)| (code, status, what.words(text::code))).collect();
            errors_of(room, &mut out, errors);
        }
    }
    if !any {
        out.push_str("There is no function to call by the names of its parameters.\n");
    }
    out
}

/// A SQLSTATE, its status, and when.
type Said = (SmolStr, &'static str, String);

/// The status stands where there is an API that gives it.
fn errors_head(room: &Room<'_, '_>, out: &mut String, rest: &[&str]) {
    let status = room.book.is_supabase().then_some("Status");
    let names: Vec<&str> = ["SQLSTATE"].into_iter().chain(status).chain(rest.iter().copied()).collect();
    text::head(out, &names);
}

fn errors_row<const N: usize>(room: &Room<'_, '_>, out: &mut String, code: &str, status: &str, rest: [String; N]) {
    let status = room.book.is_supabase().then(|| status.to_owned());
    text::row(out, [text::code(code)].into_iter().chain(status).chain(rest));
}

fn errors_of(room: &Room<'_, '_>, out: &mut String, errors: Vec<Said>) {
    let mut all: BTreeMap<(SmolStr, &str), Vec<String>> = BTreeMap::new();
    for (code, status, what) in errors {
        let whats = all.entry((code, status)).or_default();
        if !whats.contains(&what) {
            whats.push(what);
        }
    }
    errors_head(room, out, &["When"]);
    for ((code, status), whats) in all {
        errors_row(room, out, &code, status, [whats.join("; ")]);
    }
    out.push('\n');
}

fn called(room: &Room<'_, '_>, call: &Call<'_>) -> Example {
    let needed: Vec<_> =
        call.arguments.iter().filter(|(param, optional)| !optional && !param.name.is_empty()).collect();
    let value = |ty| room.api.example_of(ty).map_or(("null".to_owned(), "\"\"".to_owned()), |e| (e.sql, e.json));
    let fields: Vec<String> =
        needed.iter().map(|(param, _)| format!("{}: {}", member(&param.name), value(&param.ty).1)).collect();
    let named: Vec<String> =
        needed.iter().map(|(param, _)| format!("{} => {}", quote::ident(&param.name), value(&param.ty).0)).collect();
    let function = call.function;
    let args = if fields.is_empty() { String::new() } else { format!(", {{ {} }}", fields.join(", ")) };
    let schema = match function.schema.as_str() {
        "public" => String::new(),
        other => format!(".schema({})", quoted(other)),
    };
    Example {
        typescript: format!("supabase{schema}.rpc({}{args})", quoted(&function.name)),
        sql: format!("select * from {}({});", quote::qualified(&function.schema, &function.name), named.join(", ")),
        request: format!(
            "POST /rest/v1/rpc/{}\nContent-Type: application/json\n\n{{{}}}",
            segment(&function.name),
            needed
                .iter()
                .map(|(param, _)| format!("{}: {}", json_text(&param.name), value(&param.ty).1))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}
