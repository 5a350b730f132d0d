//! After a statement: the places of the owners that it concerns are counted once. Too many rows are refused; free
//! places go to those who wait.

use super::{Owner, Places};
use crate::behaviour::plpgsql::{Rows, equal, indented, list, message, present, table, within};
use crate::behaviour::{Attach, trigger_function};
use crate::structure::Room;
use specc_catalog::Qualified;
use specc_sql::quote::{literal, qualified};

impl Places<'_> {
    pub(super) fn settle(&self, room: &mut Room, fill: Option<&Qualified>) {
        let name = self.limit.name.as_str();
        let comment = format!("Holds the limit {name} of {}.", self.entity.name.name);
        let routine = self.routine(room, self.settle_body(fill), comment).needs(fill.map(|f| self.calls(f)));
        let what = if self.overflows() { ["settle", name] } else { ["limit", name] };
        let function = trigger_function(room, self.entity, &what, routine, self.limit.span);
        let mut attach = vec![
            Attach::after("insert", &["limit", name, "inserted"]).statement(None, Some("new_rows")),
            Attach::after("update", &["limit", name, "updated"]).statement(Some("old_rows"), Some("new_rows")),
        ];
        if fill.is_some() {
            attach.push(Attach::after("delete", &["limit", name, "deleted"]).statement(Some("old_rows"), None));
        }
        for trigger in attach {
            trigger.to(room, self.entity, &function, self.limit.span);
        }
    }

    fn settle_body(&self, fill: Option<&Qualified>) -> String {
        let mut branches = String::new();
        let events: &[_] = if fill.is_some() { &["INSERT", "UPDATE", "DELETE"] } else { &["INSERT", "UPDATE"] };
        for (at, event) in events.iter().enumerate() {
            let word = if at == 0 { "if" } else { "elsif" };
            let judge = indented(&self.judge(&Rows::of(self.entity, event), fill.is_some()), 4);
            let left_out = match fill.filter(|_| *event == "INSERT" && self.overflows()) {
                Some(fill) => self.settle_left_out(fill),
                None => String::new(),
            };
            branches.push_str(&format!("\n  {word} tg_op = '{event}' then\n    {judge}{left_out}"));
        }
        branches.push_str("\n  end if;");
        let isolation = if self.counts_rows() {
            let check = indented(&self.read_committed_only(), 4);
            format!("\n  if settle.concerned > 0 then\n    {check}\n  end if;")
        } else {
            String::new()
        };
        let forget = if self.overflows() { self.forget() } else { String::new() };
        let variables = [(fill.is_some(), "\n  owners jsonb;"), (self.counts_rows(), "\n  concerned bigint;")];
        let variables: String = variables.into_iter().filter_map(|(used, text)| used.then_some(text)).collect();
        let fill = fill.map_or_else(String::new, |fill| {
            format!(
                "
  if settle.owners is not null then
    perform {}(settle.owners);
  end if;",
                qualified(&fill.schema, &fill.name)
            )
        });
        let full = if self.overflows() {
            // What was decided before the rows were stored was decided too well: for an update, or beside one who
            // changed the number of places.
            let key = self.key();
            let of_this =
                format!("\n        and {}", within("r", &key, &format!("select {} from new_rows n", list("n", &key))));
            let judged = format!("from {}{}", self.given("settle.crowded"), self.join_owner("k"));
            let free = format!("{} - {}", self.number_of(), self.taken("k"));
            format!("{}\n", indented(self.demote("settle", &judged, &free, &of_this).trim_end(), 2))
        } else {
            format!(
                "  raise exception {}
      using errcode = 'check_violation',
            detail = format('There are %s places.', settle.places),
            schema = tg_table_schema, table = tg_table_name, constraint = {};\n",
                message(&format!("{} is reached", self.shown())),
                literal(&self.limit.name),
            )
        };
        let judged = if self.overflows() { "settle.crowded" } else { "settle.places" };
        let places =
            if self.overflows() { "crowded jsonb;\n  too_many bigint;\n  gone bigint;" } else { "places bigint;" };
        format!(
            "
<<settle>>
declare
  {places}{variables}
begin{forget}{branches}{isolation}
  if {judged} is not null then
  {full}  end if;{fill}
  return null;
end
"
        )
    }

    /// What is judged here alone is counted row by row, without a value of the owner that everybody changes.
    fn counts_rows(&self) -> bool {
        !self.overflows() && self.counted().is_none()
    }

    /// The statement is over, and with it what it has decided.
    fn forget(&self) -> String {
        format!("\n  perform set_config({}, '', true);", literal(&self.setting("")))
    }

    /// How many places of the owners `k` are taken: their maintained count, or one count of all their rows.
    fn taken_by_all(&self) -> (String, String) {
        let per = self.per();
        if self.counted().is_some() || per.is_empty() {
            return (self.taken("k"), String::new());
        }
        let taken = self.own("taken");
        let counted = format!(
            "
  left join (
    select {columns}, count(*) as {taken}
    from {table} r
    where {satisfied}
      and {concerned}
    group by {columns}
  ) t on {tie}",
            columns = list("r", &per),
            table = table(self.entity),
            satisfied = self.satisfied("r"),
            concerned = within("r", &per, &format!("select {} from concerned c", list("c", &per))),
            tie = equal("t", &per, "k", &per),
        );
        (format!("coalesce(t.{taken}, 0)"), counted)
    }

    /// Finds an owner with too many rows, and the owners that have free places and rows that wait.
    fn judge(&self, rows: &Rows, fills: bool) -> String {
        let per = list("r", &self.per());
        let selected = if per.is_empty() { String::new() } else { format!("{per}, ") };
        let grouped = if per.is_empty() { String::new() } else { format!("\n  group by {per}") };
        let present = present(self.entity, "r", &self.limit.per);
        let present = if present.is_empty() { String::new() } else { format!("\n  where {}", present.join(" and ")) };
        let (taken, counted) = self.taken_by_all();
        let mut judge = String::new();
        if matches!(self.owner, Owner::Nothing) {
            // In place of a row to lock: another lock than the token, which not everyone who comes here has.
            let matters = if self.promotes() {
                format!("({} or {})", self.satisfied("r"), self.waiting("r"))
            } else {
                self.satisfied("r")
            };
            judge.push_str(&format!(
                "perform pg_advisory_xact_lock({name}, t.token)
from (
  select distinct {token} as token
  from {source} r
  where {present}{matters}{asked}
  order by token
) t;
",
                name = self.lock_name("places"),
                token = self.token("r"),
                source = indented(&rows.source, 2),
                present = self.present("r"),
                asked = self.asked_tokens(rows.event),
            ));
        }
        let [came, places, free, waits] = ["came", "places", "free", "waits"].map(|name| self.own(name));
        let over = format!("filter (where s.{came} > 0 and s.{free} < 0)");
        let mut found = if self.overflows() {
            vec![("settle.crowded", format!("jsonb_agg({}) {over}", self.json("s")))]
        } else {
            vec![("settle.places", format!("min(s.{places}) {over}"))]
        };
        if fills {
            let free = format!(
                "jsonb_agg({}) filter (where (s.{free} is null or s.{free} > 0) and s.{waits})",
                self.json("s")
            );
            found.push(("settle.owners", free));
        }
        if self.counts_rows() {
            found.push(("settle.concerned", "count(*)".to_owned()));
        }
        let into = found.iter().map(|(variable, _)| *variable).collect::<Vec<_>>().join(", ");
        let found = found.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(",\n       ");
        judge.push_str(&format!(
            "with concerned as materialized (
  select {selected}coalesce(sum(r.{sign}) filter (where {satisfied}), 0) as {came}
  from {source} r{present}{grouped}
  having {concerned}
)
select {found}
into {into}
from (
  select k.*, {number} as {places}, {number} - {taken} as {free}{waits}
  from concerned k{owner}{counted}
) s;",
            number = self.number_of(),
            waits = if fills { format!(", {} as {waits}", self.somebody_waits()) } else { String::new() },
            sign = rows.sign,
            satisfied = self.satisfied("r"),
            source = indented(&rows.source, 2),
            concerned = self.concerned(rows).join(" or "),
            owner = indented(&self.join_owner("k"), 2),
        ));
        judge
    }
}
