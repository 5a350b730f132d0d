//! What suites about the behaviour of tables share.

use crate::rows::{Asked, NULL, Placed, Spelled, base, column, question, tables, together};
use crate::{Promised, Race, Run, Skipped, Suite, Try, Wanted};
use specc_diag::Span;
use specc_facts::Family;
use specc_model::formula::Formula;
use specc_model::{Base, Entity, FieldIx, Model, RuleAction};
use specc_prove::{Crowd, Crowds, Fill, name};

/// An entity, and the suite that its tests belong to.
pub(crate) struct Bench<'m, 's> {
    pub(crate) model: &'m Model,
    pub(crate) entity: &'m Entity,
    pub(crate) crowds: &'s Crowds<'m>,
    pub(crate) fill: &'s Fill<'m>,
    pub(crate) suite: &'s mut Suite,
}

/// Rows of an entity, and those that they need.
pub(crate) struct Rows {
    pub(crate) own: Vec<Placed>,
    pub(crate) others: Vec<Placed>,
}

/// What two do at once, and what is so in the end.
pub(crate) struct Together {
    pub(crate) statements: [String; 2],
    /// What comes before.
    pub(crate) before: Vec<String>,
    /// How many may be let through.
    pub(crate) most: usize,
    /// The SQLSTATEs with which the other may be refused.
    pub(crate) refusals: &'static [&'static str],
    /// A query that gives `true`.
    pub(crate) holds: String,
}

impl<'m> Bench<'m, '_> {
    /// Rows that are wanted.
    pub(crate) fn rows(&self, wanted: &Crowd<'_>) -> Result<Rows, String> {
        let case = self.crowds.make(self.entity.id, wanted)?;
        let (rows, _) = Placed::of(&case, self.fill, self.entity.id)?;
        let (mut own, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.entity == self.entity.id);
        own.truncate(wanted.rows);
        if own.len() < wanted.rows { Err("it has no row".to_owned()) } else { Ok(Rows { own, others }) }
    }

    /// A promise, by its place.
    pub(crate) fn promise(&mut self, what: String, span: Span) -> usize {
        self.suite.promises.push(Promised { entity: name(self.model, self.entity.id), what, span });
        self.suite.promises.len() - 1
    }

    /// A promise that is not tried.
    pub(crate) fn skip(&mut self, what: String, why: String, span: Span) {
        self.suite.skipped.push(Skipped { entity: name(self.model, self.entity.id), what, why, span: Some(span) });
    }

    /// The table, quoted.
    pub(crate) fn table(&self) -> String {
        specc_prove::table(self.model, self.entity.id)
    }

    /// Adds a run on these rows, with triggers whose names match `only`.
    pub(crate) fn run(&mut self, there: &[&Placed], only: &str, what: &str, span: Span, tries: Vec<Try>) {
        if tries.is_empty() {
            return;
        }
        let load: Vec<String> = there.iter().map(|row| row.insert(self.model)).collect();
        let table = self.table();
        let mut tables = tables(self.model, there.iter().copied());
        if !tables.contains(&table) {
            tables.push(table.clone());
        }
        self.suite.runs.push(Run {
            entity: name(self.model, self.entity.id),
            tables,
            load: together(&load),
            table,
            only: Some(only.to_owned()),
            lines: vec![what.to_owned()],
            rules: vec![span],
            tries,
            ..Run::default()
        });
    }

    /// What two do at once on these rows; at most `most` of them are let through.
    pub(crate) fn race(&mut self, there: &[&Placed], only: &str, what: String, span: Span, tried: Together) {
        let mut tables = tables(self.model, there.iter().copied());
        if !tables.contains(&self.table()) {
            tables.push(self.table());
        }
        self.suite.races.push(Race {
            entity: name(self.model, self.entity.id),
            what,
            load: there.iter().map(|row| row.insert(self.model)).collect(),
            before: tried.before,
            tables,
            only: only.to_owned(),
            statements: tried.statements,
            most: tried.most,
            refusals: tried.refusals.iter().map(|state| (*state).to_owned()).collect(),
            holds: tried.holds,
            span,
        });
    }

    /// Whether each of these conditions holds for each row; none where that cannot be told.
    pub(crate) fn ask(
        &self,
        rows: &[Placed],
        conditions: &[&Formula],
        server: &mut dyn Asked,
    ) -> Vec<Option<Vec<Option<bool>>>> {
        let spelled: Vec<(String, bool)> =
            conditions.iter().map(|one| Spelled::of(self.model, self.entity.id, one, "specc_row")).collect();
        if spelled.iter().any(|(_, plain)| !plain) {
            return vec![None; rows.len()];
        }
        let expressions: Vec<String> = spelled.into_iter().map(|(sql, _)| sql).collect();
        let questions: Vec<String> =
            rows.iter().map(|row| question(&row.as_record(self.model, "specc_row"), &expressions)).collect();
        let truth = |text: Option<String>| text.map(|text| text == "true");
        server.ask(&questions).into_iter().map(|one| one.ok().map(|all| all.into_iter().map(truth).collect())).collect()
    }

    /// The conditions of the checks.
    pub(crate) fn checks(&self) -> Vec<&'m Formula> {
        self.entity.checks.iter().map(|check| &check.expr.formula).collect()
    }

    /// Whether the checks let rows pass, with another condition before them if there is one.
    pub(crate) fn fits(
        &self,
        rows: &[Placed],
        first: Option<&'m Formula>,
        server: &mut dyn Asked,
    ) -> Vec<Option<bool>> {
        let conditions: Vec<&Formula> = first.into_iter().chain(self.checks()).collect();
        if conditions.is_empty() {
            return vec![Some(true); rows.len()];
        }
        let skipped = usize::from(first.is_some());
        self.ask(rows, &conditions, server)
            .into_iter()
            .map(|known| {
                let all = known?;
                let passes = all.iter().skip(skipped).all(|one| *one != Some(false));
                passes.then(|| first.is_none() || all.first() == Some(&Some(true)))
            })
            .collect()
    }

    /// Another value for a column, of no row.
    pub(crate) fn another(&self, row: &Placed, field: FieldIx) -> Option<String> {
        let (model, of) = (self.model, &self.entity.fields[field]);
        let value = row.value(model, field);
        if let Base::Enum(id) = &of.ty.base {
            let labels = model.enums[id.0 as usize].labels.iter();
            let mut others = labels.map(|label| specc_sql::quote::text(&label.name)).filter(|label| *label != value);
            return others.next();
        }
        let kind = base(model, &of.ty)?;
        Some(match kind {
            Family::Uuid => "'ffffffff-ffff-4fff-bfff-fffffffffff0'".to_owned(),
            Family::Boolean if value == NULL => "true".to_owned(),
            Family::Boolean => format!("not ({value})::boolean"),
            kind if kind.is_number() && value == NULL => "1".to_owned(),
            kind if kind.is_number() => format!("({value})::numeric + 1"),
            Family::Text if value == NULL => "'a'".to_owned(),
            Family::Text => format!("reverse(({value})::text) || 'a'"),
            Family::Moment if value == NULL => "now()".to_owned(),
            Family::Moment => format!("({value})::timestamptz - interval '1 day'"),
            Family::Json => "'{\"specc\": [1]}'".to_owned(),
            _ => return None,
        })
    }

    /// What an update sets that changes something: a column that nothing else asks about, to a value that its checks take.
    pub(crate) fn touch(&self, row: &Placed, server: &mut dyn Asked) -> Option<String> {
        let entity = self.entity;
        let unlike: Vec<FieldIx> = entity.unique_sets().filter_map(|set| set.fields).flatten().collect();
        let is_free = |field: &FieldIx| {
            let own = &entity.fields[*field];
            let bound = own.generated.is_some() || own.identity.is_some() || own.maintained.is_some() || own.immutable;
            let referred = entity.outgoing.iter().any(|id| self.model.relation(*id).fields.contains(field));
            let step = entity.workflows.iter().any(|workflow| workflow.field == *field);
            let by_mixin = own.mixin.is_some() || matches!(own.ty.base, Base::Domain(_));
            !bound && !referred && !step && !by_mixin && !unlike.contains(field)
        };
        let others = (0..entity.fields.len()).filter(is_free);
        let others: Vec<(FieldIx, String)> =
            others.filter_map(|field| Some((field, self.another(row, field)?))).collect();
        let rows: Vec<Placed> = others.iter().map(|(field, value)| row.with([(*field, value.clone())])).collect();
        let at = self.fits(&rows, None, server).iter().position(|fit| *fit == Some(true))?;
        let (field, value) = &others[at];
        Some(format!("{} = {value}", column(entity, *field)))
    }
}

/// A statement, and what should come of it.
pub(crate) fn tried(command: RuleAction, sql: String, expected: Wanted, about: String, sees: Vec<usize>) -> Try {
    Try { command, sql, expected, about, sees }
}

/// It is refused with this, by a column or a constraint of this name.
pub(crate) fn refused(state: &str, by: &str) -> Wanted {
    Wanted::Refused { states: vec![state.to_owned()], by: vec![by.to_owned()] }
}
