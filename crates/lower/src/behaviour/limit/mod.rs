//! Limits: at most so many rows that satisfy a condition, counted without a race; what is over becomes something else,
//! and gets the place when one is free.
//!
//! A statement is judged when it is done: its parents are locked in key order (`keep`), then the places are counted once
//! for each owner (`settle`). A limit that only refuses needs no more.
//!
//! # Rows that overflow
//!
//! What a row becomes has to be known before it is stored. So the first place that an insert takes is decided under a
//! token of its owner, an advisory lock (`take`), which only the first row of a statement waits for. A row of another
//! owner whose token is not to be had at once joins the line, and the end of its statement decides. An update can wait for
//! more rows, so it takes no token before its end; where it took too much, its last rows give their places up.
//!
//! Statements that free places ask for tokens in order, before any parent is locked. Whoever has one may wait for a key
//! that they free, so this wait has an end: he comes after them and fills.
//!
//! Free places go to those who wait (`fill`), in one statement, under the token: where another statement has it, that
//! one comes after and fills. Rows of the line that others hold are passed over and never waited for: who changes a
//! row of the line locks the owner at the end of his statement, and looks.
//!
//! Statements that change the number of places lock owners in an order of their own; they go one after the other, and
//! not beside statements that lock several owners (`number`).
//!
//! The settings that pass from trigger to trigger are hints: what they let in is counted at the end.

mod bulk;
mod fill;
mod formula;
mod met;
mod number;
mod settle;
mod take;

pub(super) use met::lock_asked;

use super::keep::kept_by;
use super::plpgsql::{
    Column, Rows, column, columns, condition, equal, equals, indented, list, no_placeholders, over, table, type_name,
};
use super::{Routine, helper};
use crate::structure::{Room, functions, names, table_of};
use specc_catalog::{DataType, Dependency, Kind, ObjectId, Param, Qualified, Returns};
use specc_diag::{Diagnostic, codes};
use specc_model::{Element, Entity, FieldIx, Limit, MaintainedFunction, Model, On, Relation, Type};
use specc_sql::quote::literal;

/// A limit with all that it is about.
pub(super) struct Places<'a> {
    pub model: &'a Model,
    pub entity: &'a Entity,
    pub limit: &'a Limit,
    pub owner: Owner<'a>,
}

/// What the places belong to, and is locked.
pub(super) enum Owner<'a> {
    /// A referenced row; with the field that says how many places it has, if that is not a fixed number.
    Row { relation: &'a Relation, number: Option<FieldIx> },
    /// Nothing that could be locked: an advisory lock stands for it.
    Nothing,
}

/// The triggers of the limits of an entity.
pub(super) fn lower(room: &mut Room, entity: &Entity) {
    let model = room.model;
    for limit in &entity.limits {
        Places::new(model, entity, limit).lower(room);
    }
}

/// The statements by which the limits of an entity hold over rows that no trigger saw, and whether each removes rows.
pub(super) fn bulk(model: &Model, entity: &Entity) -> Vec<(String, bool)> {
    let each = |limit: &Limit| {
        let places = Places::new(model, entity, limit);
        let promoted = places.bulk_promoted().map(|statement| (statement, false));
        promoted.into_iter().chain([(places.bulk(), limit.overflow.is_empty())]).collect::<Vec<_>>()
    };
    entity.limits.iter().flat_map(each).collect()
}

/// The arguments of the lock that orders those who change the number of places and those who lock several owners.
pub(super) fn gate(owner: &Entity) -> String {
    format!("hashtext({}), 0", literal(&format!("{}.{}", owner.name.schema, owner.name.name)))
}

impl<'a> Places<'a> {
    pub fn new(model: &'a Model, entity: &'a Entity, limit: &'a Limit) -> Self {
        let owner = match formula::number_from(model, limit) {
            Some((relation, field)) => Owner::Row { relation, number: Some(field) },
            None => {
                // Counts on the parent lock it too: one lock for both is one order of locks.
                let whole = |relation: &&Relation| relation.fields.iter().all(|f| limit.per.contains(f));
                match entity.outgoing.iter().map(|id| model.relation(*id)).find(whole) {
                    Some(relation) if !model.entity(relation.to).external => Owner::Row { relation, number: None },
                    _ => Owner::Nothing,
                }
            }
        };
        Self { model, entity, limit, owner }
    }

    fn lower(&self, room: &mut Room) {
        if self.promotes()
            && let Some((field, _)) = formula::promoted_values(self).iter().find(|(_, value)| value.is_none())
        {
            let message = format!(
                "what `{}` of a promoted row becomes cannot be read from `{}`",
                self.entity.fields[*field].name, self.limit.condition.text
            );
            room.out.diagnostics.push(
                Diagnostic::new(codes::BAD_LIMIT, self.limit.span, message)
                    .help("let the condition say it with `=`, such as `status = 'confirmed'`"),
            );
            return;
        }
        if self.overflows() {
            self.take(room);
        }
        let fill = self.promotes().then(|| self.fill(room));
        self.settle(room, fill.as_ref());
        self.number(room, fill.as_ref());
    }

    /// Rows that are over become something else.
    fn overflows(&self) -> bool {
        !self.limit.overflow.is_empty()
    }

    /// Rows that are over wait.
    pub fn promotes(&self) -> bool {
        !self.limit.promote_by.is_empty()
    }

    /// The number of places is a column of the owner.
    pub fn has_number(&self) -> bool {
        matches!(self.owner, Owner::Row { number: Some(_), .. })
    }

    /// The condition over a row, fit to stand beside `and`.
    fn satisfied(&self, row: &str) -> String {
        condition(self.model, self.entity, row, &self.limit.condition)
    }

    /// Conditions on a row that has overflowed: the overflow's values, and not the limit's condition.
    fn waiting(&self, row: &str) -> String {
        let fixed = self.limit.overflow.iter().filter(|(_, e)| e.formula.is_constant());
        let tests: Vec<String> = fixed
            .map(|(f, e)| {
                let name = column(self.entity, *f);
                let value = over(self.model, self.entity, row, e);
                if value.eq_ignore_ascii_case("null") {
                    format!("{row}.{name} is null")
                } else {
                    format!("{row}.{name} {} {value}", equals(self.model, self.entity, *f))
                }
            })
            .collect();
        let waits =
            if tests.is_empty() { format!("({}) is not true", self.satisfied(row)) } else { tests.join(" and ") };
        // A row that does not exist for others does not wait either.
        match &self.entity.visible {
            Some(seen) => format!("{waits} and {}", condition(self.model, self.entity, row, seen)),
            None => waits,
        }
    }

    /// The quoted names of the columns that places are counted by.
    fn per(&self) -> Vec<Column> {
        columns(self.model, self.entity, &self.limit.per)
    }

    fn key(&self) -> Vec<Column> {
        columns(self.model, self.entity, self.entity.key.as_ref().map_or(&[], |k| &k.fields))
    }

    /// What makes a statement's rows matter to an owner: rows that come in, and where there is a line, all rows for which the
    /// statement has the owner's token, also where as many leave as come: who raises the number meanwhile leaves it to him to
    /// fill.
    pub fn concerned(&self, rows: &Rows) -> Vec<String> {
        if self.promotes() {
            vec![format!("bool_or({} or {})", self.satisfied("r"), self.waiting("r"))]
        } else {
            vec![format!("coalesce(sum(r.{}) filter (where {}), 0) > 0", rows.sign, self.satisfied("r"))]
        }
    }

    /// Rows that leave their places concern nobody who does not wait.
    pub fn concerned_by(&self, event: &str) -> bool {
        event != "DELETE" || self.promotes()
    }

    /// Waits for the tokens of the owners of a statement's rows, in order. Who has one may wait for a row of this
    /// statement (a key that it frees), so the wait has an end: then he fills, since he comes after. So he does for an update
    /// that is part of an insert, which has tokens already and waits for none.
    pub fn wait_for_tokens(&self, rows: &Rows) -> String {
        if !self.promotes() {
            return String::new();
        }
        format!(
            "
    if pg_trigger_depth() = 1 and current_setting({last}, true) is distinct from '*'{has_none} then
      begin
        perform set_config('lock_timeout', '500ms', true);
        perform pg_advisory_xact_lock({name}, t.token)
        from (
          select distinct {token} as token
          from {source} r
          where {present}({satisfied} or {waiting})
          order by token
        ) t;
        perform set_config('lock_timeout', keep.patience, true);
      exception
        when lock_not_available then null;
      end;
    end if;",
            last = literal(&self.setting("")),
            has_none = if rows.event == "UPDATE" { format!(" and not ({})", self.was_asked()) } else { String::new() },
            name = self.token_name(),
            token = self.token("r"),
            source = indented(&rows.source, 10),
            present = self.present("r"),
            satisfied = self.satisfied("r"),
            waiting = self.waiting("r"),
        )
    }

    /// `r.event_id is not null and `, for columns that can be null.
    fn present(&self, row: &str) -> String {
        let tests = super::plpgsql::present(self.entity, row, &self.limit.per);
        tests.iter().map(|test| format!("{test} and ")).collect()
    }

    /// First half of a token: which limit.
    fn token_name(&self) -> String {
        self.lock_name("token")
    }

    fn lock_name(&self, what: &str) -> String {
        let name = &self.entity.name;
        format!("hashtext({})", literal(&format!("{}.{}.{} {what}", name.schema, name.name, self.limit.name)))
    }

    /// Second half of a token: which owner. Some owners share one, so that a statement holds a bounded number.
    fn token(&self, row: &str) -> String {
        let per = self.per();
        if per.is_empty() { "0".into() } else { format!("hash_record(row({})) & 1023", list(row, &per)) }
    }

    /// A setting of the transaction in which the triggers of one statement keep what they know.
    fn setting(&self, what: &str) -> String {
        let name = names::helper(self.model, self.entity, &["limit", &self.limit.name, what]);
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
        let name = name.trim_end_matches('_');
        let mut plain: String = name.chars().map(plain).collect();
        if plain != name {
            let hash = name.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
            plain = format!("{plain}_{hash:08x}");
        }
        // Each part of a setting's name is an identifier.
        let digit = if plain.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
        format!("specc.{digit}{plain}")
    }

    /// A name of ours beside the columns that name an owner, which may be called like it.
    fn own(&self, name: &str) -> String {
        let per = self.per();
        let mut name = name.to_owned();
        while per.iter().any(|column| column.name == name) {
            name.insert(0, '_');
        }
        name
    }

    /// `join public.events p on p.id = k.event_id`, or nothing.
    fn join_owner(&self, row: &str) -> String {
        match self.owner {
            Owner::Row { relation, .. } => {
                let target = self.model.entity(relation.to);
                let tie = equal(
                    "p",
                    &columns(self.model, target, &relation.to_fields),
                    row,
                    &columns(self.model, self.entity, &relation.fields),
                );
                format!("\njoin {} p on {tie}", table(target))
            }
            Owner::Nothing => String::new(),
        }
    }

    /// The number of places, over an owner `p`.
    fn number_of(&self) -> String {
        match self.owner {
            Owner::Row { relation, number: Some(field) } => {
                format!("p.{}", column(self.model.entity(relation.to), field))
            }
            _ => self.limit.to.text.to_string(),
        }
    }

    /// How many places of the owner `p`, named by the columns of `row`, are taken.
    fn taken(&self, row: &str) -> String {
        self.counted().map_or_else(|| self.count(row), |name| format!("p.{name}"))
    }

    fn count(&self, row: &str) -> String {
        format!("(select count(*) from {} r where {}{})", table(self.entity), self.of("r", row), self.satisfied("r"))
    }

    /// `r.event_id = k.event_id and `
    fn of(&self, row: &str, owner: &str) -> String {
        let per = self.per();
        if per.is_empty() { String::new() } else { equal(row, &per, owner, &per) + " and " }
    }

    /// The maintained count of the owner that counts what the limit does.
    fn counted(&self) -> Option<String> {
        self.kept_count(&self.satisfied("r"))
    }

    /// The maintained count of the owner of the rows for which this holds.
    fn kept_count(&self, wanted: &str) -> Option<String> {
        let Owner::Row { relation, .. } = self.owner else { return None };
        if self.limit.per.len() != relation.fields.len() {
            return None;
        }
        let parent = self.model.entity(relation.to);
        let kept = kept_by(self.model, parent);
        let found = kept.iter().find(|k| {
            k.maintained.relation == relation.id
                && k.maintained.function == MaintainedFunction::Count
                && k.filter().as_deref() == Some(wanted)
        });
        found.map(|k| column(parent, k.field))
    }

    /// Whether somebody waits for a place of the owner `k`, whose row is `p`.
    fn somebody_waits(&self) -> String {
        let waiting = self.waiting("r");
        match self.kept_count(&waiting) {
            Some(name) => format!("p.{name} > 0"),
            None => format!("exists (select from {} r where {}{waiting})", table(self.entity), self.of("r", "k")),
        }
    }

    /// `promote by`, then the key; `last` first where it is turned around.
    fn order(&self, reverse: bool) -> String {
        let mut ordered = Vec::new();
        let mut order: Vec<String> = Vec::new();
        let mut push = |text: String, element: Option<&Element>| {
            let desc = element.is_some_and(|e| e.desc) != reverse;
            let nulls = element.and_then(|e| e.nulls_first).map(|first| first != reverse);
            let nulls = match nulls {
                Some(true) => " nulls first",
                Some(false) => " nulls last",
                None => "",
            };
            order.push(format!("{text}{}{nulls}", if desc { " desc" } else { "" }));
        };
        for element in &self.limit.promote_by {
            let text = match &element.on {
                On::Field(field) => {
                    ordered.push(column(self.entity, *field));
                    format!("r.{}", column(self.entity, *field))
                }
                On::Expr(expr) => over(self.model, self.entity, "r", expr),
            };
            push(text, Some(element));
        }
        for key in self.key().into_iter().filter(|k| !ordered.contains(&k.name)) {
            push(format!("r.{key}"), None);
        }
        order.join(", ")
    }

    fn shown(&self) -> String {
        no_placeholders(&format!("limit {} on {}", self.limit.name, self.entity.name.name))
    }

    /// The columns of an owner as the fields of a recordset: `event_id int`.
    fn record(&self) -> String {
        let columns = self.limit.per.iter().map(|f| format!("{} {}", column(self.entity, *f), self.passed(*f)));
        columns.collect::<Vec<_>>().join(", ")
    }

    /// The type of a column of an owner, without a length: what is passed fits already.
    fn passed(&self, field: FieldIx) -> String {
        let ty = Type { args: Vec::new(), ..self.entity.fields[field].ty.clone() };
        type_name(self.model, &ty)
    }

    /// An owner as JSON.
    fn json(&self, row: &str) -> String {
        let pairs = self
            .limit
            .per
            .iter()
            .map(|f| format!("{}, {row}.{}", literal(&self.entity.fields[*f].name), column(self.entity, *f)));
        format!("jsonb_build_object({})", pairs.collect::<Vec<_>>().join(", "))
    }

    /// The owners that a function was given, as a table `k`.
    fn given(&self, variable: &str) -> String {
        if self.limit.per.is_empty() {
            format!("jsonb_array_elements({variable}) k")
        } else {
            format!("jsonb_to_recordset({variable}) as k ({})", self.record())
        }
    }

    fn routine(&self, room: &Room, body: String, comment: String) -> Routine {
        let exprs = [&self.limit.condition].into_iter().chain(self.limit.overflow.iter().map(|(_, e)| e));
        let depends: Vec<_> = exprs.flat_map(|e| room.lookup.of_expr(self.model, e)).collect();
        let exprs = [&self.limit.condition].into_iter().chain(self.limit.overflow.iter().map(|(_, e)| e));
        let routine = Routine::new(body, comment)
            .reads(exprs.map(|e| &**e))
            .definer(true)
            .needs(depends)
            .uses(&table_of(self.entity));
        match self.owner {
            Owner::Row { relation, .. } => routine.uses(&table_of(self.model.entity(relation.to))),
            Owner::Nothing => routine,
        }
    }

    /// A function that is given owners.
    fn procedure(&self, room: &mut Room, what: &str, body: String, comment: String) -> Qualified {
        let name = names::helper(self.model, self.entity, &[what, &self.limit.name]);
        let schema = self.model.options.helper_schema.clone();
        let mut function = functions::trigger_function(schema, name, body.as_str().into());
        function.returns = Some(Returns::Type(DataType::builtin("void")));
        function.params =
            vec![Param { mode: "in".into(), name: "owners".into(), ty: DataType::builtin("jsonb"), default: None }];
        let routine = self.routine(room, body, comment);
        helper(room, self.entity, function, routine, self.limit.span)
    }

    fn calls(&self, function: &Qualified) -> Dependency {
        let id = ObjectId::new(Kind::Function, function.schema.clone(), function.name.clone());
        Dependency::new(id.part("jsonb"), "its body calls it")
    }
}
