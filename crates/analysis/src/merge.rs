//! `merge`.

use crate::Change;
use crate::dml::{column_named, is_default, shown};
use crate::scope::{Level, Output, Source, Ty};
use crate::text::Part;
use crate::walk::Walk;
use smol_str::SmolStr;
use specc_expr::sqlparser::ast::{
    Merge, MergeAction, MergeClauseKind, MergeInsertExpr, MergeInsertKind, MergeUpdateKind, ObjectName, OutputClause,
    SetExpr, Spanned,
};

impl Walk<'_> {
    pub(crate) fn merge(&mut self, part: &Part<'_>, merge: &Merge) -> Output {
        self.levels.push(Level::default());
        let target = self.target(part, &merge.table);
        self.factor(part, &merge.source);
        let source = std::mem::take(&mut self.level().sources);
        let both: Vec<Source> = std::iter::once(target.clone()).chain(source.iter().cloned()).collect();
        self.level().sources.clone_from(&both);
        self.condition(part, "on", &merge.on);
        for clause in &merge.clauses {
            // A row without its other side has nothing of it.
            self.level().sources = match clause.clause_kind {
                MergeClauseKind::Matched => both.clone(),
                MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget => source.clone(),
                MergeClauseKind::NotMatchedBySource => vec![target.clone()],
            };
            if let Some(expr) = &clause.predicate {
                self.condition(part, "when", expr);
            }
            match &clause.action {
                MergeAction::Insert(insert) => {
                    self.changes(Change::Insert, &target);
                    self.merge_insert(part, insert, &target);
                }
                MergeAction::Update(update) => {
                    self.changes(Change::Update, &target);
                    if let MergeUpdateKind::Set(assignments) = &update.kind {
                        self.assignments(part, assignments, &target);
                    }
                }
                MergeAction::Delete { .. } => self.changes(Change::Delete, &target),
                MergeAction::DoNothing { .. } => {}
            }
        }
        self.level().sources = both;
        match &merge.output {
            Some(OutputClause::Returning { select_items, .. } | OutputClause::Output { select_items, .. }) => {
                let outside = std::mem::replace(&mut self.merged, true);
                let output = self.returning(part, Some(select_items));
                self.merged = outside;
                output
            }
            None => self.returning(part, None),
        }
    }

    fn merge_insert(&mut self, part: &Part<'_>, insert: &MergeInsertExpr, target: &Source) {
        let columns = insert.columns.iter().map(|name| (self.target_column(part, name, target), name));
        let columns: Vec<(Ty, &ObjectName)> = columns.collect();
        self.each_once(part, insert.columns.iter());
        let MergeInsertKind::Values(values) = &insert.kind else { return };
        let none = target.columns.iter().map(|column| &column.ty);
        let types: Vec<Ty> = match &columns[..] {
            [] => none.cloned().collect(),
            columns => columns.iter().map(|(ty, _)| ty.clone()).collect(),
        };
        if let (Some(relation), true, Some(place)) =
            (&target.relation, insert.columns.is_empty(), part.place(values.span()))
        {
            self.out.by_order.push((place, relation.clone()));
        }
        for row in &values.rows {
            for (at, expr) in row.content.iter().enumerate() {
                let (given, ty) = (self.expr(part, expr), types.get(at).unwrap_or(&None));
                self.no_aggregate(part, expr, "values");
                self.wanted(part, expr, ty);
                let what = insert
                    .columns
                    .get(at)
                    .map_or_else(|| "this column".to_owned(), |name| format!("`{}`", shown(name)));
                self.stored(part, expr, &given, ty, &what);
                let column = match insert.columns.get(at) {
                    Some(name) => Some(column_named(name)),
                    None => target.columns.get(at).filter(|_| columns.is_empty()).map(|column| column.name.clone()),
                };
                if let Some(column) = column.filter(|_| !is_default(expr)) {
                    self.computed(part, expr.span(), &column, self.filled(target, &column));
                }
            }
            if !columns.is_empty() {
                let given = row.content.iter().map(|_| (SmolStr::default(), None)).collect();
                let output = Output { columns: given, complete: true, ..Output::default() };
                self.count(part, &SetExpr::Values(values.clone()), &columns, &output);
            }
        }
    }
}
