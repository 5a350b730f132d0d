//! Rows that meet others: `on conflict do nothing` and `do update`, or a trigger that drops them.
//!
//! A row that is not stored after all: its statement has the token of the owner until its transaction ends, so who frees a
//! place of his meanwhile leaves it to that transaction. What it does about it: it locks the owner as if it had stored the
//! row, so that others wait for its end, and looks whether somebody can be given a place.
//!
//! Of `on conflict do update` the triggers for updated rows come first, and those for new rows after them. The first lock
//! what both are about: so all owners of the statement are locked in one order, behind one gate.

use super::{Owner, Places};
use crate::behaviour::plpgsql::{Column, columns, equal, indented, list, table, within};
use specc_catalog::Qualified;
use specc_model::Entity;
use specc_sql::quote::{literal, qualified};

impl Places<'_> {
    /// The owners whose tokens an insert asked for, with commas.
    fn asked(&self) -> String {
        literal(&self.setting("asked"))
    }

    /// What the rows before this one have asked for, as a variable.
    pub(super) fn declare_asked(&self) -> String {
        match self.promotes() {
            true => format!("\n  asked constant text := coalesce(current_setting({}, true), '');", self.asked()),
            false => String::new(),
        }
    }

    /// Notes the owner of a row before it is stored, indented by so many blanks and two more.
    pub(super) fn note_asked(&self, indent: usize) -> String {
        if !self.promotes() {
            return String::new();
        }
        let lines = format!(
            "
if strpos(take.asked, {owner}::text) = 0 then
  take.kept := set_config({asked}, concat_ws(',', nullif(take.asked, ''), {owner}::text), true);
end if;",
            asked = self.asked(),
            owner = self.json("new"),
        );
        indented(&lines, indent + 2)
    }

    /// The owners that an insert asked for, as a table `k`.
    fn given_asked(&self) -> String {
        self.given(&format!("('[' || current_setting({}, true) || ']')::jsonb", self.asked()))
    }

    /// The owners `k` that were asked for and have no row among those that were stored.
    fn left_out(&self) -> String {
        let per = self.per();
        let same = if per.is_empty() { "true".to_owned() } else { equal("n", &per, "k", &per) };
        format!(
            "from {given}
where not exists (
  select from new_rows n
  where {same}
    and ({satisfied} or {waiting})
)",
            given = self.given_asked(),
            satisfied = self.satisfied("n"),
            waiting = self.waiting("n"),
        )
    }

    /// Whether an insert asked for owners.
    pub(super) fn was_asked(&self) -> String {
        format!("coalesce(current_setting({}, true), '') <> ''", self.asked())
    }

    /// The tokens of the owners that an insert asked for, which an update that is part of it locks too.
    pub(super) fn asked_tokens(&self, event: &str) -> String {
        if !self.promotes() || event != "UPDATE" {
            return String::new();
        }
        format!("\n  union\n  select {}\n  from {}", self.token("k"), self.given_asked())
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

/// Locks the owners that an insert asked for, and those of the rows of its statement, in key order: after an insert where
/// some of the rows were not stored, after an update where it is part of an insert. `references`: the columns that lead to the
/// parent, and what they are there.
pub(in crate::behaviour) fn lock_asked(
    limits: &[&Places<'_>],
    event: &str,
    parent: &Entity,
    order: &str,
    references: &[(Vec<Column>, Vec<Column>)],
    gate: &str,
) -> String {
    let asks = |places: &&&Places<'_>| places.promotes() && matches!(places.owner, Owner::Row { .. });
    let limits: Vec<_> = limits.iter().filter(asks).copied().collect();
    if limits.is_empty() {
        return String::new();
    }
    let several = |texts: Vec<String>| texts.join("\n      or ");
    let asked = several(limits.iter().map(|places| places.was_asked()).collect());
    let tables: &[&str] = if event == "INSERT" { &["new_rows"] } else { &["new_rows", "old_rows"] };
    let mut these: Vec<String> = Vec::new();
    for (own, keys) in references {
        let rows: Vec<String> = tables.iter().map(|rows| format!("select {} from {rows} n", list("n", own))).collect();
        these.push(within("p", keys, &rows.join(" union ")));
    }
    for places in &limits {
        let Owner::Row { relation, .. } = places.owner else { continue };
        let own = columns(places.model, places.entity, &relation.fields);
        let keys = columns(places.model, parent, &relation.to_fields);
        these.push(within("p", &keys, &format!("select {} from {}", list("k", &own), places.given_asked())));
    }
    let gate = if limits.iter().any(|places| places.has_number()) { format!("{gate}\n") } else { String::new() };
    let lock = format!(
        "{gate}perform
from {parent} p
where {these}
order by {order}
for no key update of p;",
        parent = table(parent),
        these = these.join("\n   or "),
    );
    let steps = match event {
        "INSERT" => {
            let left =
                limits.iter().map(|places| format!("exists (\n  select\n  {}\n)", indented(&places.left_out(), 2)));
            format!("if {} then\n  {}\nend if;", several(left.collect()), indented(&lock, 2))
        }
        _ => lock,
    };
    format!("\n    if {asked} then\n      {}\n    end if;", indented(&steps, 6))
}
