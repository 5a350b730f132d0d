//! Free places go to those who wait, the first in line first.

use super::Places;
use crate::behaviour::plpgsql::{column, equal, indented, list, message, table};
use crate::structure::Room;
use specc_catalog::Qualified;
use specc_sql::quote::literal;

impl Places<'_> {
    pub(super) fn fill(&self, room: &mut Room) -> Qualified {
        let comment =
            format!("Gives the free places of {} to the {} that wait.", self.limit.name, self.entity.name.name);
        self.procedure(room, "fill", self.fill_body(), comment)
    }

    fn sets(&self) -> String {
        let sets = super::formula::promoted_values(self);
        let sets = sets
            .into_iter()
            .filter_map(|(field, value)| value.map(|value| format!("{} = {value}", column(self.entity, field))));
        sets.collect::<Vec<_>>().join(", ")
    }

    /// The owners whose token can be had, with their free places; null is as many as want.
    fn places(&self) -> String {
        let per = self.per();
        let selected = if per.is_empty() { String::new() } else { format!("{}, ", list("k", &per)) };
        format!(
            "select {selected}{number} - {taken} as {free}
from {given}{owner}
where pg_try_advisory_xact_lock({name}, {token})",
            free = self.own("free"),
            number = self.number_of(),
            taken = self.taken("k"),
            given = self.given("fill.owners"),
            owner = self.join_owner("k"),
            name = self.token_name(),
            token = self.token("k"),
        )
    }

    /// The rows that wait for places of `k`, in order.
    fn line(&self, owner: &str, limit: &str) -> String {
        format!(
            "select {key}
from {table} r
where {of}{waiting}
order by {order}{limit}
for no key update of r skip locked",
            key = list("r", &self.key()),
            table = table(self.entity),
            of = self.of("r", owner),
            waiting = self.waiting("r"),
            order = self.order(false),
        )
    }

    fn fill_body(&self) -> String {
        let key = self.key();
        let free = self.own("free");
        format!(
            "
<<fill>>
declare
  owners constant jsonb := $1;
  chosen bigint;
  seated bigint;
  place record;
  waiting record;
  fits boolean;
begin
  -- Who ends a transaction lets go of its rows first and of its tokens a moment later. Nobody is waited for in a queue: who has
  -- a token may wait for the owner's row.
  for attempt in 1..10 loop
    exit when (
      select bool_and(pg_try_advisory_xact_lock({name}, t.token))
      from (
        select distinct {token} as token
        from {given}
      ) t
    );
    perform pg_sleep(0.003);
  end loop;
  perform set_config({last}, '*', true);
  begin
    with place as materialized (
      {places}
    ),
    line as materialized (
      select l.*
      from place k
      cross join lateral (
        {line}
      ) l
    ),
    promoted as (
      update {table} r set {sets}
      from line l
      where {this_of_line}
      returning {satisfied} as fits
    )
    select (select count(*) from line), count(*) filter (where p.fits)
    into fill.chosen, fill.seated
    from promoted p;
  exception
    when check_violation then
      fill.seated := null;
  end;
  if fill.seated is distinct from fill.chosen then
    -- Some cannot be promoted (another limit, a workflow): one by one. They stay in line, and must not keep others out.
    for place in
      {places}
    loop
      for waiting in
        {line_of_place}
      loop
        exit when place.{free} <= 0;
        begin
          fill.fits := false;
          update {table} r set {sets}
          where {this_waiting}
          returning {satisfied} into fill.fits;
        exception
          when check_violation then
            raise warning {warning}, sqlerrm;
        end;
        if fill.fits then
          place.{free} := place.{free} - 1;
        end if;
      end loop;
    end loop;
  end if;
  perform set_config({last}, '', true);
end
",
            last = literal(&self.setting("")),
            name = self.token_name(),
            token = self.token("k"),
            given = self.given("fill.owners"),
            places = indented(&self.places(), 6),
            line = indented(&self.line("k", &format!("\nlimit case when k.{free} < 0 then 0 else k.{free} end")), 8),
            line_of_place = indented(&self.line("place", ""), 8),
            table = table(self.entity),
            sets = self.sets(),
            this_of_line = equal("r", &key, "l", &key),
            this_waiting = equal("r", &key, "waiting", &key),
            satisfied = self.satisfied("r"),
            warning = message(&format!("{}: a promotion was passed over: %", self.shown())),
        )
    }
}
