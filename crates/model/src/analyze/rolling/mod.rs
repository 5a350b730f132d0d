//! Partitions by the calendar: `partition by range (at) every month keep 24 months ahead 3`.

mod routine;

use super::entity::Pass;
use crate::past::table_before;
use crate::types::*;
use smol_str::SmolStr;
use specc_catalog::{Object as Known, TableName};
use specc_diag::{Diagnostic, Span, codes};
use specc_facts::{Family, family};
use specc_syntax::ast::{Name, RollsDecl};

pub use routine::rolling_function;
pub(super) use routine::stem;

/// Partitions that are made ahead where nobody says how many.
const AHEAD: u32 = 3;

/// More than anybody has: a lock for each is taken by every query that does not say which it reads.
const MOST: u32 = 1000;

impl Pass<'_> {
    /// What the calendar does, or what is wrong with it.
    pub(super) fn rolls(&mut self, d: &RollsDecl, method: &str, elements: &[Element]) -> Option<Rolls> {
        let field = self.divides(d, method, elements)?;
        let every = self.unit(&d.every)?;
        let keep = match &d.keep {
            None => None,
            Some((number @ 1..=MOST, unit)) => Some((*number, self.unit(unit)?)),
            Some((number, unit)) => {
                let help = format!("write a number from 1 to {MOST}");
                self.bad_rolling(unit.at.0, format!("partitions cannot stay for {number} {}", unit.text), help);
                return None;
            }
        };
        let then = match &d.then {
            None => Then::Detach,
            Some((word, schema)) => self.then(word, schema.as_ref())?,
        };
        let ahead = d.ahead.unwrap_or(AHEAD);
        if ahead > MOST {
            let help = format!("write a number up to {MOST}");
            self.bad_rolling(d.at.0, format!("{ahead} partitions ahead are more than a query can look through"), help);
            return None;
        }
        Some(Rolls { field, every, keep, then, ahead, span: d.at.0 })
    }

    fn bad_rolling(&mut self, span: Span, message: String, help: impl Into<String>) {
        self.out.push(Diagnostic::new(codes::BAD_ROLLING, span, message).help(help.into()));
    }

    fn divides(&mut self, d: &RollsDecl, method: &str, elements: &[Element]) -> Option<FieldIx> {
        let name = self.entity.name.name.clone();
        if method != "range" {
            let message = format!("`{name}` is partitioned by {method}, which knows no calendar");
            self.bad_rolling(d.at.0, message, "write `partition by range (column) every month`");
            return None;
        }
        let [element] = elements else {
            let message = format!("`{name}` is divided by several columns, and the calendar fills one");
            self.bad_rolling(d.at.0, message, "name the column with the time alone");
            return None;
        };
        let Some(field) = element.field() else {
            let message = format!("`{name}` is divided by an expression");
            self.bad_rolling(d.at.0, message, "name a column of type `date`, `timestamp` or `timestamptz`");
            return None;
        };
        let own = &self.entity.fields[field];
        if moment(self.model, &own.ty).is_none() {
            let message =
                format!("`{}` holds no date or time, so no month says which rows are in a partition", own.name);
            let help = "divide by a column of type `date`, `timestamp` or `timestamptz`; what a number or a uuid says of \
                        the time is known to who wrote it alone";
            self.bad_rolling(d.at.0, message, help);
            return None;
        }
        Some(field)
    }

    fn unit(&mut self, word: &Name) -> Option<Every> {
        let found = Every::ALL.into_iter().find(|every| {
            let own = every.word();
            word.text == own || word.text.strip_suffix('s') == Some(own)
        });
        if found.is_none() {
            let message = format!("`{}` is no unit of the calendar", word.text);
            self.bad_rolling(word.at.0, message, "units are day, week, month, quarter and year");
        }
        found
    }

    fn then(&mut self, word: &Name, schema: Option<&Name>) -> Option<Then> {
        match (word.text.as_str(), schema) {
            ("drop", None) => Some(Then::Drop),
            ("detach", None) => Some(Then::Detach),
            ("archive", Some(schema)) => {
                self.project.check_schema_name(schema, &mut self.out);
                Some(Then::Archive(schema.text.clone()))
            }
            ("archive", None) => {
                self.bad_rolling(
                    word.at.0,
                    "nothing says where old partitions go".into(),
                    "write `then archive in old`",
                );
                None
            }
            ("drop" | "detach", Some(schema)) => {
                let message = format!("`{}` goes to no schema", word.text);
                self.bad_rolling(schema.at.0, message, format!("write `then {}`, or `then archive in …`", word.text));
                None
            }
            _ => {
                let message = format!("`{}` is nothing that becomes of an old partition", word.text);
                self.bad_rolling(word.at.0, message, "write `then detach`, `then archive in old` or `then drop`");
                None
            }
        }
    }
}

/// The name of a type that has a calendar.
pub(crate) fn moment(model: &Model, ty: &Type) -> Option<SmolStr> {
    let ty = model.under(ty);
    match ty.base {
        Base::Builtin(name) if ty.dims == 0 && family(&name) == Family::Moment => Some(name),
        _ => None,
    }
}

/// Says what does not go together, and adds the function of each table, with its job.
pub(super) fn finish(model: &mut Model, out: &mut Vec<Diagnostic>) {
    let mut made = Vec::new();
    let mut jobs = Vec::new();
    for entity in &model.entities {
        let Some(rolls) = entity.partition_by.as_ref().and_then(|by| by.rolls.as_ref()) else { continue };
        taken(model, entity, rolls, out);
        if let Some(keep) = rolls.keep {
            held(model, entity, out);
            followed(model, entity, out);
            retained(entity, rolls, keep, out);
        }
        let (function, job) = routine::routine(model, entity, rolls);
        made.push(function);
        jobs.extend(job);
    }
    model.functions.extend(made);
    model.schedules.extend(jobs);
}

/// The name of the block by which a migration calls the function for a table.
pub fn rolling_block(schema: &str, table: &str) -> SmolStr {
    format!("partitions of {schema}.{table}").into()
}

/// Where the calendar has been at work, what is between the bounds of a new partition may be there already, and its name too.
fn taken(model: &Model, entity: &Entity, rolls: &Rolls, out: &mut Vec<Diagnostic>) {
    let (Some(last), Some(before)) = (model.options.last.as_deref(), table_before(model, entity)) else { return };
    let was = &before.table;
    let block = rolling_block(&was.schema, &was.name);
    if !last.iter().any(|(_, entry)| matches!(&entry.object, Known::Sql(o) if o.name == block)) {
        return;
    }
    let parts = last.iter().filter_map(|(_, entry)| match &entry.object {
        Known::Table(o) if o.partition_of.as_ref().is_some_and(|(of, _)| of == was) => Some(&o.table),
        _ => None,
    });
    let mut parts: Vec<&TableName> = parts.collect();
    let of = |part: &Partition| TableName::new(part.name.schema.clone(), part.name.name.clone());
    let new = entity.partitions.iter().filter(|part| {
        let known = parts.iter().position(|old| **old == of(part));
        known.map(|at| parts.swap_remove(at)).is_none() && matches!(part.bounds, Bounds::Range { .. })
    });
    let new: Vec<&Partition> = new.collect();
    // One that is gone may have got another name.
    for part in new.into_iter().filter(|_| parts.is_empty()) {
        let (name, table) = (&part.name.name, &entity.name.name);
        let message = format!("`{name}` may overlap a partition of `{table}` that the calendar made");
        let help = format!(
            "leave it away: rows that a `partition {table}_rest default` holds get partitions of their time from the calendar"
        );
        let found = Diagnostic::new(codes::TAKEN_PARTITION, part.span, message);
        out.push(found.also(rolls.span, "it has been at work since the last migration").help(help));
    }
}

/// Postgres lets no partition go while another table refers to its rows.
fn held(model: &Model, entity: &Entity, out: &mut Vec<Diagnostic>) {
    for relation in entity.incoming.iter().map(|id| model.relation(*id)) {
        let (from, to) = (&model.entity(relation.from).name.name, &entity.name.name);
        let message = format!("`{from}` refers to `{to}`, whose old partitions are to go");
        let help = format!(
            "keep the partitions of `{to}`: without `keep`; or keep its key in `{from}` as a column that is no reference"
        );
        let by = entity.partition_by.as_ref().map_or(entity.meta.span, |by| by.span);
        out.push(Diagnostic::new(codes::HELD_PARTITION, relation.span, message).also(by, "they go here").help(help));
    }
}

/// What triggers keep up with the rows of a table does not hear of a partition that goes.
fn followed(model: &Model, entity: &Entity, out: &mut Vec<Diagnostic>) {
    let name = &entity.name.name;
    let by = entity.partition_by.as_ref().map_or(entity.meta.span, |by| by.span);
    let mut bad = |span, message, help: String| {
        out.push(Diagnostic::new(codes::FOLLOWED_PARTITION, span, message).also(by, "they go here").help(help));
    };
    for parent in &model.entities {
        for field in &parent.fields {
            let Some(maintained) = &field.maintained else { continue };
            if model.relation(maintained.relation).from == entity.id {
                let (of, own) = (&parent.name.name, &field.name);
                let message =
                    format!("`{own}` of `{of}` is kept equal to rows of `{name}`, whose old partitions are to go");
                let help = format!(
                    "keep the partitions of `{name}`: without `keep`; or count in a view, over the rows that there are"
                );
                bad(field.meta.span, message, help);
            }
        }
    }
    for limit in entity.limits.iter().filter(|limit| !limit.promote_by.is_empty()) {
        let message = format!(
            "`{}` promotes who waits when a place is free, and old partitions of `{name}` are to go",
            limit.name
        );
        let help = format!(
            "keep the partitions of `{name}`: without `keep`; or let the limit promote nobody: without `promote by`"
        );
        bad(limit.span, message, help);
    }
}

/// About how many days an interval in words has.
fn days(interval: &str) -> Option<u64> {
    let mut words = interval.split(' ');
    let mut all = 0;
    while let (Some(number), Some(unit)) = (words.next(), words.next()) {
        let unit = unit.strip_suffix('s').unwrap_or(unit);
        let hours = match unit {
            "year" => 365 * 24,
            "month" => 30 * 24,
            "week" => 7 * 24,
            "day" => 24,
            "hour" => 1,
            _ => 0,
        };
        all += number.parse::<u64>().ok()? * hours;
    }
    Some(all / 24)
}

/// `retain` says for how long rows stay, `keep` for how long partitions do. Rows that are only taken aside stay until they are too
/// old.
fn retained(entity: &Entity, rolls: &Rolls, keep: (u32, Every), out: &mut Vec<Diagnostic>) {
    let Some(retain) = entity.retain.as_ref().filter(|_| matches!(rolls.then, Then::Drop)) else { return };
    let name = &entity.name.name;
    let kept = match keep.1 {
        Every::Month => 30 * u64::from(keep.0),
        unit => u64::from(unit.days()) * u64::from(keep.0),
    };
    let Some(stays) = days(&retain.interval) else { return };
    if kept < stays {
        let message = format!("rows of `{name}` stay for {}, and their partitions go before that", retain.interval);
        let help = "keep the partitions for as long, or remove `retain`: a partition that goes takes its rows with it";
        let found = Diagnostic::new(codes::KEEP_AGAINST_RETAIN, rolls.span, message);
        out.push(found.also(retain.span, "rows stay here").help(help));
    } else {
        let message = format!("rows of `{name}` are deleted one by one before their partitions go");
        let help = "remove `retain`: a partition that goes takes its rows with it, without reading one of them";
        let found = Diagnostic::new(codes::KEEP_AND_RETAIN, retain.span, message);
        out.push(found.also(rolls.span, "partitions go here").help(help));
    }
}
