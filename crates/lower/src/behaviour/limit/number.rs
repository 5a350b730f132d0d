//! The number of places changes: more of them are given to those who wait; fewer than are taken are refused, or those
//! who came last overflow.

use super::{Owner, Places, gate};
use crate::behaviour::plpgsql::{changed, column, columns, equal, indented, list, message, over, spoken, table};
use crate::behaviour::{Attach, trigger_function};
use crate::structure::{Room, names};
use specc_catalog::Qualified;
use specc_model::{Entity, FieldIx, Relation};
use specc_sql::quote::{literal, qualified};

impl Places<'_> {
    pub(super) fn number(&self, room: &mut Room, fill: Option<&Qualified>) {
        let Owner::Row { relation, number: Some(number) } = self.owner else { return };
        let target = self.model.entity(relation.to);
        if target.external {
            return;
        }
        let (name, span) = (self.limit.name.as_str(), self.limit.span);
        let what = [self.entity.name.name.as_str(), name];
        let of = vec![target.fields[number].name.clone()];

        let comment = format!("Notes rows of {} whose {} changes.", target.name.name, target.fields[number].name);
        let routine = self.routine(room, self.note_body(target, relation), comment);
        let function = trigger_function(room, target, &["note", what[0], name], routine, span);
        Attach::before("update", &["limit", what[0], name, "begin"])
            .statement(None, None)
            .of(of.clone())
            .to(room, target, &function, span);
        Attach::after("update", &["limit", what[0], name, "note"])
            .of(of.clone())
            .when(Some(changed(self.model, target, number)))
            .reading(of.clone())
            .to(room, target, &function, span);

        let comment =
            format!("Holds the limit {name} of {} when {} changes.", self.entity.name.name, spoken(target, number));
        let routine = self
            .routine(room, self.number_body(target, relation, number, fill), comment)
            .needs(fill.map(|f| self.calls(f)));
        let function = trigger_function(room, target, &["number", what[0], name], routine, span);
        Attach::after("update", &["limit", what[0], name, "number"])
            .statement(None, None)
            .of(of)
            .to(room, target, &function, span);
    }

    fn noted(&self, target: &Entity) -> String {
        let name = names::helper(self.model, target, &["number"]);
        format!("{}_", self.setting(&format!("of_{name}")))
    }

    /// Before the statement: its turn. After each row: who has another number of places now. A text that grows by each
    /// row is copied at each row, so what has become long is put away. A trigger may change other rows meanwhile: what is noted
    /// of those stands for itself.
    fn note_body(&self, target: &Entity, relation: &Relation) -> String {
        let pairs = relation
            .fields
            .iter()
            .zip(&relation.to_fields)
            .map(|(from, to)| format!("{}, new.{}", literal(&self.entity.fields[*from].name), column(target, *to)));
        let noted = self.noted(target);
        format!(
            "
<<note>>
declare
  setting constant text := {noted} || pg_trigger_depth();
  noted text := current_setting(setting, true);
  parts int := nullif(current_setting(setting || '.parts', true), '')::int;
begin
  if tg_level = 'STATEMENT' then
    perform pg_advisory_xact_lock({gate});
    perform set_config(note.setting, '', true);
    perform set_config(note.setting || '.parts', '0', true);
    return null;
  end if;
  if octet_length(note.noted) > 8000 then
    perform set_config(note.setting || '.part_' || note.parts, note.noted, true);
    perform set_config(note.setting || '.parts', (note.parts + 1)::text, true);
    note.noted := '';
  end if;
  perform set_config(note.setting, concat_ws(',', nullif(note.noted, ''),
    jsonb_build_object({owner})), true);
  return null;
end
",
            gate = gate(target),
            noted = literal(&noted),
            owner = pairs.collect::<Vec<_>>().join(", "),
        )
    }

    fn number_body(&self, target: &Entity, relation: &Relation, number: FieldIx, fill: Option<&Qualified>) -> String {
        let record = relation.fields.iter().map(|f| format!("{} {}", column(self.entity, *f), self.passed(*f)));
        let references = columns(self.model, self.entity, &relation.fields);
        let noted = format!("jsonb_to_recordset(number.noted) as n ({})", record.collect::<Vec<_>>().join(", "));
        // Places can be counted by more than the owner.
        let given = if self.limit.per.len() == relation.fields.len() {
            format!(
                "{noted}\njoin {} p on {}",
                table(target),
                equal("p", &columns(self.model, target, &relation.to_fields), "n", &references)
            )
        } else {
            String::new()
        };
        let owners = if given.is_empty() {
            format!(
                "select distinct {per}\n  from {noted}\n  join {table} r on {tie}\n  where {matters}",
                per = list("r", &self.per()),
                table = table(self.entity),
                tie = equal("r", &references, "n", &references),
                matters = if fill.is_some() {
                    format!("{} or {}", self.satisfied("r"), self.waiting("r"))
                } else {
                    self.satisfied("r")
                },
            )
        } else {
            format!("select n.*\n  from {noted}")
        };
        let judged = format!("from (\n  {owners}\n) k{}", self.join_owner("k"),);
        let free = format!("{} - {}", self.number_of(), self.taken("k"));
        let lowered = if self.overflows() {
            self.demote("number", &judged, &free, "")
        } else {
            format!(
                "  if exists (
    select
    {judged}
    where {free} < 0
  ) then
    raise exception {message}
      using errcode = 'check_violation', hint = 'free some of them first',
            schema = tg_table_schema, table = tg_table_name, column = {column};
  end if;
",
                judged = indented(&judged, 4),
                message = message(&format!(
                    "{} cannot fall below the places that {} has taken",
                    super::no_placeholders(&spoken(target, number)),
                    self.shown()
                )),
                column = literal(&target.fields[number].name),
            )
        };
        let raised = fill.map_or_else(String::new, |fill| {
            format!(
                "  number.owners := (
    select jsonb_agg({json})
    {judged}
    where ({number} is null or {free} > 0) and {waits}
  );
  if number.owners is not null then
    perform {fill}(number.owners);
  end if;
",
                json = self.json("k"),
                judged = indented(&judged, 4),
                number = self.number_of(),
                waits = self.somebody_waits(),
                fill = qualified(&fill.schema, &fill.name),
            )
        });
        let setting = self.noted(target);
        let variables = match (self.overflows(), fill.is_some()) {
            (true, true) => "\n  owners jsonb;\n  too_many bigint;\n  gone bigint;",
            (true, false) => "\n  too_many bigint;\n  gone bigint;",
            _ => "",
        };
        format!(
            "
<<number>>
declare
  setting constant text := {setting} || pg_trigger_depth();
  noted constant jsonb := '[' || concat_ws(',', nullif(current_setting(setting, true), ''), (
    select string_agg(current_setting(setting || '.part_' || part), ',')
    from generate_series(0, nullif(current_setting(setting || '.parts', true), '')::int - 1) part
  )) || ']';{variables}
begin
  if number.noted = '[]' then
    return null;
  end if;
{lowered}{raised}  return null;
end
",
            setting = literal(&setting),
        )
    }

    /// Those who came last give their places up. Rows that others hold are never waited for.
    pub(super) fn demote(&self, label: &str, judged: &str, free: &str, among: &str) -> String {
        let key = self.key();
        let per: Vec<_> = self.per().iter().map(|c| format!("k.{c}, ")).collect();
        let sets = self
            .limit
            .overflow
            .iter()
            .map(|(f, e)| format!("{} = {}", column(self.entity, *f), over(self.model, self.entity, "r", e)));
        format!(
            "  perform set_config({last}, '*', true);
  with place as materialized (
    select {per}-({free}) as {too_many}
    {judged}
    where {free} < 0
  ),
  line as materialized (
    select l.*
    from place k
    cross join lateral (
      select {key_list}
      from {table} r
      where {of}{satisfied}{among}
      order by {order}
      limit k.{too_many}
      for no key update of r skip locked
    ) l
  ),
  demoted as (
    update {table} r set {sets}
    from line l
    where {this}
    returning 1
  )
  select coalesce((select sum(k.{too_many}) from place k), 0), (select count(*) from demoted)
  into {label}.too_many, {label}.gone;
  perform set_config({last}, '', true);
  if {label}.gone < {label}.too_many then
    raise exception {message}
      using errcode = 'lock_not_available', hint = 'try again';
  end if;
",
            last = literal(&self.setting("")),
            per = per.concat(),
            too_many = self.own("over"),
            judged = indented(judged, 4),
            key_list = list("r", &key),
            table = table(self.entity),
            of = self.of("r", "k"),
            satisfied = self.satisfied("r"),
            order = self.order(true),
            sets = sets.collect::<Vec<_>>().join(", "),
            this = equal("r", &key, "l", &key),
            message = message(&format!("{}: rows that have to leave are being changed", self.shown())),
        )
    }
}
