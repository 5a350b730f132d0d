//! The functions that follow from classes: `erase_person`, `export_person`, and one for each entity whose rows stay for a time.
//!
//! They are functions of the spec like any other: granted, documented and typed as those are.

use super::sheet::Sheet;
use super::{STD, left};
use crate::formula::extensions::schema_of_type;
use crate::types::*;
use smol_str::SmolStr;
use specc_sql::quote::{ident, literal, qualified};
use specc_syntax::ast::{Name, Setting};

/// How many rows one call of a retention function deletes at most.
const BATCH: u32 = 1000;

/// Adds them.
pub(super) fn add(model: &mut Model) {
    let mut made = Vec::new();
    if let Some(person) = &model.person {
        made.extend(Sheet::routines(model, person));
    }
    let mut jobs = Vec::new();
    for entity in model.entities.iter().filter(|entity| entity.retain.is_some()) {
        let (function, job) = retention(model, entity);
        made.push(function);
        jobs.extend(job);
    }
    if made.is_empty() {
        return;
    }
    let reached = model.person.iter().flat_map(|person| &person.reached).map(|reached| model.entity(reached.entity));
    if reached.chain(model.entities.iter().filter(|entity| entity.retain.is_some())).any(left::may_leave) {
        made.push(left::routine(model));
    }
    let doc = "Marks the transaction in which rows or values are erased: its triggers let that through.";
    model.sequences.push(Sequence {
        meta: Meta { doc: Some(doc.into()), area: STD.into(), ..Meta::default() },
        name: Qualified { schema: model.options.helper_schema.clone(), name: super::MARK.into() },
        ty: None,
        options: Vec::new(),
        owned_by: None,
    });
    model.functions.extend(made);
    model.schedules.extend(jobs);
}

pub(in super::super) fn setting(name: &str, value: &str) -> Setting {
    let at = specc_syntax::ast::At(specc_diag::Span::default());
    Setting { name: Name { text: name.into(), at }, value: value.into(), quoted: false, at }
}

/// The sequence that comes with the functions.
pub(super) fn erasing(model: &Model) -> Object {
    Object::Sequence(model.sequences.len())
}

/// The setting that triggers of ours ask.
pub(super) const SAID: &str = "specc.erasing";

/// Says to triggers of ours, and takes back, what this transaction does: only a superuser may say it of a function.
pub(super) fn say(model: &Model, names: &[&str]) -> (String, String) {
    let all = |value: &str, mark: &str| {
        let set = names.iter().map(|name| format!("  perform set_config('{name}', '{value}', true);\n"));
        let mark = format!("  perform setval({}, {mark});\n", literal(&super::mark(&model.options)));
        set.chain([mark]).collect()
    };
    (all("on", "pg_current_xact_id()::text::bigint"), all("", "1"))
}

/// A function of the helper schema that runs as its owner.
pub(in super::super) fn function(model: &Model, name: SmolStr, meta: Meta, body: String) -> Function {
    Function {
        meta,
        name: Qualified { schema: model.options.helper_schema.clone(), name },
        procedure: false,
        params: Vec::new(),
        returns: None,
        language: "plpgsql".into(),
        volatility: None,
        strict: false,
        parallel: None,
        leakproof: false,
        security_definer: true,
        cost: None,
        rows: None,
        settings: vec![
            // A policy that binds the owner too would leave rows out: better that the call fails.
            setting("row_security", "off"),
            setting("search_path", "pg_catalog, pg_temp"),
        ],
        roles: Vec::new(),
        atomic: false,
        body: body.into(),
        depends: Vec::new(),
        reads: Vec::new(),
        views: Vec::new(),
        writes: Vec::new(),
        deeds: Deeds::default(),
        acts: true,
        calls: Vec::new(),
        raises: true,
        session: Vec::new(),
        asks: None,
    }
}

pub(super) fn table(entity: &Entity) -> String {
    qualified(&entity.name.schema, &entity.name.name)
}

pub(super) fn column(entity: &Entity, at: FieldIx) -> std::borrow::Cow<'_, str> {
    ident(&entity.fields[at].name)
}

/// A type as bodies write it, which find nothing of an extension by its name alone.
pub(super) fn sql_type(model: &Model, ty: &Type) -> String {
    let mut of = ty.data_type(model);
    of.schema = schema_of_type(model, ty).unwrap_or(of.schema);
    let mut out = String::new();
    specc_sql::push_type(&mut out, &of);
    out
}

/// Deletes the oldest rows that are too old, and what calls it.
fn retention(model: &Model, entity: &Entity) -> (Function, Option<Schedule>) {
    let retain = entity.retain.as_ref();
    let (at, interval) = retain.map_or((0, ""), |retain| (retain.field, retain.interval.as_str()));
    let keys: Vec<String> =
        entity.key.iter().flat_map(|key| &key.fields).map(|at| column(entity, *at).to_string()).collect();
    let of = |row: &str| keys.iter().map(|key| format!("{row}.{key}")).collect::<Vec<_>>().join(", ");
    let time = column(entity, at);
    let (declared, after) = match left::may_leave(entity) {
        true => {
            ("  left_part regclass;\n  more bigint;\n", left::each(model, entity, &[at], &too_old(&time, interval)))
        }
        false => ("", String::new()),
    };
    let table = table(entity);
    let hides = |trigger: &Trigger| matches!(&trigger.action, TriggerAction::Execute { function, .. } if function.name == "soft_delete_row");
    let names: &[&str] = match entity.triggers.iter().any(hides) {
        true => &[SAID, "specc.hard_delete"],
        false => &[SAID],
    };
    let (on, off) = say(model, names);
    let body = format!(
        "
declare
  gone bigint;
{declared}begin
{on}  -- A few at a time, and none that somebody else holds: nobody waits for this.
  delete from {table} as t
   where ({}) in (
     select {}
       from {table} as o
      where o.{time} < now() - interval {}
      order by o.{time}
      limit {BATCH}
      for update skip locked
   );
  get diagnostics gone = row_count;
{after}{off}  return gone;
end
",
        of("t"),
        of("o"),
        literal(interval)
    );
    let in_default = entity.name.schema == model.options.default_schema;
    let name: SmolStr = match in_default {
        true => format!("retain_{}", entity.name.name),
        false => format!("retain_{}_{}", entity.name.schema, entity.name.name),
    }
    .into();
    let name: SmolStr = specc_catalog::clip(&name, specc_catalog::LONGEST_NAME).into();
    let doc = format!("Deletes rows that are older than {interval}, {BATCH} at most, and says how many.");
    let meta =
        Meta { doc: Some(doc.into()), area: entity.meta.area.clone(), span: entity.meta.span, ..Meta::default() };
    let mut made = function(model, name.clone(), meta.clone(), body);
    made.returns = Some(Returns::Type(super::super::typeref::plain("bigint")));
    made.depends = vec![Object::Entity(entity.id), erasing(model)];
    let job = (model.options.target == Target::Supabase).then(|| Schedule {
        meta: Meta { doc: None, ..meta },
        name: name.clone(),
        cron: "*/5 * * * *".into(),
        command: format!("select {}()", qualified(&made.name.schema, &made.name.name)).into(),
        depends: Vec::new(),
    });
    (made, job)
}

/// Deletes of a part that left as many as are still to be deleted.
fn too_old(time: &str, interval: &str) -> String {
    let older = format!(
        " as o\n       where o.{time} < now() - interval {}\n       order by o.{time}\n       limit ",
        literal(interval)
    );
    let pieces = [
        "delete from ",
        "\n     where ctid in (\n      select o.ctid from ",
        &older,
        "\n         for update skip locked\n     )",
    ];
    format!(
        "    exit when gone >= {BATCH};
    execute {};
    get diagnostics more = row_count;
    gone := gone + more;
",
        left::formatted(&pieces, &format!("{0}, {0}, {BATCH} - gone", left::PART))
    )
}
