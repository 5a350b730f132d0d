//! How the functions about a person are written: `erase_person` and `export_person`.

use super::super::rolling;
use super::routines::{SAID, column, erasing, function, say, sql_type, table};
use super::{STD, left, neutral};
use crate::past::{former_fields, former_names};
use crate::types::*;
use smol_str::SmolStr;
use specc_sql::quote::{literal, qualified};
use specc_syntax::ast::DataClass;
use std::fmt::Write;

/// That a line `l` of a log is of an entity. Lines have the name that the table had when they were written: that of now, one of
/// before, or once that of a partition, which may be gone since.
fn logged_as(model: &Model, entity: &Entity) -> String {
    let name = |name: &Qualified| {
        format!("l.table_schema = {} and l.table_name = {}", literal(&name.schema), literal(&name.name))
    };
    let mut all = vec![name(&entity.name)];
    all.extend(former_names(model, entity).iter().map(name));
    if let Some(by) = &entity.partition_by {
        all.extend(entity.partitions.iter().map(|part| name(&part.name)));
        if by.rolls.is_some() {
            let stem = format!("{}_", rolling::stem(entity));
            all.push(format!(
                "l.table_schema = {} and starts_with(l.table_name, {}) and substr(l.table_name, {}) ~ '^[0-9]{{4}}'",
                literal(&entity.name.schema),
                literal(&stem),
                stem.chars().count() + 1
            ));
        }
    }
    match all.as_slice() {
        [own] => own.clone(),
        all => format!("({})", all.join("\n       or ")),
    }
}

/// A spec, and its person.
#[derive(Clone, Copy)]
pub(super) struct Sheet<'m> {
    model: &'m Model,
    person: &'m Person,
    /// In a text for `execute`, which is given the arrays.
    numbered: bool,
}

impl<'m> Sheet<'m> {
    /// Both functions.
    pub(super) fn routines(model: &'m Model, person: &'m Person) -> [Function; 2] {
        let sheet = Self { model, person, numbered: false };
        [
            sheet.routine("erase_person", "void", &sheet.erase()),
            sheet.routine("export_person", "jsonb", &sheet.export()),
        ]
    }

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
        let nth = self.gathered().iter().position(|one| self.numbered && *one == (at, field));
        // The first value that is given is the person.
        nth.map_or_else(|| format!("them.rows_{at}_{field}"), |nth| format!("${}", nth + 2))
    }

    /// What `execute` is given.
    fn given(&self) -> String {
        let arrays = self.gathered().into_iter().map(|(at, field)| self.array(at, field));
        ["$1".to_owned()].into_iter().chain(arrays).collect::<Vec<_>>().join(", ")
    }

    /// The same in a text for `execute`.
    fn in_text(&self) -> Self {
        Self { numbered: true, ..*self }
    }

    /// Does something with each part that has left the table of an entity, where there may be some; or only looks at it.
    fn in_left(&self, reached: &Reached, act: Option<&str>) -> String {
        let entity = self.model.entity(reached.entity);
        if !left::may_leave(entity) {
            return String::new();
        }
        let own = reached.links.iter().flat_map(|link| &link.fields).copied();
        let asked = self.gathered().into_iter().filter(|(of, _)| self.person.reached[*of].entity == reached.entity);
        let needed: Vec<FieldIx> = own.chain(asked.map(|(_, field)| field)).collect();
        match act {
            Some(act) => left::each(self.model, entity, &needed, act),
            None => left::look(self.model, entity, &needed),
        }
    }

    /// What the loops over such parts keep.
    fn declared_for_left(&self, more: &str) -> String {
        let any = self.person.reached.iter().any(|reached| left::may_leave(self.model.entity(reached.entity)));
        if any { format!("  {} regclass;\n{more}", left::PART) } else { String::new() }
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
            let more: Vec<_> = fields
                .iter()
                .map(|field| format!("{} || array_agg(t.{})", self.in_text().array(at, *field), column(entity, *field)))
                .collect();
            let pieces = [
                &format!("select {} from ", more.join(", ")),
                &format!(" as t where {}", self.in_text().condition(reached)),
            ];
            let act = format!(
                "    execute {}\n       into {} using {};\n",
                left::formatted(&pieces.map(String::as_str), left::PART),
                into.join(", "),
                self.given()
            );
            filled.push_str(&self.in_left(reached, Some(&act)));
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
        // By the name that the column had when the row was kept.
        let value = |field: FieldIx| {
            let field = &entity.fields[field];
            let before = former_fields(self.model, entity, field);
            let all: Vec<_> =
                [&field.name].into_iter().chain(&before).map(|name| format!("{row} ->> {}", literal(name))).collect();
            match all.as_slice() {
                [own] => own.clone(),
                all => format!("coalesce({})", all.join(", ")),
            }
        };
        let links = reached.links.iter().filter_map(|link| {
            let Some((of, fields)) = &link.of else {
                return Some(format!("{} = $1::text", value(link.fields[0])));
            };
            let at = self.person.reached.iter().position(|reached| reached.entity == *of)?;
            if let ([own], [field]) = (link.fields.as_slice(), fields.as_slice()) {
                let array = self.array(at, *field);
                return Some(format!("lower({}) = any (lower({array}::text)::text[])", value(*own)));
            }
            let equal = |n: usize, name: &str| format!("lower(k.{name}::text) = lower({})", value(link.fields[n]));
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
                // Its columns are looked at: one that the table has no more may have had a class.
                steps.push_str(&self.in_left(reached, None));
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
            steps.push_str(&self.in_left(reached, Some(&self.emptied(reached, &fields))));
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
                    steps.push_str(&self.scrub(reached, log, columns));
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
        let declared = declared + &self.declared_for_left("  changes text;\n");
        format!("\n<<them>>\ndeclare\n{declared}begin\n{on}{filled}{steps}{off}end\n")
    }

    /// Takes a person's values out of a part that has left the table: out of columns that it has.
    fn emptied(&self, reached: &Reached, fields: &[FieldIx]) -> String {
        let entity = self.model.entity(reached.entity);
        let list =
            |of: &dyn Fn(FieldIx) -> String| fields.iter().map(|at| literal(&of(*at))).collect::<Vec<_>>().join(", ");
        let condition = format!("\n       where {}", self.in_text().condition(reached));
        format!(
            "    select string_agg(format('%I = %s', v.name, v.value), ', ')
      into changes
      from unnest(array[{}], array[{}]) as v (name, value)
      join pg_attribute a on a.attrelid = left_part and a.attname = v.name and not a.attisdropped;
    if changes is not null then
      execute {}
        using {};
    end if;
",
            list(&|at| entity.fields[at].name.to_string()),
            list(&|at| self.neutral(entity, at)),
            left::formatted(&["update ", " as t\n         set ", &condition], "left_part, changes"),
            self.given()
        )
    }

    fn scrub(&self, reached: &Reached, log: &Entity, columns: &[&str]) -> String {
        let entity = self.model.entity(reached.entity);
        let named = |field: &Field| [vec![field.name.clone()], former_fields(self.model, entity, field)].concat();
        let names: Vec<String> = kept(entity).flat_map(named).map(|name| literal(&name)).collect();
        let names = format!("array[{}]", names.join(", "));
        let set: Vec<String> = columns.iter().map(|column| format!("{column} = l.{column} - {names}")).collect();
        let theirs: Vec<String> =
            columns.iter().map(|column| self.json_condition(reached, &format!("l.{column}"))).collect();
        format!(
            "  update {} as l\n     set {}\n   where {}\n     and ({});\n",
            table(log),
            set.join(", "),
            logged_as(self.model, entity),
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
        // What rows of others are found by must be nobody else's, also when it says nothing any more.
        let of_it = |of: usize| self.person.reached[of].entity == entity.id;
        let compared = self.gathered().iter().any(|(of, field)| *field == at && of_it(*of));
        neutral::value(self.model, entity, at, compared)
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
            let name = literal(&format!("{}.{}", entity.name.schema, entity.name.name));
            let _ = writeln!(
                steps,
                "  everything := everything || jsonb_build_object({}, (\n    select coalesce(jsonb_agg({row}{order}), '[]')\n      from {} as t\n     where {}));",
                name,
                table(entity),
                self.condition(reached)
            );
            let pieces = [
                &format!("select coalesce(jsonb_agg({row}{order}), '[]') from "),
                &format!(" as t where {}", self.in_text().condition(reached)),
            ];
            let act = format!(
                "    execute {}
       into more using {};
    everything := jsonb_set(everything, array[{name}], (everything -> {name}) || more);
",
                left::formatted(&pieces.map(String::as_str), left::PART),
                self.given()
            );
            steps.push_str(&self.in_left(reached, Some(&act)));
        }
        let declared = declared + &self.declared_for_left("  more jsonb;\n");
        format!(
            "\n<<them>>\ndeclare\n  everything jsonb := '{{}}';\n{declared}begin\n{filled}{steps}  return everything;\nend\n"
        )
    }
}

/// The columns whose values say something of a person wherever a copy of the row is kept: those that are computed and searched, too.
fn kept(entity: &Entity) -> impl Iterator<Item = &Field> {
    let any = entity.fields.iter().any(|field| field.class.is_some());
    let searched = move |at: FieldIx| any && entity.searches.iter().any(|search| search.field == at);
    let all = entity.fields.iter().enumerate();
    all.filter(move |(at, field)| field.class.is_some() || searched(*at)).map(|(_, field)| field)
}
