//! The functions that follow from classes: `erase_person`, `export_person`, and one for each entity whose rows stay for a time.
//!
//! They are functions of the spec like any other: granted, documented and typed as those are.

use super::super::library::STD;
use crate::types::*;
use smol_str::SmolStr;
use specc_facts::{Family, family};
use specc_sql::quote::{ident, literal, qualified};
use specc_syntax::ast::{DataClass, Name, Setting};
use std::fmt::Write;

/// How many rows one call of a retention function deletes at most.
const BATCH: u32 = 1000;

/// Adds them.
pub(super) fn add(model: &mut Model) {
    let mut made = Vec::new();
    if let Some(person) = &model.person {
        let sheet = Sheet { model, person };
        made.push(sheet.routine("erase_person", "void", &sheet.erase()));
        made.push(sheet.routine("export_person", "jsonb", &sheet.export()));
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
fn erasing(model: &Model) -> Object {
    Object::Sequence(model.sequences.len())
}

/// The setting that triggers of ours ask.
const SAID: &str = "specc.erasing";

/// Says to triggers of ours, and takes back, what this transaction does: only a superuser may say it of a function.
fn say(model: &Model, names: &[&str]) -> (String, String) {
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
        raises: true,
        acts: true,
        calls: Vec::new(),
        session: Vec::new(),
        asks: None,
    }
}

fn table(entity: &Entity) -> String {
    qualified(&entity.name.schema, &entity.name.name)
}

fn column(entity: &Entity, at: FieldIx) -> std::borrow::Cow<'_, str> {
    ident(&entity.fields[at].name)
}

fn sql_type(model: &Model, ty: &Type) -> String {
    let mut out = String::new();
    specc_sql::push_type(&mut out, &ty.data_type(model));
    out
}

/// Deletes the oldest rows that are too old, and what calls it.
fn retention(model: &Model, entity: &Entity) -> (Function, Option<Schedule>) {
    let retain = entity.retain.as_ref();
    let (time, interval) = retain.map_or((0, ""), |retain| (retain.field, retain.interval.as_str()));
    let keys: Vec<String> =
        entity.key.iter().flat_map(|key| &key.fields).map(|at| column(entity, *at).to_string()).collect();
    let of = |row: &str| keys.iter().map(|key| format!("{row}.{key}")).collect::<Vec<_>>().join(", ");
    let time = column(entity, time);
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
begin
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
{off}  return gone;
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

/// How the functions about a person are written.
struct Sheet<'m> {
    model: &'m Model,
    person: &'m Person,
}

impl Sheet<'_> {
    fn key(&self) -> (&Entity, FieldIx) {
        let entity = self.model.entity(self.person.entity);
        (entity, entity.key.as_ref().map_or(0, |key| key.fields[0]))
    }

    fn routine(&self, name: &str, returns: &str, body: &str) -> Function {
        let (entity, key) = self.key();
        let who = &entity.name.name;
        let doc = match name {
            "erase_person" => format!(
                "Takes what says something of a person, and secrets, out of all rows that are theirs, for a key of {who}. No row goes."
            ),
            _ => format!("All rows of a person as JSON, by table, for a key of {who}; without secrets."),
        };
        let meta = Meta { doc: Some(doc.into()), area: self.person.meta.area.clone(), ..self.person.meta.clone() };
        let mut made = function(self.model, name.into(), meta, body.to_owned());
        made.params.push(Param {
            mode: SmolStr::default(),
            name: "person".into(),
            ty: entity.fields[key].ty.clone(),
            default: None,
        });
        made.returns = Some(match returns {
            "void" => Returns::Pseudo("void".into()),
            other => Returns::Type(super::super::typeref::plain(other)),
        });
        if self.model.options.target == Target::Supabase {
            made.roles.push("service_role".into());
        }
        made.depends = self.person.reached.iter().map(|reached| Object::Entity(reached.entity)).collect();
        made.depends.extend((0..self.model.views.len()).filter(|at| self.refreshes(*at)).map(Object::View));
        if name == "export_person" {
            made.volatility = Some("stable".into());
        } else {
            made.depends.push(erasing(self.model));
        }
        made
    }

    /// The arrays that hold columns of a person's rows for what is compared with them.
    fn gathered(&self) -> Vec<(usize, FieldIx)> {
        let mut all: Vec<(usize, FieldIx)> = Vec::new();
        for link in self.person.reached.iter().flat_map(|reached| &reached.links) {
            let Some((of, fields)) = &link.of else { continue };
            let Some(at) = self.person.reached.iter().position(|reached| reached.entity == *of) else { continue };
            all.extend(fields.iter().map(|field| (at, *field)));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn array(&self, at: usize, field: FieldIx) -> String {
        format!("them.rows_{at}_{field}")
    }

    /// Declarations, and the statements that fill the arrays.
    fn gather(&self) -> (String, String) {
        let gathered = self.gathered();
        let (mut declared, mut filled) = (String::new(), String::new());
        for (at, field) in &gathered {
            let entity = self.model.entity(self.person.reached[*at].entity);
            let ty = sql_type(self.model, &self.model.under(&entity.fields[*field].ty));
            let _ = writeln!(declared, "  rows_{at}_{field} {ty}[];");
        }
        for (at, reached) in self.person.reached.iter().enumerate() {
            let fields: Vec<FieldIx> = gathered.iter().filter(|(of, _)| *of == at).map(|(_, field)| *field).collect();
            if fields.is_empty() {
                continue;
            }
            let entity = self.model.entity(reached.entity);
            let columns: Vec<_> =
                fields.iter().map(|field| format!("array_agg(t.{})", column(entity, *field))).collect();
            let into: Vec<_> = fields.iter().map(|field| self.array(at, *field)).collect();
            let _ = writeln!(
                filled,
                "  select {}\n    into {}\n    from {} as t\n   where {};",
                columns.join(", "),
                into.join(", "),
                table(entity),
                self.condition(reached)
            );
        }
        (declared, filled)
    }

    /// Which rows of an entity are the person's.
    fn condition(&self, reached: &Reached) -> String {
        let entity = self.model.entity(reached.entity);
        let links: Vec<String> = reached.links.iter().filter_map(|link| self.link(entity, link)).collect();
        match links.as_slice() {
            [one] => one.clone(),
            several => format!("({})", several.join(" or ")),
        }
    }

    fn link(&self, entity: &Entity, link: &Link) -> Option<String> {
        let Some((of, fields)) = &link.of else { return Some(format!("t.{} = $1", column(entity, link.fields[0]))) };
        let at = self.person.reached.iter().position(|reached| reached.entity == *of)?;
        let other = self.model.entity(*of);
        let same = |a: FieldIx, b: FieldIx| {
            let (a, b) = (self.model.under(&entity.fields[a].ty), self.model.under(&other.fields[b].ty));
            a == b && matches!(a.base, Base::Builtin(_))
        };
        if let ([own], [field]) = (link.fields.as_slice(), fields.as_slice()) {
            let (own_name, array) = (column(entity, *own), self.array(at, *field));
            return Some(match same(*own, *field) {
                true => format!("t.{own_name} = any ({array})"),
                // Of other types, or such as compare by operators of an extension.
                false => format!("lower(t.{own_name}::text) = any (lower({array}::text)::text[])"),
            });
        }
        Some(self.among(at, fields, |n, name| {
            let (own, field) = (link.fields[n], fields[n]);
            let own_name = column(entity, own);
            match same(own, field) {
                true => format!("k.{name} = t.{own_name}"),
                false => format!("lower(k.{name}::text) = lower(t.{own_name}::text)"),
            }
        }))
    }

    /// Whether rows of the person have these values together: `equal` compares one of them, by its place.
    fn among(&self, at: usize, fields: &[FieldIx], equal: impl Fn(usize, &str) -> String) -> String {
        let arrays: Vec<String> = fields.iter().map(|field| self.array(at, *field)).collect();
        let names: Vec<String> = (0..arrays.len()).map(|n| format!("v{n}")).collect();
        let equal: Vec<String> = names.iter().enumerate().map(|(n, name)| equal(n, name)).collect();
        format!(
            "exists (select from unnest({}) as k ({}) where {})",
            arrays.join(", "),
            names.join(", "),
            equal.join(" and ")
        )
    }

    /// The same of a row that is kept as JSON.
    fn json_condition(&self, reached: &Reached, row: &str) -> String {
        let entity = self.model.entity(reached.entity);
        let key = |field: FieldIx| literal(&entity.fields[field].name);
        let links = reached.links.iter().filter_map(|link| {
            let Some((of, fields)) = &link.of else {
                return Some(format!("{row} ->> {} = $1::text", key(link.fields[0])));
            };
            let at = self.person.reached.iter().position(|reached| reached.entity == *of)?;
            if let ([own], [field]) = (link.fields.as_slice(), fields.as_slice()) {
                let array = self.array(at, *field);
                return Some(format!("lower({row} ->> {}) = any (lower({array}::text)::text[])", key(*own)));
            }
            let equal =
                |n: usize, name: &str| format!("lower(k.{name}::text) = lower({row} ->> {})", key(link.fields[n]));
            Some(self.among(at, fields, equal))
        });
        format!("({})", links.collect::<Vec<_>>().join(" or "))
    }

    /// The columns of an entity that are emptied.
    fn classed(&self, entity: &Entity) -> Vec<FieldIx> {
        let computed =
            |field: &Field| field.generated.is_some() || field.identity.is_some() || field.maintained.is_some();
        let searched = |at: FieldIx| entity.searches.iter().any(|search| search.field == at);
        let all = entity.fields.iter().enumerate();
        all.filter(|(at, field)| field.class.is_some() && !computed(field) && !searched(*at))
            .map(|(at, _)| at)
            .collect()
    }

    fn erase(&self) -> String {
        let (declared, filled) = self.gather();
        let mut steps = String::new();
        for reached in &self.person.reached {
            let entity = self.model.entity(reached.entity);
            let fields = self.classed(entity);
            if fields.is_empty() {
                continue;
            }
            let values = fields.iter().map(|at| format!("{} = {}", column(entity, *at), self.neutral(entity, *at)));
            let values: Vec<String> = values.collect();
            let _ = writeln!(
                steps,
                "  update {} as t\n     set {}\n   where {};",
                table(entity),
                values.join(",\n         "),
                self.condition(reached)
            );
        }
        // What was kept of earlier states comes last: the changes above leave more of it.
        for reached in &self.person.reached {
            let entity = self.model.entity(reached.entity);
            let fields = self.classed(entity);
            if fields.is_empty() {
                continue;
            }
            for (log, trigger, columns) in [
                ("audit_log", "audit_row", &["old_data", "new_data"][..]),
                ("row_history", "keep_history", &["data"][..]),
            ] {
                let keeps = |t: &Trigger| matches!(&t.action, TriggerAction::Execute { function, .. } if function.name == trigger);
                let found = self.model.entities.iter().find(|e| e.name.name == log && e.meta.area == STD);
                if let (true, Some(log)) = (entity.triggers.iter().any(keeps), found) {
                    steps.push_str(&self.scrub(reached, &fields, log, columns));
                }
            }
        }
        for (at, view) in self.model.views.iter().enumerate() {
            if self.refreshes(at) {
                let _ =
                    writeln!(steps, "  refresh materialized view {};", qualified(&view.name.schema, &view.name.name));
            }
        }
        let (on, off) = say(self.model, &[SAID]);
        format!("\n<<them>>\ndeclare\n{declared}begin\n{on}{filled}{steps}{off}end\n")
    }

    fn scrub(&self, reached: &Reached, fields: &[FieldIx], log: &Entity, columns: &[&str]) -> String {
        let entity = self.model.entity(reached.entity);
        let names: Vec<String> = fields.iter().map(|at| literal(&entity.fields[*at].name)).collect();
        let names = format!("array[{}]", names.join(", "));
        let set: Vec<String> = columns.iter().map(|column| format!("{column} = l.{column} - {names}")).collect();
        let theirs: Vec<String> =
            columns.iter().map(|column| self.json_condition(reached, &format!("l.{column}"))).collect();
        format!(
            "  update {} as l\n     set {}\n   where l.table_schema = {} and l.table_name = {}\n     and ({});\n",
            table(log),
            set.join(", "),
            literal(&entity.name.schema),
            literal(&entity.name.name),
            theirs.join("\n       or ")
        )
    }

    /// Whether a materialized view keeps something that has a class.
    fn refreshes(&self, at: usize) -> bool {
        let view = &self.model.views[at];
        view.materialized && view.classes.iter().any(Option::is_some)
    }

    /// What stands where something of a person stood.
    fn neutral(&self, entity: &Entity, at: FieldIx) -> String {
        let field = &entity.fields[at];
        if field.nullable {
            return "null".into();
        }
        let model = self.model;
        let ty = model.under(&field.ty);
        let alone = |elements: &[Element]| elements.iter().any(|e| e.field() == Some(at));
        let unique = entity.uniques.iter().any(|u| alone(&u.elements))
            || entity.indexes.iter().any(|i| i.unique && alone(&i.elements))
            || entity.key.as_ref().is_some_and(|key| key.fields.contains(&at));
        let cast = |value: String| format!("{value}::{}", sql_type(model, &field.ty));
        if ty.dims > 0 {
            return cast("'{}'".into());
        }
        let name = match &ty.base {
            Base::Builtin(name) => name.as_str(),
            Base::Named(name) => name.name.as_str(),
            Base::Enum(id) => {
                let first = model.enums[id.0 as usize].labels.first();
                return cast(literal(first.map_or("", |label| label.name.as_str())));
            }
            _ => return cast("'()'".into()),
        };
        match family(name) {
            Family::Uuid => "gen_random_uuid()".into(),
            Family::Json => cast("'{}'".into()),
            Family::Boolean => "false".into(),
            Family::Integer | Family::Decimal | Family::Float | Family::Money | Family::Oid | Family::Interval => {
                cast("'0'".into())
            }
            Family::Moment => cast("'epoch'".into()),
            Family::Time => cast("'00:00'".into()),
            Family::Network => cast("'0.0.0.0'".into()),
            Family::Bytes if unique => "decode(md5(gen_random_uuid()::text), 'hex')".into(),
            Family::Text => {
                let mail = field.name.to_lowercase().contains("mail");
                // What rows of others are found by must be nobody else's, also when it says nothing any more.
                let compared = self
                    .gathered()
                    .iter()
                    .any(|(of, field)| self.person.reached[*of].entity == entity.id && *field == at);
                let alone = unique || compared;
                let value = match (mail, alone) {
                    (true, true) => "'erased-' || gen_random_uuid() || '@erased.invalid'",
                    (true, false) => "'erased@erased.invalid'",
                    (false, true) => "'erased-' || gen_random_uuid()",
                    (false, false) => "'erased'",
                };
                match ty.args.first() {
                    Some(length) => format!("left({value}, {length})"),
                    None if alone => format!("({value})::{}", sql_type(model, &field.ty)),
                    None => cast(value.into()),
                }
            }
            _ => cast("''".into()),
        }
    }

    fn export(&self) -> String {
        let (declared, filled) = self.gather();
        let mut steps = String::new();
        for reached in &self.person.reached {
            let entity = self.model.entity(reached.entity);
            let secrets = entity.fields.iter().filter(|field| field.class == Some(DataClass::Secret));
            let secrets: Vec<String> = secrets.map(|field| literal(&field.name)).collect();
            let row = match secrets.is_empty() {
                true => "to_jsonb(t)".to_owned(),
                false => format!("to_jsonb(t) - array[{}]", secrets.join(", ")),
            };
            let order: Vec<String> =
                entity.key.iter().flat_map(|key| &key.fields).map(|at| format!("t.{}", column(entity, *at))).collect();
            let order = if order.is_empty() { String::new() } else { format!(" order by {}", order.join(", ")) };
            let name = format!("{}.{}", entity.name.schema, entity.name.name);
            let _ = writeln!(
                steps,
                "  everything := everything || jsonb_build_object({}, (\n    select coalesce(jsonb_agg({row}{order}), '[]')\n      from {} as t\n     where {}));",
                literal(&name),
                table(entity),
                self.condition(reached)
            );
        }
        format!(
            "\n<<them>>\ndeclare\n  everything jsonb := '{{}}';\n{declared}begin\n{filled}{steps}  return everything;\nend\n"
        )
    }
}
