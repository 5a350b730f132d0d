//! The bodies of a limit's functions.

use super::limit::{Owner, Places};
use super::plpgsql::{
    column, columns, condition, equal, indented, list, message, no_placeholders, over, part_over, present, table,
};
use crate::structure::tables::field_of;
use smol_str::SmolStr;
use specc_catalog::Qualified;
use specc_model::formula::{Formula, Node, Operator};
use specc_model::{Entity, FieldIx, On};
use specc_sql::quote::{self, ident, literal};

/// What all bodies of a limit are made of.
pub(super) struct Text<'a> {
    places: &'a Places<'a>,
    entity: &'a Entity,
    /// The quoted names of the columns that places are counted by.
    per: Vec<String>,
    /// What a promotion sets.
    promoted: Vec<(FieldIx, Option<String>)>,
}

impl<'a> Text<'a> {
    pub fn new(places: &'a Places<'a>) -> Self {
        let entity = places.entity;
        let mut text = Self { places, entity, per: columns(entity, &places.limit.per), promoted: Vec::new() };
        text.promoted = text.promoted_values();
        text
    }

    /// The condition over a row, fit to stand beside `and`.
    pub fn satisfied(&self, row: &str) -> String {
        condition(self.places.model, self.entity, row, &self.places.limit.condition)
    }

    /// The parameter of a field that places are counted by.
    pub fn param(&self, field: FieldIx) -> String {
        format!("of_{}", self.entity.fields[field].name)
    }

    fn params(&self) -> Vec<String> {
        self.places.limit.per.iter().map(|f| ident(&self.param(*f)).into_owned()).collect()
    }

    /// A field whose value after a promotion cannot be told.
    pub fn not_promoted(&self) -> Option<FieldIx> {
        self.promoted.iter().find(|(_, value)| value.is_none()).map(|(field, _)| *field)
    }

    fn shown(&self) -> String {
        no_placeholders(&format!("limit {} on {}", self.places.limit.name, self.entity.name.name))
    }

    /// `and r.event_id = <value>` for all columns that places are counted by.
    fn of(&self, row: &str, values: &[String]) -> String {
        self.per.iter().zip(values).map(|(column, value)| format!("{row}.{column} = {value}\n    and ")).collect()
    }

    /// Locks the owner of the places, and reads their number into `places`.
    fn lock(&self, values: &[String], unless_found: &str) -> String {
        let value_of = |field: FieldIx| {
            let at = self.places.limit.per.iter().position(|f| *f == field).unwrap_or_default();
            values[at].clone()
        };
        match self.places.owner {
            Owner::Row { relation, places } => {
                let target = self.places.model.entity(relation.to);
                let ties = relation.to_fields.iter().zip(&relation.fields);
                let ties = ties.map(|(to, from)| format!("p.{} = {}", column(target, *to), value_of(*from)));
                let ties = ties.collect::<Vec<_>>().join(" and ");
                let from = format!("from {} p\n  where {ties}\n  for no key update;", table(target));
                match places {
                    Some(field) => format!("select p.{} into places\n  {from}{unless_found}", column(target, field)),
                    None => format!("perform\n  {from}{unless_found}"),
                }
            }
            Owner::Nothing => {
                let name = format!("{}.{}.{}", self.entity.name.schema, self.entity.name.name, self.places.limit.name);
                let mut key = vec![literal(&name)];
                key.extend(values.iter().cloned());
                format!(
                    "perform pg_advisory_xact_lock(hashtextextended(jsonb_build_array({})::text, 0));",
                    key.join(", ")
                )
            }
        }
    }

    /// `places bigint;`, with the number where it is fixed.
    fn places_variable(&self) -> String {
        match self.places.owner {
            Owner::Row { places: Some(_), .. } => "places bigint;".to_owned(),
            _ => format!("places constant bigint := {};", self.places.limit.to.text),
        }
    }

    fn is_fixed(&self) -> bool {
        !matches!(self.places.owner, Owner::Row { places: Some(_), .. })
    }

    /// Before a row takes a place. `guard`: the condition on the new row, and on an update what makes it come in anew,
    /// where the trigger's own condition cannot say so.
    pub fn take(&self, guard: Option<(&String, &String)>) -> String {
        let new: Vec<String> = self.per.iter().map(|c| format!("new.{c}")).collect();
        let guard = guard.map_or_else(String::new, |(satisfied, comes_in)| {
            format!(
                "
  if ({satisfied}) is not true then
    return new;
  end if;
  if tg_op = 'UPDATE' then
    if not ({comes_in}) then
      return new;
    end if;
  end if;
"
            )
        });
        let nullable = self.places.limit.per.iter().filter(|f| self.entity.fields[**f].nullable);
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
        let unlimited = if self.is_fixed() {
            ""
        } else {
            "
  -- No number, no limit; the same without the row, which the foreign key will not accept.
  if places is null then
    return new;
  end if;
"
        };
        let full = if self.places.limit.overflow.is_empty() {
            format!(
                "raise exception {}
    using errcode = 'check_violation',
          detail = format('There are %s places.', places),
          schema = tg_table_schema, table = tg_table_name, constraint = {};",
                literal(&format!("{} is reached", self.shown())),
                literal(&self.places.limit.name),
            )
        } else {
            let overflow = self.places.limit.overflow.iter();
            let sets = overflow.map(|(f, e)| {
                format!("new.{} := {};", column(self.entity, *f), over(self.places.model, self.entity, "new", e))
            });
            format!("{}\n  return new;", sets.collect::<Vec<_>>().join("\n  "))
        };
        format!(
            "
declare
  {places}
  taken bigint;
begin{guard}{belongs_nowhere}
  -- In other isolation levels the count below would miss rows that were let in since the transaction began.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception {isolation}
      using errcode = 'feature_not_supported', hint = 'begin it with: isolation level read committed';
  end if;

  -- {one_at_a_time}
  {lock}
{unlimited}
  select count(*) into taken
  from {table} r
  where {of}{satisfied}{same_row};
  if taken < places then
    return new;
  end if;

  -- Full.
  {full}
end
",
            places = self.places_variable(),
            isolation = message(&format!("{} is held in read committed transactions only", self.shown())),
            one_at_a_time = match self.places.owner {
                Owner::Row { .. } =>
                    "One after the other, or two could take the last place. References to the row are let through.",
                Owner::Nothing => "One after the other, or two could take the last place.",
            },
            lock = self.lock(&new, ""),
            table = table(self.entity),
            of = self.of("r", &new),
            satisfied = self.satisfied("r"),
            same_row = indented(&self.same_row(), 4),
        )
    }

    /// A row that the new one meets on a key is not counted: either the statement fails, or it turns into an update of
    /// that very row, which keeps the place that it has.
    fn same_row(&self) -> String {
        let plain = |fields: &[FieldIx]| {
            let columns = columns(self.entity, fields);
            equal("r", &columns, "new", &columns)
        };
        let mut same: Vec<String> =
            self.entity.key.iter().filter(|k| !k.deferrable).map(|k| plain(&k.fields)).collect();
        for unique in self.entity.uniques.iter().filter(|u| !u.deferrable) {
            let fields: Vec<_> = unique.elements.iter().filter_map(|e| field_of(&e.on)).collect();
            if fields.len() < unique.elements.len() {
                continue;
            }
            let mut tests = vec![plain(&fields)];
            if let Some(filter) = &unique.filter {
                tests.push(condition(self.places.model, self.entity, "r", filter));
                tests.push(condition(self.places.model, self.entity, "new", filter));
            }
            same.push(tests.join(" and "));
        }
        if same.is_empty() {
            return String::new();
        }
        let any = same.iter().map(|s| format!("({s})")).collect::<Vec<_>>().join("\n  or ");
        format!(
            "\n-- On conflict the new row becomes an update of the one it meets, which takes no second place.\nand ({any}) is not true"
        )
    }

    /// Takes the locks of a promotion: of the place, and of as many rows at the head of the line as places became free.
    ///
    /// Whoever changes a row that waits holds it and may want the place next, so nobody may wait for such a row while
    /// holding the place, nor while holding other rows of the line. What has been taken is given back (with the block that
    /// took it) where the head of the line is held by others, and tried again.
    pub fn hold(&self) -> String {
        let params = self.params();
        format!(
            "
begin
  for attempt in 1 .. 100 loop
    begin
      {lock}
      perform
      from {table} r
      where {of}{waiting}
      order by {order}
      limit freed
      for no key update nowait;
      return;
    exception
      when lock_not_available then
        -- Someone is changing a row of the line, and may want the place next: leaving the block has given it back.
        perform pg_sleep(least(attempt * 0.005, 0.1));
    end;
  end loop;
end
",
            lock = indented(&self.only_lock(&params), 4),
            table = table(self.entity),
            of = indented(&self.of("r", &params), 4),
            waiting = self.waiting("r").join("\n        and "),
            order = self.order(),
        )
    }

    /// Locks the owner of the places without reading their number.
    fn only_lock(&self, values: &[String]) -> String {
        let lock = self.lock(values, "");
        match self.places.owner {
            Owner::Row { places: Some(_), .. } => {
                let from = lock.find("from ").unwrap_or_default();
                format!("perform\n  {}", &lock[from..])
            }
            _ => lock,
        }
    }

    /// `promote by`, then the key.
    fn order(&self) -> String {
        let mut order: Vec<String> = Vec::new();
        let mut ordered = Vec::new();
        for element in &self.places.limit.promote_by {
            let mut text = match &element.on {
                On::Field(field) => {
                    ordered.push(*field);
                    format!("r.{}", column(self.entity, *field))
                }
                On::Expr(expr) => over(self.places.model, self.entity, "r", expr),
            };
            if element.desc {
                text.push_str(" desc");
            }
            match element.nulls_first {
                Some(true) => text.push_str(" nulls first"),
                Some(false) => text.push_str(" nulls last"),
                None => {}
            }
            order.push(text);
        }
        let rest = self.key().into_iter().filter(|f| !ordered.contains(f));
        order.extend(rest.map(|f| format!("r.{}", column(self.entity, f))));
        order.join(", ")
    }

    fn key(&self) -> Vec<FieldIx> {
        self.entity.key.as_ref().map(|k| k.fields.clone()).unwrap_or_default()
    }

    /// Conditions on a row that has overflowed: the overflow's values, and not the limit's condition.
    fn waiting(&self, row: &str) -> Vec<String> {
        let fixed = self.places.limit.overflow.iter().filter(|(_, e)| e.formula.is_constant());
        let mut tests: Vec<String> = fixed
            .map(|(f, e)| {
                let name = column(self.entity, *f);
                let value = over(self.places.model, self.entity, row, e);
                if value.eq_ignore_ascii_case("null") {
                    format!("{row}.{name} is null")
                } else {
                    format!("{row}.{name} = {value}")
                }
            })
            .collect();
        if tests.is_empty() {
            tests.push(format!("({}) is not true", self.satisfied(row)));
        }
        tests
    }

    /// Gives the free places of one owner to those who wait.
    pub fn fill(&self) -> String {
        let params = self.params();
        let key = columns(self.entity, &self.key());
        let sets = self.promoted.iter().filter_map(|(field, value)| {
            value.as_ref().map(|value| format!("{} = {value}", column(self.entity, *field)))
        });
        let found = match self.places.owner {
            Owner::Row { .. } => {
                "\n  -- What the places belong to may be on its way out, and its rows with it.\n  if not found then\n    return;\n  end if;"
            }
            Owner::Nothing => "",
        };
        let comment =
            if self.is_fixed() { "" } else { "\n  -- Without a number there is no limit: all who wait get a place." };
        let waiting = self.waiting("r");
        format!(
            "
declare
  {places}
  free bigint;
  waiting record;
  promoted boolean;
begin
  {lock}

  select places - count(*) into free
  from {table} r
  where {of}{satisfied};{comment}
  if free <= 0 then
    return;
  end if;
  for waiting in
    select {key_list}
    from {table} r
    where {of_queue}{queue}
    order by {order}
  loop
    -- One who cannot be promoted (another limit, a workflow) stays in line, and must not keep others from leaving.
    begin
      -- Someone may have taken the row off the line since; then this updates nothing.
      promoted := false;
      update {table} r set {sets}
      where {this}
        and {still}
      returning {satisfied} into promoted;
    exception
      when check_violation then
        raise warning {warning}, sqlerrm;
    end;
    if promoted then
      free := free - 1;
    end if;
    exit when free = 0;
  end loop;
end
",
            places = self.places_variable(),
            lock = self.lock(&params, found),
            table = table(self.entity),
            of = self.of("r", &params),
            satisfied = self.satisfied("r"),
            key_list = list("r", &key),
            of_queue = indented(&self.of("r", &params), 2),
            queue = waiting.join("\n      and "),
            order = self.order(),
            sets = sets.collect::<Vec<_>>().join(", "),
            this = equal("r", &key, "waiting", &key),
            still = waiting.join("\n        and "),
            warning = message(&format!("{}: a promotion was passed over: %", self.shown())),
        )
    }

    /// After rows have left: called twice, once to take locks and once to promote.
    pub fn promote(&self, hold: &Qualified, fill: &Qualified) -> String {
        let place: Vec<String> = self.per.iter().map(|c| format!("place.{c}")).collect();
        let mut left = vec![self.satisfied("r")];
        left.extend(present(self.entity, "r", &self.places.limit.per));
        let left = left.join("\n          and ");
        // Without columns to count by there is one place for all.
        let suffixed = |text: String, after: &str| if text.is_empty() { text } else { text + after };
        let prefixed = |before: &str, text: String| if text.is_empty() { text } else { before.to_owned() + &text };
        let rows = suffixed(list("r", &self.per), ", ");
        let moved = suffixed(list("m", &self.per), ", ");
        let grouped = prefixed("\n      group by ", list("m", &self.per));
        let order = prefixed("\n      order by ", list("m", &self.per));
        let (hold, fill) = (quote::qualified(&hold.schema, &hold.name), quote::qualified(&fill.schema, &fill.name));
        let mut freed = place.clone();
        freed.push("place.freed".to_owned());
        let step = format!(
            "if tg_argv[0] = 'hold' then
  perform {hold}({});
else
  perform {fill}({});
end if;",
            freed.join(", "),
            place.join(", "),
        );
        format!(
            "
declare
  place record;
begin
  if tg_op = 'DELETE' then
    for place in
      select {moved}count(*) as freed
      from (
        select {inner}
        from old_rows r
        where {left}
      ) m{grouped}
      having count(*) > 0{order}
    loop
      {step}
    end loop;
  else
    -- A place is free where more rows left than came in.
    for place in
      select {moved}sum(m.freed)::bigint as freed
      from (
        select {rows}1 as freed
        from old_rows r
        where {left}
        union all
        select {rows}-1
        from new_rows r
        where {left}
      ) m{grouped}
      having sum(m.freed) > 0{order}
    loop
      {step}
    end loop;
  end if;
  return null;
end
",
            inner = if self.per.is_empty() { "1".to_owned() } else { list("r", &self.per) },
            step = indented(&step, 6),
        )
    }

    /// After the number of places has changed.
    pub fn grow(&self, fill: &Qualified) -> String {
        let Owner::Row { relation, .. } = self.places.owner else { return String::new() };
        let target = self.places.model.entity(relation.to);
        let fill = quote::qualified(&fill.schema, &fill.name);
        let value = |field: &FieldIx| {
            let at = relation.fields.iter().position(|f| f == field)?;
            Some(format!("new.{}", column(target, relation.to_fields[at])))
        };
        let values: Option<Vec<String>> = self.places.limit.per.iter().map(value).collect();
        if let Some(values) = values {
            return format!("\nbegin\n  perform {fill}({});\n  return null;\nend\n", values.join(", "));
        }
        let from = columns(self.entity, &relation.fields);
        let to = columns(target, &relation.to_fields);
        let place: Vec<String> = self.per.iter().map(|c| format!("place.{c}")).collect();
        format!(
            "
declare
  place record;
begin
  for place in
    select distinct {per}
    from {table} r
    where {tie}
      and {waiting}
    order by {per}
  loop
    perform {fill}({place});
  end loop;
  return null;
end
",
            per = list("r", &self.per),
            table = table(self.entity),
            tie = equal("r", &from, "new", &to),
            waiting = self.waiting("r").join("\n      and "),
            place = place.join(", "),
        )
    }

    /// What the fields of the overflow become in a promoted row: what the limit's condition asks of them.
    fn promoted_values(&self) -> Vec<(FieldIx, Option<String>)> {
        let condition = &self.places.limit.condition;
        let mut wanted = Vec::new();
        self.assignments(&condition.formula, &mut wanted);
        let read = fields_in(&condition.formula);
        let overflow = self.places.limit.overflow.iter().map(|(field, _)| *field);
        overflow
            .filter_map(|field| match wanted.iter().find(|(f, _)| *f == field) {
                Some((_, value)) => Some((field, Some(value.clone()))),
                // Not asked of: it stays as it is. Asked of in another way: unknown.
                None => read.contains(&field).then_some((field, None)),
            })
            .collect()
    }

    /// The equalities that a condition is made of.
    fn assignments(&self, formula: &Formula, found: &mut Vec<(FieldIx, String)>) {
        let value = |value: &Formula| part_over(self.places.model, self.entity, "r", value);
        for part in formula.bare().chain(&Operator::And).into_iter().map(Formula::bare) {
            match &part.node {
                Node::Binary(Operator::And, _) => self.assignments(part, found),
                Node::Binary(Operator::Equal, sides) => {
                    if let Some(field) = sides.0.own_column() {
                        found.push((field, value(&sides.1)));
                    } else if let Some(field) = sides.1.own_column() {
                        found.push((field, value(&sides.0)));
                    }
                }
                Node::InList(list, false) => {
                    if let (Some(field), Some(first)) = (list.0.own_column(), list.1.first()) {
                        found.push((field, value(first)));
                    }
                }
                Node::Not(inner) | Node::Is(inner, "false") => {
                    found.extend(inner.own_column().map(|field| (field, "false".to_owned())));
                }
                Node::Is(inner, "true") => {
                    found.extend(inner.own_column().map(|field| (field, "true".to_owned())));
                }
                Node::IsNull(inner, false) => {
                    found.extend(inner.own_column().map(|field| (field, "null".to_owned())));
                }
                _ => found.extend(part.own_column().map(|field| (field, "true".to_owned()))),
            }
        }
    }
}

fn fields_in(formula: &Formula) -> Vec<FieldIx> {
    formula.columns().into_iter().map(|(_, field)| field).collect()
}

/// The columns that the condition reads.
pub(super) fn condition_columns(places: &Places) -> Vec<SmolStr> {
    let fields = fields_in(&places.limit.condition.formula);
    fields.into_iter().map(|f| places.entity.fields[f].name.clone()).collect()
}
