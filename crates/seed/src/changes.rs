//! Changes of base rows that their own tables refuse: what is append only or immutable stays as it is, and a workflow goes
//! step by step.

use smol_str::SmolStr;
use specc_catalog::{Catalog, IdRef, Kind, Object, Qualified, Seed, SqlExpr};
use specc_diag::{Diagnostic, codes};
use specc_model::known::{Known, KnownRow};
use specc_model::{Entity, FieldIx, Model, Workflow};

/// Those among the rows that a migration makes as the spec says, or takes out, from one state to the other; the flag says which.
/// What is taken out has no place in the spec any more: its entity has.
pub fn refused<'s>(
    model: &Model,
    [from, to]: [&Catalog; 2],
    rows: impl Iterator<Item = (&'s Seed, bool)>,
) -> Vec<Diagnostic> {
    let placed = crate::base(model);
    let mut found = Vec::new();
    for (seed, put) in rows {
        let named = |e: &&Entity| e.name.schema == seed.table.schema && e.name.name == seed.table.name;
        let Some(entity) = model.entities.iter().find(named) else { continue };
        // What is made append only by this change is that already when rows are put in, and still is when they are taken out.
        let state = if put { to } else { from };
        for row in &seed.rows {
            let Some(before) = same_row(from, seed, row) else { continue };
            let span = placed.iter().filter(|(other, _)| other.table == seed.table && other.columns == seed.columns);
            let span = span.flat_map(|(other, spans)| other.rows.iter().zip(spans)).find(|(other, _)| *other == row);
            let span = span.map_or(entity.meta.span, |(_, span)| *span);
            let said = |message: String| Diagnostic::new(codes::SEED_MAY_NOT_CHANGE, span, message);
            if is_append_only(state, seed) {
                let table = &seed.table.name;
                found.push(match put {
                    true => said(format!("`{table}` is append only, and this row of it is not what it was"))
                        .help("leave the row as it was, and add another one"),
                    false => said(format!("`{table}` is append only, and a row of it is taken out of the seeds"))
                        .help("leave the row where it was; it cannot be deleted"),
                });
                continue;
            }
            if put {
                let change = Change { model, entity, seed, row, before };
                found.extend(
                    change.immutable().or_else(|| change.step()).map(|(message, help)| said(message).help(help)),
                );
            }
        }
    }
    found
}

/// Whether no row of a table may be changed or deleted.
fn is_append_only(state: &Catalog, seed: &Seed) -> bool {
    let refuses = |function: &Qualified| {
        let place = state.find(IdRef::new(Kind::Function, &function.schema, &function.name));
        let found = place.and_then(|place| state.at(place));
        function.name == REFUSES && found.is_some_and(|(_, entry)| entry.area == specc_model::STD)
    };
    state.iter().any(|(_, entry)| {
        matches!(&entry.object, Object::Trigger(o) if o.table == seed.table && o.per_row && refuses(&o.function))
    })
}

/// The function of `append_only`.
const REFUSES: &str = "refuse_change";

/// What a row gave before, by its columns.
type Before<'c> = (&'c [SmolStr], &'c [SqlExpr]);

/// The row of before that a row is found by its key to be, where it says something else.
fn same_row<'c>(from: &'c Catalog, seed: &Seed, row: &[SqlExpr]) -> Option<Before<'c>> {
    let cell = |columns: &[SmolStr], row: &[SqlExpr], column: &SmolStr| {
        columns.iter().position(|other| other == column).and_then(|at| row.get(at).cloned())
    };
    let olds = from.iter().filter_map(|(_, entry)| match &entry.object {
        Object::Seed(old) if old.table == seed.table => Some(old),
        _ => None,
    });
    let mut rows = olds.flat_map(|old| old.rows.iter().map(move |row| (old.columns.as_slice(), row.as_slice())));
    rows.find(|(columns, old)| {
        !seed.key.is_empty()
            && seed.key.iter().all(|column| {
                let now = cell(&seed.columns, row, column);
                now.is_some() && now == cell(columns, old, column)
            })
    })
}

struct Change<'a> {
    model: &'a Model,
    entity: &'a Entity,
    seed: &'a Seed,
    row: &'a [SqlExpr],
    before: Before<'a>,
}

impl Change<'_> {
    /// What is known of a field before and after, where both rows give it.
    fn values(&self, at: FieldIx) -> Option<(Known, Known)> {
        let field = &self.entity.fields[at];
        let value = |columns: &[SmolStr], row: &[SqlExpr]| {
            let place = columns.iter().position(|column| *column == field.name)?;
            Known::of_sql(self.model, &row.get(place)?.text, &field.ty)
        };
        value(self.before.0, self.before.1).zip(value(&self.seed.columns, self.row))
    }

    fn immutable(&self) -> Option<(String, String)> {
        let changed = |at: &FieldIx| {
            let (was, is) = self.values(*at)?;
            Some(was != is && was.equals(&is) != Some(true))
        };
        let fields = (0..self.entity.fields.len()).filter(|at| self.entity.fields[*at].immutable);
        let at = fields.into_iter().find(|at| changed(at) == Some(true))?;
        let (field, table) = (&self.entity.fields[at].name, &self.entity.name.name);
        Some((
            format!("`{field}` of `{table}` is immutable, and this row of it has another value than before"),
            "give the value that it had, or give the new one to another row".to_owned(),
        ))
    }

    /// A state that no step leads to.
    fn step(&self) -> Option<(String, String)> {
        self.entity.workflows.iter().find_map(|workflow| {
            let (was, is) = self.values(workflow.field)?;
            let named = |value: &Known| -> Option<SmolStr> {
                let field = &self.entity.fields[workflow.field];
                let read = |state: &&SmolStr| Known::read(self.model, state, &field.ty).as_ref() == Some(value);
                workflow.states.iter().find(read).cloned()
            };
            let (was, is) = (named(&was)?, named(&is)?);
            if was == is || self.leads(workflow, &was, &is) {
                return None;
            }
            let (field, table) = (&self.entity.fields[workflow.field].name, &self.entity.name.name);
            Some((
                format!("no step of `{table}` leads this row from `{was}` to `{is}` in `{field}`"),
                format!("go there by the steps that there are, a build for each, or add one: `{was} -> {is}`"),
            ))
        })
    }

    fn leads(&self, workflow: &Workflow, was: &str, is: &str) -> bool {
        let field = |at: FieldIx| {
            let name = &self.entity.fields[at].name;
            let place = self.seed.columns.iter().position(|column| column == name)?;
            Known::of_sql(self.model, &self.row.get(place)?.text, &self.entity.fields[at].ty)
        };
        let row = KnownRow { model: self.model, field: &field, value: None };
        workflow
            .steps
            .iter()
            .filter(|step| step.from == was && step.to == is)
            .any(|step| step.when.as_ref().is_none_or(|when| row.holds(&when.formula) != Some(false)))
    }
}
