//! Before a row takes a place: whether there is one, or what the row becomes instead.

use super::formula::condition_columns;
use super::{Owner, Places};
use crate::behaviour::plpgsql::{
    changed, column, columns, condition, equal, has_subquery, indented, list, message, over, table,
};
use crate::behaviour::{Attach, trigger_function};
use crate::structure::Room;
use crate::structure::tables::field_of;
use specc_model::FieldIx;
use specc_sql::quote::literal;

impl Places<'_> {
    pub(super) fn take(&self, room: &mut Room) {
        let name = self.limit.name.as_str();
        let (new, old) = (self.satisfied("new"), self.satisfied("old"));
        // Where there is a line, rows that join it on their own ask for their owner too.
        let asks = if self.promotes() { format!("({new} or {})", self.waiting("new")) } else { new.clone() };
        // A condition that reads other rows cannot stand in `when`.
        let in_body = has_subquery(&asks);
        let comes_in = {
            let mut any = vec![format!("({old}) is not true")];
            any.extend(self.limit.per.iter().map(|f| changed(self.model, self.entity, *f)));
            any.join(" or ")
        };
        let routine = self.routine(
            room,
            self.take_body(in_body.then_some((&new, &comes_in))),
            format!("Gives a new row of {} a place of {name}, or what it becomes without one.", self.entity.name.name),
        );
        let function = trigger_function(room, self.entity, &["limit", name], routine, self.limit.span);
        let mut columns = condition_columns(self);
        let insert = Attach::before("insert", &["limit", name, "insert"]);
        let update = Attach::before("update", &["limit", name, "update"]);
        let (insert, update) = if in_body {
            (insert, update)
        } else {
            let when = format!("{new} and ({comes_in})");
            let mut reading = columns.clone();
            if self.promotes() {
                let visible = self.entity.visible.iter().flat_map(|seen| seen.formula.columns());
                let more = self.limit.overflow.iter().map(|(field, _)| *field).chain(visible.map(|(_, field)| field));
                reading.extend(more.map(|field| self.entity.fields[field].name.clone()));
            }
            columns.extend(self.limit.per.iter().map(|f| self.entity.fields[*f].name.clone()));
            (insert.when(Some(asks)).reading(reading), update.when(Some(when)).reading(columns))
        };
        insert.to(room, self.entity, &function, self.limit.span);
        update.to(room, self.entity, &function, self.limit.span);
    }

    /// `guard`: the condition on the new row, and on an update what makes it come in anew, where the trigger's own
    /// condition cannot say so.
    fn take_body(&self, guard: Option<(&String, &String)>) -> String {
        let joins = match self.note_asked(4) {
            noted if noted.is_empty() => noted,
            noted => format!("\n    if tg_op = 'INSERT' and {} then{noted}\n    end if;", self.waiting("new")),
        };
        let takes_none =
            |satisfied: &str| format!("\n  if ({satisfied}) is not true then{joins}\n    return new;\n  end if;\n");
        let guard = match guard {
            Some((satisfied, comes_in)) => format!(
                "{}  if tg_op = 'UPDATE' then
    if not ({comes_in}) then
      return new;
    end if;
  end if;
",
                takes_none(satisfied)
            ),
            None if self.promotes() => takes_none(&self.satisfied("new")),
            None => String::new(),
        };
        let nullable = self.limit.per.iter().filter(|f| self.entity.fields[**f].nullable);
        let missing: Vec<_> = nullable.map(|f| format!("new.{} is null", column(self.entity, *f))).collect();
        let belongs_nowhere = if missing.is_empty() {
            String::new()
        } else {
            format!(
                "
  -- A row that belongs nowhere takes no place.
  if {} then
    return new;
  end if;
",
                missing.join(" or ")
            )
        };
        let per = self.per();
        let owner = match per.as_slice() {
            [] => "'='".to_owned(),
            [one] if one.equals == "=" => format!("'=' || new.{one}"),
            [one] => format!("'=' || new.{one}::text"),
            several => format!("'=' || row({})::text", list("new", several)),
        };
        let isolation = match self.counted() {
            Some(_) => String::new(),
            None => format!("\n    {}", indented(&self.read_committed_only(), 4)),
        };
        format!(
            "
<<take>>
declare
  owner constant text := {owner};
  decided constant text := coalesce(current_setting({last}, true), '');{asked}
  free bigint;
  seen bigint := 0;
  kept text;
begin{belongs_nowhere}{guard}
  -- Promotions have been counted by who promotes.
  if take.decided = '*' then
    return new;
  end if;
  if take.decided <> '' then
    take.free := current_setting({rest}, true);
  end if;
  if take.decided <> take.owner then
    if take.decided <> '' then
      -- How many places this statement has taken so far.
      take.seen := current_setting({start}, true)::bigint - take.free;
    end if;
    -- One statement after the other decides for an owner. Only the first row waits for its turn: what holds one token
    -- or a row never waits for another. Updates wait for other rows, and are judged at their end.
    if tg_op = 'INSERT' then{noted}
      if take.decided = ''{first} then
        perform pg_advisory_xact_lock({name}, {token});
      elsif {bounded}not pg_try_advisory_xact_lock({name}, {token}) then
        {in_line}
      end if;
    end if;{isolation}
    {count}
    -- Without a number there is no limit.
    take.free := coalesce(take.free, 1000000000000);
    take.kept := set_config({last}, take.owner, true);
    take.kept := set_config({rest}, take.free::text, true);
    take.kept := set_config({start}, (take.seen + take.free)::text, true);
  end if;
  if take.free > 0 then
    take.kept := set_config({rest}, (take.free - 1)::text, true);
    return new;
  end if;
{same_row}  {overflow}
  return new;
end
",
            last = literal(&self.setting("")),
            rest = literal(&self.setting("free")),
            start = literal(&self.setting("start")),
            // Counting for each row of a statement that goes from owner to owner would be quadratic.
            bounded = if self.promotes() && self.counted().is_none() { "take.seen > 100 or " } else { "" },
            name = self.token_name(),
            token = self.token("new"),
            asked = self.declare_asked(),
            first = if self.promotes() { " and take.asked = ''" } else { "" },
            in_line = indented(&self.in_line(), 8),
            noted = self.note_asked(4),
            count = indented(&self.count_free(), 4),
            same_row = self.same_row(),
            overflow = self.overflow(),
        )
    }

    /// In other isolation levels a count would miss rows that were let in since the transaction began.
    pub(super) fn read_committed_only(&self) -> String {
        format!(
            "-- In other isolation levels the count would miss rows that were let in since the transaction began.
if current_setting('transaction_isolation') <> 'read committed' then
  raise exception {isolation}
    using errcode = 'feature_not_supported', hint = 'begin it with: isolation level read committed';
end if;",
            isolation = message(&format!("{} is held in read committed transactions only", self.shown())),
        )
    }

    /// A token is not to be had at once.
    fn in_line(&self) -> String {
        if self.promotes() {
            format!("-- The end of the statement decides.\n{}\nreturn new;", self.overflow())
        } else {
            format!(
                "raise exception {}\n  using errcode = 'lock_not_available',\n        hint = 'try again, or write rows of one owner in a statement';",
                message(&format!("{}: another transaction takes places", self.shown()))
            )
        }
    }

    fn overflow(&self) -> String {
        let overflow = self.limit.overflow.iter();
        let sets = overflow
            .map(|(f, e)| format!("new.{} := {};", column(self.entity, *f), over(self.model, self.entity, "new", e)));
        sets.collect::<Vec<_>>().join("\n  ")
    }

    /// Reads how many places are free for a new row; null without a number.
    fn count_free(&self) -> String {
        let free = |taken: &str| match self.owner {
            Owner::Row { relation, .. } => {
                let target = self.model.entity(relation.to);
                let tie = equal(
                    "p",
                    &columns(self.model, target, &relation.to_fields),
                    "new",
                    &columns(self.model, self.entity, &relation.fields),
                );
                format!(
                    "take.free := (\n  select {} - {taken}\n  from {} p\n  where {tie}\n);",
                    self.number_of(),
                    table(target),
                )
            }
            Owner::Nothing => format!("take.free := {} - {taken};", self.number_of()),
        };
        match self.counted() {
            // The rows of this statement are not in the maintained count yet: all are taken off, whomever they belong to.
            // Where that says that the places are gone, the rows are counted, unless there are many.
            Some(name) => format!(
                "{}\nif take.free <= 0 and take.decided <> '' and take.seen <= 100 or pg_trigger_depth() > 1 then\n  {}\nend if;",
                free(&format!("p.{name} - take.seen")),
                indented(&free(&self.count("new")), 2),
            ),
            None => free(&self.count("new")),
        }
    }

    /// A row that the new one meets on a key: either the statement fails, or it turns into an update of that very row,
    /// which keeps the place that it has.
    fn same_row(&self) -> String {
        let plain = |fields: &[FieldIx]| {
            let columns = columns(self.model, self.entity, fields);
            equal("r", &columns, "new", &columns)
        };
        let generated = |fields: &[FieldIx]| fields.iter().any(|f| self.entity.fields[*f].identity.is_some());
        let keys = self.entity.key.iter().filter(|k| !k.deferrable && !generated(&k.fields));
        let mut same: Vec<String> = keys.map(|k| plain(&k.fields)).collect();
        for unique in self.entity.uniques.iter().filter(|u| !u.deferrable) {
            let fields: Vec<_> = unique.elements.iter().filter_map(|e| field_of(&e.on)).collect();
            if fields.len() < unique.elements.len() {
                continue;
            }
            let mut tests = vec![plain(&fields)];
            if let Some(filter) = &unique.filter {
                tests.push(condition(self.model, self.entity, "r", filter));
                tests.push(condition(self.model, self.entity, "new", filter));
            }
            same.push(tests.join(" and "));
        }
        if same.is_empty() {
            return String::new();
        }
        format!(
            "  -- On conflict the new row becomes an update of the one it meets, which keeps the place that it has.
  if tg_op = 'INSERT' and exists (
    select from {} r
    where {}{}
      and ({})
  ) then
    return new;
  end if;
",
            table(self.entity),
            self.of("r", "new"),
            self.satisfied("r"),
            same.iter().map(|s| format!("({s})")).collect::<Vec<_>>().join("\n        or "),
        )
    }
}
