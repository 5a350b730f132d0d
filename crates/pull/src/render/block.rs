//! What no construct says, as `sql` blocks with the SQL that makes it.

use super::{Item, Sort};
use crate::state::State;
use crate::text::{Text, body, quoted};
use smol_str::SmolStr;
use specc_catalog::{Entry, Kind, Object, ObjectId, Rls, Sequence, Sql};
use specc_sql::{Access, Named, Privileges, Statement, print};
use std::collections::BTreeSet;

/// The name of the block for an object: of words, no longer than a name can be.
pub(crate) fn name(id: &ObjectId, of: &str) -> SmolStr {
    if id.kind == Kind::Sql {
        return cut(&id.name);
    }
    // What has no name of its own is told apart by what it is a part of.
    let part = if id.kind == Kind::PublicationTable { format!(" in {}", id.part) } else { String::new() };
    let words = format!("{of}{id}{part}").replace("[]", " array");
    let mut out = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            c if c.is_alphanumeric() => out.extend(c.to_lowercase()),
            _ if out.ends_with('_') || out.is_empty() => {}
            _ => out.push('_'),
        }
    }
    let out = out.trim_end_matches('_');
    // What is left out here may be all that tells two names apart.
    let odd = |name: &str| name.starts_with('_') || name.contains("__") || name.contains(char::is_uppercase);
    match odd(&id.schema) || odd(&id.name) {
        true => cut(&format!("{out}_{}", &specc_catalog::checksum(&words)[..8])),
        false => cut(out),
    }
}

/// At most 63 bytes; what is longer is told apart by a checksum of all of it.
fn cut(name: &str) -> SmolStr {
    const LONGEST: usize = 63;
    if name.len() <= LONGEST {
        return name.into();
    }
    let sum = specc_catalog::checksum(name);
    let mut end = LONGEST - 9;
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{}", &name[..end], &sum[..8]).into()
}

/// What the name of a block starts with that sets a comment.
pub(super) const COMMENT: &str = "comment on ";

pub(super) fn column_comment(column: &str) -> String {
    format!("comment on {column} of ")
}

pub(super) fn block(state: &State<'_>, id: &ObjectId, entry: &Entry, all: &mut Vec<Item>) {
    let mut text = Text::default();
    let mine;
    let sql = match &entry.object {
        Object::Sql(sql) => sql,
        _ => {
            mine = Sql {
                name: name(id, ""),
                up: up(state, entry),
                down: down(entry),
                last: false,
                provides: provides(id),
            };
            &mine
        }
    };
    text.says(id, |text| {
        let why = state.why(id);
        if !matches!(entry.object, Object::Sql(_)) {
            text.push(format!("// {}\n", why.replace('\n', " ")));
        }
        // Depends on what it needs, and on what was said of it.
        let mut needs = Vec::new();
        for need in state.needs(id) {
            needs.extend(depends(state, &need));
        }
        write(&name(id, ""), sql, needs, text);
    });
    all.push(Item { id: id.clone(), sort: Sort::Block, text });
    if let Object::Sequence(sequence) = &entry.object {
        owner(state, id, sequence, all);
    }
}

/// The column that owns a sequence: said when both are there, since the column's default needs the sequence.
fn owner(state: &State<'_>, id: &ObjectId, sequence: &Sequence, all: &mut Vec<Item>) {
    let Some((table, _)) = &sequence.owned_by else { return };
    let (mut up, mut down) = (String::new(), String::new());
    print(&Statement::OwnSequence(sequence), &mut up);
    print(&Statement::DisownSequence(sequence), &mut down);
    let name = name(id, "owner of ");
    let sql = Sql { name: name.clone(), up: up.into(), down: Some(down.into()), last: false, provides: Vec::new() };
    let mut text = Text::default();
    write(&name, &sql, [id, &table.id()].into_iter().filter_map(|on| depends(state, on)).collect(), &mut text);
    all.push(Item { id: id.clone(), sort: Sort::Block, text });
}

fn write(name: &str, sql: &Sql, mut needs: Vec<String>, text: &mut Text) {
    text.push("sql ").name(name);
    let provides: Vec<_> = sql.provides.iter().filter_map(provided).collect();
    if !provides.is_empty() {
        text.push(format!("\n  provides {}", provides.join(", ")));
    }
    needs.sort();
    needs.dedup();
    if !needs.is_empty() {
        text.push(format!("\n  depends on {}", needs.join(", ")));
    }
    if sql.last {
        text.push("\n  after");
    }
    text.push(format!("\n  {}", body(&lines(&sql.up))));
    if let Some(down) = &sql.down {
        text.push(format!("\n  down {}", body(&lines(down))));
    }
}

fn lines(sql: &str) -> String {
    if sql.contains('\n') { format!("\n{}\n", sql.trim()) } else { format!(" {} ", sql.trim()) }
}

/// Comments that have no place above their object.
pub(super) fn comments(state: &State<'_>, id: &ObjectId, entry: &Entry, all: &mut Vec<Item>) {
    let mut add = |what: String, statement: Statement<'_>, undo: Statement<'_>| {
        let (mut up, mut down) = (String::new(), String::new());
        print(&statement, &mut up);
        print(&undo, &mut down);
        let name = name(id, &what);
        let sql = Sql { name: name.clone(), up: up.into(), down: Some(down.into()), last: false, provides: Vec::new() };
        let mut text = Text::default();
        text.push("// no documentation can stand there\n");
        write(&name, &sql, depends(state, id).into_iter().collect(), &mut text);
        all.push(Item { id: id.clone(), sort: Sort::Block, text });
    };
    if let (Some(comment), true) = (&entry.comment, state.comments.contains(id)) {
        let on = Named::Object(&entry.object);
        let set = |text| Statement::Comment { on, text };
        add(COMMENT.into(), set(Some(comment)), set(None));
    }
    let Object::Table(table) = &entry.object else { return };
    for column in &table.columns {
        if state.column_comments.contains(&(id.clone(), column.name.clone())) {
            let set = |text| Statement::CommentColumn { table: &table.table, column: &column.name, text };
            add(column_comment(&column.name), set(column.comment.as_deref()), set(None));
        }
    }
}

/// The statements that make an object, with what is said of it besides.
fn up(state: &State<'_>, entry: &Entry) -> SmolStr {
    let mut out = String::new();
    let object = &entry.object;
    // A body that stands in a block may name what is gone: the database has the function all the same.
    let is_unread = matches!(object, Object::Function(function) if !function.body.is_atomic());
    if is_unread {
        out.push_str("set check_function_bodies = off;\n");
    }
    print(&Statement::Create(object), &mut out);
    if is_unread {
        out.push_str("reset check_function_bodies;\n");
    }
    if let Object::Table(table) = object {
        let name = &table.table;
        for column in &table.columns {
            for setting in column.settings() {
                print(&Statement::SetColumn { table: name, column, setting }, &mut out);
            }
        }
        if let Some(identity) = &table.replica_identity {
            print(&Statement::SetReplicaIdentity { table: name, identity: Some(identity) }, &mut out);
        }
        if table.rls != Rls::Off {
            print(&Statement::SetRls { table: name, from: Rls::Off, to: table.rls }, &mut out);
        }
        for column in &table.columns {
            if let Some(text) = &column.comment {
                let statement = Statement::CommentColumn { table: name, column: &column.name, text: Some(text) };
                print(&statement, &mut out);
            }
        }
    }
    let public = matches!(object, Object::Function(_)).then_some("public");
    let given = state.catalog.default_grantees.of(object.id().kind).iter().map(SmolStr::as_str);
    let roles: Vec<_> = public.into_iter().chain(given).collect();
    if !roles.is_empty() {
        let access = Access { on: Named::Object(object), privileges: Privileges::All, roles };
        print(&Statement::Revoke(access), &mut out);
    }
    if let Some(text) = &entry.comment {
        print(&Statement::Comment { on: Named::Object(object), text: Some(text) }, &mut out);
    }
    if let Some(owner) = &entry.owner {
        let lend = state.catalog.lends(&object.id().schema, owner);
        print(&Statement::SetOwner { of: object, owner: Some(owner), lend }, &mut out);
    }
    out.trim_end().into()
}

fn down(entry: &Entry) -> Option<SmolStr> {
    let mut out = String::new();
    match &entry.object {
        Object::Table(table) => print(&Statement::DropTable(table), &mut out),
        Object::Seed(seed) => print(&Statement::DeleteSeed(seed), &mut out),
        object => print(&Statement::Drop(object), &mut out),
    }
    let out = out.trim();
    (!out.is_empty()).then(|| out.into())
}

fn provides(id: &ObjectId) -> Vec<ObjectId> {
    let named = matches!(
        id.kind,
        Kind::Schema
            | Kind::Extension
            | Kind::Role
            | Kind::Enum
            | Kind::Domain
            | Kind::Composite
            | Kind::Sequence
            | Kind::Table
            | Kind::Function
            | Kind::View
            | Kind::Index
            | Kind::Publication
    );
    named.then(|| ObjectId { part: SmolStr::default(), ..id.clone() }).into_iter().collect()
}

/// `table "a"."b"`, as `provides` says it.
fn provided(id: &ObjectId) -> Option<String> {
    let word = match id.kind {
        Kind::Schema => "schema",
        Kind::Extension => "extension",
        Kind::Role => "role",
        Kind::Enum => "enum",
        Kind::Domain => "domain",
        Kind::Composite => "type",
        Kind::Sequence => "sequence",
        Kind::Table => "table",
        Kind::Function => "function",
        Kind::View => "view",
        Kind::Index => "index",
        Kind::Publication => "publication",
        Kind::Sql if KINDS.contains(&id.part.as_str()) => id.part.as_str(),
        _ => return None,
    };
    let name = quoted(&id.name);
    Some(match id.schema.as_str() {
        "" => format!("{word} {name}"),
        schema => format!("{word} {}.{name}", quoted(schema)),
    })
}

/// Kinds that only blocks make, by the words that the language has for them.
const KINDS: &[&str] = &[
    "event trigger",
    "foreign table",
    "foreign data wrapper",
    "user mapping",
    "access method",
    "text search configuration",
    "text search dictionary",
    "text search parser",
    "text search template",
    "operator class",
    "operator family",
    "aggregate",
    "cast",
    "collation",
    "conversion",
    "language",
    "operator",
    "rule",
    "server",
    "statistics",
    "subscription",
    "transform",
];

/// How a block says that it needs this object; none for what cannot be named or is not ours.
fn depends(state: &State<'_>, on: &ObjectId) -> Option<String> {
    let entry = state.entry(on)?;
    if !state.is_typed(on) {
        return Some(format!("sql {}", quoted(&name(on, ""))));
    }
    let full = || match on.schema.as_str() {
        "" => quoted(&on.name),
        schema => format!("{}.{}", quoted(schema), quoted(&on.name)),
    };
    Some(match &entry.object {
        Object::Schema(_) => format!("schema {}", full()),
        Object::Extension(_) => format!("extension {}", full()),
        Object::Enum(_) => format!("enum {}", full()),
        Object::Domain(_) => format!("domain {}", full()),
        Object::Composite(_) => format!("type {}", full()),
        // A dependency by name would be on the first of them.
        Object::Function(_) if state.is_overloaded(on) => return None,
        Object::Function(_) => format!("function {}", full()),
        Object::Table(o) => {
            let table = o.partition_of.as_ref().map_or(&o.table, |(parent, _)| parent);
            format!("entity {}.{}", quoted(&table.schema), quoted(&table.name))
        }
        Object::View(_) => format!("view {}", full()),
        Object::Sequence(_) => format!("sequence {}", full()),
        // These come with their table.
        Object::Constraint(o) => format!("entity {}.{}", quoted(&o.table.schema), quoted(&o.table.name)),
        Object::Index(o) => {
            let word = if state.catalog.contains(&o.table.id()) { "entity" } else { "view" };
            format!("{word} {}.{}", quoted(&o.table.schema), quoted(&o.table.name))
        }
        _ => return None,
    })
}

/// The blocks that some objects need.
pub(super) fn needed<'i>(state: &State<'_>, ids: impl Iterator<Item = &'i ObjectId>) -> BTreeSet<SmolStr> {
    let needs = ids.flat_map(|id| state.needs(id).map(move |on| (id, on)));
    let blocks = needs.filter(|(id, on)| *id != on && state.entry(on).is_some() && !state.is_typed(on));
    blocks.map(|(_, on)| name(&on, "")).collect()
}
