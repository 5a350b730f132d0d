//! `entities/<name>.md`: all that there is to say of one entity.

use crate::book::Book;
use crate::{access, behaviour, claims, promises, text, workflows};
use specc_catalog::{IndexKey, KeyOn};
use specc_model::{Bounds, Element, Entity, EntityId, Field, FieldIx, Relation, Rls, Trigger};
use specc_syntax::ast::{DataClass, TriggerTiming};
use std::fmt::Write;

/// The page.
pub fn page(book: &Book<'_>, id: EntityId) -> String {
    let entity = book.model.entity(id);
    let mut out = String::with_capacity(4096);
    let _ = writeln!(out, "# {}\n", text::plain(book.label(id)));
    if let Some(doc) = &entity.meta.doc {
        let _ = writeln!(out, "{}\n", text::prose(doc.trim()));
    }
    facts(book, entity, &mut out);
    columns(book, entity, &mut out);
    constraints(book, entity, &mut out);
    indexes(book, entity, &mut out);
    relations(book, entity, &mut out);
    rules(book, entity, &mut out);
    promises::section(book, entity, &mut out);
    for workflow in &entity.workflows {
        let _ = writeln!(out, "## Workflow of {}\n", text::code(&entity.fields[workflow.field].name));
        workflows::section(book, &mut out, entity, workflow);
    }
    let sentences = behaviour::sentences(book, entity);
    if !sentences.is_empty() {
        out.push_str("## Behaviour\n\n");
        sentences.iter().for_each(|text| {
            let _ = writeln!(out, "- {text}");
        });
        out.push('\n');
    }
    partitions(book, entity, &mut out);
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Where it belongs and what else is special, in a list.
fn facts(book: &Book<'_>, entity: &Entity, out: &mut String) {
    if let Some(area) = book.area(entity.id) {
        let _ = writeln!(out, "- Area [{}](../{})", text::plain(&area.name), area.path);
    }
    if !entity.mixins.is_empty() {
        let names: Vec<String> = entity.mixins.iter().map(|name| text::code(name)).collect();
        let _ = writeln!(out, "- Uses {}", text::and(&names));
    }
    if entity.unlogged {
        out.push_str("- Unlogged: its rows do not survive a crash\n");
    }
    if let Some(was) = &entity.meta.was {
        let _ = writeln!(out, "- Was called {}", text::code(was));
    }
    if let Some(counts) = book.seeds.get(&entity.id) {
        let counts: Vec<String> = counts
            .iter()
            .map(|(env, n)| format!("{} in {}", text::count(*n, "row", "rows"), text::code(env)))
            .collect();
        let _ = writeln!(out, "- Seeds: {}", text::and(&counts));
    }
    out.push('\n');
}

fn columns(book: &Book<'_>, entity: &Entity, out: &mut String) {
    out.push_str("## Columns\n\n");
    if entity.fields.is_empty() {
        out.push_str("None.\n\n");
        return;
    }
    text::head(out, &["Column", "Type", "Null", "Default", "Notes"]);
    for (place, field) in entity.fields.iter().enumerate() {
        let default = match (book.default(field), &field.identity, &field.maintained) {
            (_, _, Some(_)) => "counted".to_owned(),
            (Some((default, None)), _, _) => text::code(default),
            (Some((default, Some(domain))), _, _) => format!("{} (of {})", text::code(default), text::code(domain)),
            (None, Some(_), _) => "next number".to_owned(),
            (None, None, None) => String::new(),
        };
        text::row(
            out,
            [
                text::code(&field.name),
                text::code(&text::ty(book.model, &field.ty)),
                if field.nullable { "yes".to_owned() } else { String::new() },
                default,
                notes(book, entity, place, field),
            ],
        );
    }
    out.push('\n');
}

fn notes(book: &Book<'_>, entity: &Entity, place: usize, field: &Field) -> String {
    let mut notes: Vec<String> = Vec::new();
    if entity.key.as_ref().is_some_and(|key| key.fields == [place]) {
        notes.push("key".into());
    } else if entity.key.as_ref().is_some_and(|key| key.fields.contains(&place)) {
        notes.push("part of the key".into());
    }
    if let Some(relation) = book.reference(entity.id, place) {
        notes.push(format!("refers to {}", book.link(relation.to, "here")));
    }
    if crate::mermaid::is_unique(entity, place) {
        notes.push("unique".into());
    }
    if let Some((always, _)) = field.identity.as_deref() {
        notes.push(if *always { "identity, always generated".into() } else { "identity".into() });
    }
    if let Some(search) = entity.searches.iter().find(|search| search.field == place) {
        let fields = search.fields.iter().map(|(f, weight)| match weight {
            Some(weight) => format!("{} ({weight})", text::code(&entity.fields[*f].name)),
            None => text::code(&entity.fields[*f].name),
        });
        let fields: Vec<String> = fields.collect();
        notes.push(format!("search in {} using {}", text::and(&fields), text::code(&search.config)));
    } else if let Some(generated) = &field.generated {
        notes.push(format!("generated as {}", text::code(&generated.text)));
    }
    if field.maintained.is_some() {
        notes.push("maintained by triggers".into());
    }
    let sets =
        |trigger: &&Trigger| trigger.timing == TriggerTiming::Before && trigger.writes.contains(&(entity.id, place));
    for trigger in entity.triggers.iter().filter(sets) {
        let events: Vec<&str> = trigger.events.iter().map(|(event, _)| event.as_str()).collect();
        notes.push(format!("set by the trigger {} on {}", text::code(&trigger.name), text::join(&events, "and")));
    }
    if let Some(shape) = &field.shape {
        notes.push(format!("has the shape {}", text::code(&shape.to_string())));
    }
    if field.immutable {
        notes.push("immutable".into());
    }
    match field.class {
        Some(DataClass::Pii) => notes.push("**personal**".into()),
        Some(DataClass::Secret) => notes.push("**secret**".into()),
        None => {}
    }
    if let Some(collation) = &field.collation {
        notes.push(format!("collation {}", text::code(&text::short(book.model, collation))));
    }
    if let Some(mixin) = &field.mixin {
        notes.push(format!("from {}", text::code(mixin)));
    }
    if let Some(was) = &field.meta.was {
        notes.push(format!("was {}", text::code(was)));
    }
    if let Some(why) = &field.deprecated {
        let why = if why.is_empty() { String::new() } else { format!(": {}", text::prose(why)) };
        notes.push(format!("**deprecated**{why}"));
    }
    let notes = notes.join("; ");
    match &field.meta.doc {
        Some(doc) if notes.is_empty() => text::sentence(doc),
        Some(doc) => format!("{} ({notes})", text::sentence(doc)),
        None => notes,
    }
}

fn constraints(book: &Book<'_>, entity: &Entity, out: &mut String) {
    let mut rows: Vec<[String; 3]> = Vec::new();
    if let Some(key) = &entity.key {
        rows.push([text::code(&key.name), "key".into(), book.columns(entity, &key.fields)]);
    }
    for unique in &entity.uniques {
        let mut what = behaviour::elements(entity, &unique.elements);
        if let Some(filter) = &unique.filter {
            let _ = write!(what, " where {}", text::code(&filter.text));
        }
        if unique.nulls_not_distinct {
            what.push_str(", nulls count as equal");
        }
        rows.push([text::code(&unique.name), "unique".into(), what]);
    }
    for check in &entity.checks {
        let mut what = text::code(&check.expr.text);
        if let Some(doc) = &check.doc {
            let _ = write!(what, ": {}", text::sentence(doc));
        }
        rows.push([text::code(&check.name), "check".into(), what]);
    }
    for exclude in &entity.excludes {
        let parts = exclude.elements.iter().map(|(element, operator)| {
            format!("{} {}", behaviour::elements(entity, std::slice::from_ref(element)), text::code(operator))
        });
        rows.push([text::code(&exclude.name), "exclusion".into(), parts.collect::<Vec<_>>().join(" and ")]);
    }
    if rows.is_empty() {
        return;
    }
    out.push_str("## Constraints\n\n");
    text::head(out, &["Name", "Kind", "What must hold"]);
    rows.iter().for_each(|row| text::row(out, row));
    out.push('\n');
}

fn indexes(book: &Book<'_>, entity: &Entity, out: &mut String) {
    let rows = indexes_of(book, entity, "here");
    if rows.is_empty() {
        return;
    }
    out.push_str("## Indexes\n\nBesides those that the key and the unique rules bring.\n\n");
    text::head(out, &["Name", "Over", "Why"]);
    rows.iter().for_each(|row| text::row(out, row));
    out.push('\n');
}

/// Name, columns and reason of each index that neither the key nor a unique rule brings; links lead out of the folder as
/// [`Book::link`] has it.
pub fn indexes_of(book: &Book<'_>, entity: &Entity, up: &str) -> Vec<[String; 3]> {
    let mut rows = Vec::new();
    for (index, comment) in &book.objects(entity).indexes {
        // A unique rule that is an index stands with the constraints.
        if entity.uniques.iter().any(|unique| unique.name == index.name) {
            continue;
        }
        let mut over = index.keys.iter().map(key).collect::<Vec<_>>().join(", ");
        if let Some(filter) = &index.filter {
            let _ = write!(over, " where {}", text::code(&filter.text));
        }
        if !index.include.is_empty() {
            let columns: Vec<String> = index.include.iter().map(|name| text::code(name)).collect();
            let _ = write!(over, " with {}", columns.join(", "));
        }
        if index.method != "btree" {
            over = format!("{over} by {}", index.method);
        }
        rows.push([text::code(&index.name), over, why(book, entity, index, *comment, up)]);
    }
    rows
}

fn key(key: &IndexKey) -> String {
    let mut out = match &key.on {
        KeyOn::Column(name) => name.to_string(),
        KeyOn::Expr(expr) => expr.text.to_string(),
    };
    if let Some(opclass) = &key.opclass {
        let _ = write!(out, " {}", opclass.name);
    }
    if key.desc {
        out.push_str(" desc");
    }
    text::code(&out)
}

/// Why an index is there.
fn why(book: &Book<'_>, entity: &Entity, index: &specc_catalog::Index, comment: Option<&str>, up: &str) -> String {
    if let Some(comment) = comment {
        return text::sentence(comment);
    }
    let declared = entity.indexes.iter().any(|declared| declared.name == index.name);
    if entity.searches.iter().any(|search| search.index_name == index.name) {
        return "full text search".to_owned();
    }
    if index.unique {
        return "holds that no two rows are the same in it".to_owned();
    }
    // Those that lead: what comes behind an expression finds nothing by itself.
    let columns: Vec<_> = index.keys.iter().map_while(|key| key.column_name().cloned()).collect();
    let references = entity.outgoing.iter().map(|id| book.model.relation(*id));
    // Whoever looks for a key looks for a value: a filter that says no more leaves none out.
    let has_value = |filter: &str| columns.iter().any(|column| *filter == format!("{column} is not null"));
    let whole = index.method == "btree" && index.filter.as_ref().is_none_or(|filter| has_value(&filter.text));
    let leads = |relation: &&Relation| {
        let first = columns.get(..relation.fields.len());
        whole
            && first
                .is_some_and(|first| relation.fields.iter().all(|field| first.contains(&entity.fields[*field].name)))
    };
    let mut serves: Vec<&Relation> = references.filter(leads).collect();
    // What has more of its columns is more what it is for.
    serves.sort_by_key(|relation| std::cmp::Reverse(relation.fields.len()));
    let mut links: Vec<String> = Vec::new();
    for relation in serves {
        let link = book.link(relation.to, up);
        if !links.contains(&link) {
            links.push(link);
        }
    }
    if !links.is_empty() {
        let links = text::join(&links, "or");
        return format!("finds what refers to a row of {links}, also when that row is deleted");
    }
    let names = |fields: &[FieldIx]| fields.iter().map(|field| entity.fields[*field].name.clone()).collect::<Vec<_>>();
    if let Some(limit) =
        entity.limits.iter().find(|limit| !limit.per.is_empty() && columns.starts_with(&names(&limit.per)))
    {
        return format!("counts the rows of the limit {}", text::code(&limit.name));
    }
    let over: Vec<String> = index.keys.iter().map(key).collect();
    let filter = if index.filter.is_some() { ", of the rows that its filter names" } else { "" };
    let by = if declared { "the spec asks for it" } else { "made" };
    let finds = if index.method == "btree" { "finds and orders" } else { "finds" };
    format!("{by}: {finds} rows by {}{filter}", text::and(&over))
}

fn relations(book: &Book<'_>, entity: &Entity, out: &mut String) {
    let outgoing: Vec<&Relation> = entity.outgoing.iter().map(|id| book.model.relation(*id)).collect();
    let incoming: Vec<&Relation> = entity.incoming.iter().map(|id| book.model.relation(*id)).collect();
    if outgoing.is_empty() && incoming.is_empty() {
        return;
    }
    out.push_str("## Relations\n\n");
    if !outgoing.is_empty() {
        text::head(out, &["Refers to", "By", "Path", "Rows", "When that row is deleted"]);
        for relation in outgoing {
            text::row(
                out,
                [
                    book.link(relation.to, "here"),
                    book.columns(entity, &relation.fields),
                    text::code(&relation.path),
                    if relation.nullable { "none or one".to_owned() } else { "exactly one".to_owned() },
                    goes(book, relation),
                ],
            );
        }
        out.push('\n');
    }
    if !incoming.is_empty() {
        text::head(out, &["Referred to by", "By", "Path", "Rows", "When this row is deleted"]);
        for relation in incoming {
            text::row(
                out,
                [
                    book.link(relation.from, "here"),
                    book.columns(book.model.entity(relation.from), &relation.fields),
                    text::code(&relation.inverse),
                    if relation.inverse_one { "none or one".to_owned() } else { "any number".to_owned() },
                    goes(book, relation),
                ],
            );
        }
        out.push('\n');
    }
}

fn goes(book: &Book<'_>, relation: &Relation) -> String {
    let then = claims::deletes(book, relation).map(|then| then.words()).unwrap_or_default();
    match claims::is_soft(book, book.model.entity(relation.to)) {
        true => format!("a delete hides it, and the reference stays; when it goes for good: {then}"),
        false => then,
    }
}

fn rules(book: &Book<'_>, entity: &Entity, out: &mut String) {
    out.push_str("## Access\n\n");
    match entity.rls {
        Rls::Off => out.push_str("Row level security is **off**: whoever holds a grant sees every row.\n\n"),
        Rls::Forced => out.push_str("Row level security is on, for the owner of the table too.\n\n"),
        Rls::On if entity.rules.is_empty() => {
            let _ =
                writeln!(out, "Row level security is on and no rule opens it: {}.\n", access::nobody_but(book, entity));
        }
        Rls::On => {}
    }
    let (forbids, allows): (Vec<_>, Vec<_>) = entity.rules.iter().partition(|rule| rule.forbid);
    let groups = match entity.rls {
        Rls::Off => [("Without effect while it is off", entity.rules.iter().collect()), ("", Vec::new())],
        _ => [("Allowed, if any of these says so", allows), ("Narrowed, by each of these", forbids)],
    };
    for (title, rules) in groups {
        if rules.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{title}:\n");
        for rule in rules {
            let _ = writeln!(out, "- {}", access::words(book, Some(entity), rule));
        }
        out.push('\n');
    }
}

fn partitions(book: &Book<'_>, entity: &Entity, out: &mut String) {
    let Some(by) = &entity.partition_by else { return };
    let elements: &[Element] = &by.elements;
    let _ = writeln!(out, "## Partitions\n\nBy {} of {}.\n", by.method, behaviour::elements(entity, elements));
    if let Some(rolls) = &by.rolls {
        let then = match &rolls.then {
            specc_model::Then::Detach => "are detached".to_owned(),
            specc_model::Then::Archive(schema) => format!("go to the schema {}", text::code(schema)),
            specc_model::Then::Drop => "are dropped".to_owned(),
        };
        let old =
            rolls.keep.map_or(String::new(), |(n, unit)| format!("; those older than {} {then}", unit.interval(n)));
        let name = specc_model::rolling_function(&book.model.options, entity);
        let name = text::code(&format!("{}.{}", name.schema, name.name));
        let _ = writeln!(out, "{name} makes one for every {}, {} ahead{old}.\n", rolls.every.word(), rolls.ahead);
    }
    if entity.partitions.is_empty() {
        return;
    }
    text::head(out, &["Partition", "Holds"]);
    let list =
        |values: &[specc_model::ExprRef]| values.iter().map(|v| text::code(&v.text)).collect::<Vec<_>>().join(", ");
    for partition in &entity.partitions {
        let holds = match &partition.bounds {
            Bounds::Range { from, to } => format!("from {} to {} (exclusive)", list(from), list(to)),
            Bounds::List(values) => list(values),
            Bounds::Hash { modulus, remainder } => format!("remainder {remainder} of {modulus}"),
            Bounds::Default => "everything else".to_owned(),
        };
        text::row(out, [text::code(&text::short(book.model, &partition.name)), holds]);
    }
    out.push('\n');
}
