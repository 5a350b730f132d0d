//! What triggers keep: immutable columns, maintained values, and what the mixins promise that ship with the compiler.

use crate::bench::{Bench, Together, refused, tried};
use crate::constraints::values;
use crate::rows::{Asked, NULL, Placed, column};
use crate::{Suite, Try, Wanted};
use specc_model::{Entity, FieldIx, MaintainedFunction, Model, RuleAction};
use specc_prove::{Crowd, Crowds, Fill, Samples};
use specc_sql::quote;

/// Our triggers that count, and that guard what is counted.
const KEEPERS: &str = "^zz_kee?p";

/// Tests of what is kept for the entities of `only`.
pub fn kept(model: &Model, samples: &Samples, only: &dyn Fn(&Entity) -> bool, server: &mut dyn Asked) -> Suite {
    let fill = Fill::new(model, samples);
    let crowds = Crowds::new(model);
    let mut suite = Suite { name: "kept", ..Suite::default() };
    for entity in model.entities.iter().filter(|entity| !entity.external && only(entity)) {
        let mut bench = Bench { model, entity, crowds: &crowds, fill: &fill, suite: &mut suite };
        let immutable: Vec<FieldIx> = (0..entity.fields.len()).filter(|at| entity.fields[*at].immutable).collect();
        let mixins: Vec<&Mixin> =
            MIXINS.iter().filter(|mixin| entity.mixins.iter().any(|name| name == mixin.name)).collect();
        if !immutable.is_empty() || !mixins.is_empty() {
            one_row(&mut bench, &immutable, &mixins, server);
        }
        for field in (0..entity.fields.len()).filter(|at| entity.fields[*at].maintained.is_some()) {
            maintained(model, entity, field, (&crowds, &fill), &mut suite, server);
        }
    }
    suite
}

/// A mixin of the library, with its trigger.
struct Mixin {
    name: &'static str,
    only: &'static str,
    /// What is tried with a row: how it is found, and an update that changes it, if there is one.
    tries: fn(&Bench<'_, '_>, &Placed, &str, Option<&str>) -> Tries,
}

const MIXINS: [Mixin; 6] = [
    Mixin { name: "append_only", only: "^refuse_(change|truncate)$", tries: append_only },
    Mixin { name: "timestamps", only: "^set_updated_at$", tries: timestamps },
    Mixin { name: "versioned", only: "^next_version$", tries: versioned },
    Mixin { name: "soft_delete", only: "^soft_delete$", tries: soft_delete },
    Mixin { name: "audited", only: "^audit$", tries: audited },
    Mixin { name: "history", only: "^keep_history$", tries: history },
];

type Tries = Vec<(RuleAction, String, Wanted, &'static str)>;

fn append_only(bench: &Bench<'_, '_>, _: &Placed, found: &str, touch: Option<&str>) -> Tries {
    let table = bench.table();
    let refused = || Wanted::Refused { states: vec!["42501".to_owned()], by: Vec::new() };
    let mut all = vec![(RuleAction::Delete, format!("delete from {table} where {found}"), refused(), "a row stays")];
    if let Some(update) = touch {
        all.push((RuleAction::Update, update_of(bench, update, found), refused(), "a row is not changed"));
    }
    // What others refer to is not truncated alone in any case.
    if bench.entity.incoming.is_empty() {
        all.push((RuleAction::Delete, format!("truncate {table}"), refused(), "rows are not truncated"));
    }
    all
}

fn timestamps(bench: &Bench<'_, '_>, _: &Placed, found: &str, _: Option<&str>) -> Tries {
    let table = bench.table();
    let update = format!("update {table} set updated_at = '2001-01-01' where {found}");
    let sql = format!("{update}; select from {table} where {found} and updated_at = now()");
    vec![(RuleAction::Update, sql, Wanted::Rows(1), "`updated_at` is the time of the change")]
}

fn versioned(bench: &Bench<'_, '_>, row: &Placed, found: &str, touch: Option<&str>) -> Tries {
    let table = bench.table();
    let Some(touch) = touch.map(|set| update_of(bench, set, found)) else { return Vec::new() };
    let sql = format!("{touch}; select from {table} where {found} and version = ({}) + 1", version(bench, row));
    let stale = format!("update {table} set version = version - 1 where {found}");
    let conflict = Wanted::Refused { states: vec!["40001".to_owned()], by: Vec::new() };
    vec![
        (RuleAction::Update, sql, Wanted::Rows(1), "a change counts"),
        (RuleAction::Update, stale, conflict, "a change of an old version is refused"),
    ]
}

fn version(bench: &Bench<'_, '_>, row: &Placed) -> String {
    let at = bench.entity.fields.iter().position(|field| field.name == "version");
    at.map_or_else(|| "1".to_owned(), |at| row.value(bench.model, at).trim_matches('\'').to_owned())
}

fn soft_delete(bench: &Bench<'_, '_>, _: &Placed, found: &str, _: Option<&str>) -> Tries {
    let table = bench.table();
    let sql =
        format!("delete from {table} where {found}; select from {table} where {found} and deleted_at is not null");
    vec![(RuleAction::Delete, sql, Wanted::Rows(1), "a deleted row is marked")]
}

/// How many lines another table has about this one.
fn lines(bench: &Bench<'_, '_>, of: &str, and: &str) -> String {
    let of = quote::qualified(&bench.model.options.default_schema, of);
    let name = &bench.entity.name;
    format!(
        "select from {of} where table_schema = {} and table_name = {} and {and}",
        quote::text(&name.schema),
        quote::text(&name.name)
    )
}

fn audited(bench: &Bench<'_, '_>, _: &Placed, found: &str, touch: Option<&str>) -> Tries {
    let Some(touch) = touch.map(|set| update_of(bench, set, found)) else { return Vec::new() };
    let sql = format!("{touch}; {}", lines(bench, "audit_log", "action = 'UPDATE'"));
    vec![(RuleAction::Update, sql, Wanted::Rows(1), "a change is written down")]
}

fn history(bench: &Bench<'_, '_>, _: &Placed, found: &str, touch: Option<&str>) -> Tries {
    let Some(touch) = touch.map(|set| update_of(bench, set, found)) else { return Vec::new() };
    let sql = format!("{touch}; {}", lines(bench, "row_history", "version = 1"));
    vec![(RuleAction::Update, sql, Wanted::Rows(1), "what a row was is kept")]
}

/// An update of one row.
fn update_of(bench: &Bench<'_, '_>, set: &str, found: &str) -> String {
    format!("update {} set {set} where {found}", bench.table())
}

/// What is tried with one row.
fn one_row(bench: &mut Bench<'_, '_>, immutable: &[FieldIx], mixins: &[&Mixin], server: &mut dyn Asked) {
    let (model, entity) = (bench.model, bench.entity);
    let words = |bench: &mut Bench<'_, '_>, why: &str| {
        for field in immutable {
            let what = format!("`{}` is immutable", entity.fields[*field].name);
            bench.skip(what, why.to_owned(), entity.fields[*field].meta.span);
        }
        for mixin in mixins {
            bench.skip(mixin.name.to_owned(), why.to_owned(), entity.meta.span);
        }
    };
    let mut rows = match bench.rows(&Crowd { rows: 1, ..Crowd::default() }) {
        Ok(rows) => rows,
        Err(why) => return words(bench, &why),
    };
    let row = &mut rows.own[0];
    for (at, field) in entity.fields.iter().enumerate() {
        // It is there.
        if field.mixin.as_deref() == Some("soft_delete") {
            row.values.insert(at, NULL.to_owned());
        }
    }
    let row = row.clone();
    let Some(found) = row.found(model) else { return words(bench, "its rows have no key to name them by") };
    let there: Vec<&Placed> = rows.others.iter().chain([&row]).collect();
    let mut tries: Vec<Try> = Vec::new();
    for field in immutable {
        let own = &entity.fields[*field];
        let (what, name) = (format!("`{}` is immutable", own.name), column(entity, *field));
        match bench.another(&row, *field) {
            Some(value) => {
                let sees = bench.promise(what.clone(), own.meta.span);
                let sql = format!("update {} set {name} = {value} where {found}", bench.table());
                tries.push(tried(RuleAction::Update, sql, refused("23514", &own.name), what.clone(), vec![sees]));
            }
            None => bench.skip(what.clone(), "no other value of its type is known".to_owned(), own.meta.span),
        }
        let sql = format!("update {} set {name} = {name} where {found}", bench.table());
        tries.push(tried(RuleAction::Update, sql, Wanted::Rows(1), what, Vec::new()));
    }
    bench.run(&there, "^zz_refuse_change", "a row", entity.meta.span, tries);
    let touch = if mixins.is_empty() { None } else { bench.touch(&row, server) };
    for mixin in mixins {
        let made = (mixin.tries)(bench, &row, &found, touch.as_deref());
        if made.is_empty() {
            let why = "there is no column to change that nothing else asks about".to_owned();
            bench.skip(mixin.name.to_owned(), why, entity.meta.span);
        }
        let mut tries = Vec::new();
        for (command, sql, expected, words) in made {
            let what = format!("{}: {words}", mixin.name);
            let sees = bench.promise(what.clone(), entity.meta.span);
            tries.push(tried(command, sql, expected, what, vec![sees]));
        }
        bench.run(&there, mixin.only, "a row", entity.meta.span, tries);
        if let Some(touch) = touch.as_deref().filter(|_| mixin.name == "versioned") {
            let read = version(bench, &row);
            let update = update_of(bench, &format!("{touch}, version = {read}"), &found);
            let together = Together {
                statements: [update.clone(), update],
                before: Vec::new(),
                most: 1,
                refusals: &["40001"],
                holds: format!("select version = {read} + 1 from {} where {found}", bench.table()),
            };
            let what = "versioned: two at once change what they read".to_owned();
            bench.race(&there, mixin.only, what, entity.meta.span, together);
        }
    }
}

/// A value that follows the rows that it counts.
fn maintained(
    model: &Model,
    parent: &Entity,
    field: FieldIx,
    (crowds, fill): (&Crowds<'_>, &Fill<'_>),
    suite: &mut Suite,
    server: &mut dyn Asked,
) {
    let own = &parent.fields[field];
    let Some(kept) = own.maintained.as_deref() else { return };
    let relation = model.relation(kept.relation);
    let child = model.entity(relation.from);
    let what = format!("`{}` follows {}", own.name, child.name.name);
    let mut bench = Bench { model, entity: child, crowds, fill, suite };
    let holds: Vec<_> = kept.filter.iter().map(|filter| &filter.formula).collect();
    let wanted = |rows| Crowd { rows, same: relation.fields.clone(), holds: holds.clone(), ..Crowd::default() };
    let rows = match bench.rows(&wanted(2)).or_else(|_| bench.rows(&wanted(1))) {
        Ok(rows) if relation.to != child.id => rows,
        Ok(_) => return bench.skip(what, "its rows refer to each other".to_owned(), own.meta.span),
        Err(why) => return bench.skip(what, why, own.meta.span),
    };
    let above = rows.others.iter().find(|row| crate::constraints::refers(model, &rows.own[0], relation.id, row));
    let (Some(above), Some(first)) = (above.and_then(|row| row.found(model)), rows.own[0].found(model)) else {
        return bench.skip(what, "its rows have no key to name them by".to_owned(), own.meta.span);
    };
    let (table, name) = (specc_prove::table(model, parent.id), column(parent, field));
    let counted = bench.table();
    let is = |count: usize| {
        let value = match (kept.function, kept.field) {
            (MaintainedFunction::Sum, Some(summed)) if count > 0 => {
                let (of, summed) = (counted.as_str(), column(child, summed));
                let which: Vec<String> = rows.own.iter().take(count).filter_map(|row| row.found(model)).collect();
                format!("(select coalesce(sum({summed}), 0) from {of} where ({}))", which.join(") or ("))
            }
            (MaintainedFunction::Sum, _) => "0".to_owned(),
            _ => count.to_string(),
        };
        format!("select from {table} where {above} and {name} = {value}")
    };
    let inserts: Vec<String> = rows.own.iter().map(|row| row.insert(model)).collect();
    let gone = format!("delete from {} where {first}", bench.table());
    let mut all = vec![(inserts.join("; "), is(inserts.len()), "rows come")];
    all.push((format!("{}; {gone}", inserts[0]), is(0), "a row goes"));
    // A row that is counted no more.
    if let Some(filter) = holds.first() {
        let row = &rows.own[0];
        let free = |field: &FieldIx| {
            let of = &child.fields[*field];
            of.generated.is_none() && !relation.fields.contains(field)
        };
        let columns = filter.columns().into_iter().map(|(_, read)| read).filter(free);
        let others: Vec<(Placed, FieldIx)> = columns
            .flat_map(|read| values(model, filter, row, read).into_iter().map(move |value| (read, value)))
            .map(|(read, value)| (row.with([(read, value)]), read))
            .collect();
        let changed: Vec<Placed> = others.iter().map(|(row, _)| row.clone()).collect();
        let fits = bench.fits(&changed, Some(filter), server);
        if let Some(at) = fits.iter().position(|fit| *fit == Some(false)) {
            let (other, read) = &others[at];
            let set = format!("{} = {}", column(child, *read), other.value(model, *read));
            let update = format!("update {} set {set} where {first}", bench.table());
            all.push((format!("{}; {update}", inserts[0]), is(0), "a row counts no more"));
        }
    }
    let sees = bench.promise(what.clone(), own.meta.span);
    let mut tries: Vec<Try> = all
        .into_iter()
        .map(|(done, question, words)| {
            let sql = format!("{done}; {question}");
            tried(RuleAction::Insert, sql, Wanted::Rows(1), format!("{what}: {words}"), vec![sees])
        })
        .collect();
    let by_hand = format!("`{}` is not set by hand", own.name);
    let guard = bench.promise(by_hand.clone(), own.meta.span);
    let sql = format!("update {table} set {name} = coalesce({name}, 0) + 5 where {above}");
    tries.push(tried(RuleAction::Update, sql, refused("23514", &own.name), by_hand, vec![guard]));
    let there: Vec<&Placed> = rows.others.iter().collect();
    bench.run(&there, KEEPERS, "what is counted is not there", own.meta.span, tries);
    if let [first, second] = inserts.as_slice() {
        let together = Together {
            statements: [first.clone(), second.clone()],
            before: Vec::new(),
            most: 2,
            refusals: &[],
            holds: format!("select exists ({})", is(2)),
        };
        bench.race(&there, KEEPERS, format!("{what}: two rows come at once"), own.meta.span, together);
    }
}
