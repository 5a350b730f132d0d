//! Rows that are not stored after all: `on conflict do nothing`, or a trigger that drops them. Their statement has the token
//! of their owner until its transaction ends, so who frees a place of his meanwhile leaves it to that transaction. What it
//! does about it: it locks the owner as if it had stored the row, so that others wait for its end, and looks whether somebody
//! can be given a place.

use super::{Owner, Places};
use crate::behaviour::plpgsql::{column, columns, equal, indented, list, table, within};
use specc_catalog::Qualified;
use specc_model::Entity;
use specc_sql::quote::{literal, qualified};

impl Places<'_> {
    /// The owners whose tokens an insert asked for, with commas.
    fn asked(&self) -> String {
        literal(&self.setting("asked"))
    }

    /// Notes the owner of a row before it is stored.
    pub(super) fn note_asked(&self) -> String {
        if !self.promotes() {
            return String::new();
        }
        format!(
            "
      take.kept := coalesce(current_setting({asked}, true), '');
      if strpos(take.kept, {owner}::text) = 0 then
        take.kept := set_config({asked}, concat_ws(',', nullif(take.kept, ''), {owner}::text), true);
      end if;",
            asked = self.asked(),
            owner = self.json("new"),
        )
    }

    /// The owners `k` that were asked for and have no row among those that were stored.
    fn left_out(&self) -> String {
        let asked = format!("('[' || current_setting({}, true) || ']')::jsonb", self.asked());
        let per = self.per();
        let same = if per.is_empty() { "true".to_owned() } else { equal("n", &per, "k", &per) };
        format!(
            "from {given}
where not exists (
  select from new_rows n
  where {same}
    and ({satisfied} or {waiting})
)",
            given = self.given(&asked),
            satisfied = self.satisfied("n"),
            waiting = self.waiting("n"),
        )
    }

    fn was_asked(&self) -> String {
        format!("coalesce(current_setting({}, true), '') <> ''", self.asked())
    }

    /// Locks the owners of an insert's rows in key order, where some of these rows were not stored.
    pub fn lock_left_out(&self, parent: &Entity, gate: &str) -> String {
        let Owner::Row { relation, .. } = self.owner else { return String::new() };
        if !self.promotes() {
            return String::new();
        }
        let keys = columns(self.model, parent, &relation.to_fields);
        let references = columns(self.model, self.entity, &relation.fields);
        let order: Vec<_> = parent
            .key
            .as_ref()
            .map_or(&relation.to_fields, |key| &key.fields)
            .iter()
            .map(|f| column(parent, *f))
            .collect();
        let these = format!(
            "
  select {k}
  {left_out}
  union
  select {n}
  from new_rows n
",
            k = list("k", &references),
            left_out = indented(&self.left_out(), 2),
            n = list("n", &references),
        );
        let gate = if self.has_number() { format!("{gate}\n        ") } else { String::new() };
        format!(
            "
    if {was_asked} then
      if exists (
        select
        {left_out}
      ) then
        {gate}perform
        from {parent} p
        where {of_these}
        order by {order}
        for no key update of p;
      end if;
    end if;",
            was_asked = self.was_asked(),
            left_out = indented(&self.left_out(), 8),
            parent = table(parent),
            of_these = indented(&within("p", &keys, &these), 8),
            order = order.iter().map(|name| format!("p.{name}")).collect::<Vec<_>>().join(", "),
        )
    }

    /// Looks at the owners whose rows were not stored, at the end of an insert.
    pub(super) fn settle_left_out(&self, fill: &Qualified) -> String {
        let lock = match self.owner {
            Owner::Row { .. } => String::new(),
            Owner::Nothing => format!(
                "perform pg_advisory_xact_lock({name}, t.token)
      from (
        select distinct {token} as token
        {left_out}
        order by token
      ) t;
      ",
                name = self.lock_name("places"),
                token = self.token("k"),
                left_out = indented(&self.left_out(), 8),
            ),
        };
        let free = format!("{} - {}", self.number_of(), self.taken("k"));
        let per = self.per();
        let selected = if per.is_empty() { "k.*".to_owned() } else { list("k", &per) };
        format!(
            "
    if {was_asked} then
      {lock}perform {fill}(f.owners)
      from (
        select jsonb_agg({json}) as owners
        from (
          select {selected}
          {left_out}
        ) k{owner}
        where ({number} is null or {free} > 0) and {waits}
      ) f
      where f.owners is not null;
      perform set_config({asked}, '', true);
    end if;",
            was_asked = self.was_asked(),
            fill = qualified(&fill.schema, &fill.name),
            json = self.json("k"),
            left_out = indented(&self.left_out(), 10),
            owner = indented(&self.join_owner("k"), 8),
            number = self.number_of(),
            waits = self.somebody_waits(),
            asked = self.asked(),
        )
    }
}
