//! Statements that write.

use crate::find::idents;
use crate::scope::{Conflict, Level, Output, Source, Ty};
use crate::text::{Part, folded};
use crate::walk::Walk;
use crate::{Problem, Target};
use smol_str::SmolStr;
use specc_expr::sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, Expr, FromTable, Ident, Insert, Merge, MergeAction,
    MergeClauseKind, MergeInsertExpr, MergeInsertKind, MergeUpdateKind, ObjectName, OnConflictAction, OnInsert,
    OutputClause, Query, SelectItem, SetExpr, Spanned, Statement, TableFactor, TableObject, TableWithJoins, Update,
    UpdateTableFromKind,
};

/// The columns that rows are inserted into.
struct TypedColumns<'a> {
    names: &'a [SmolStr],
    types: &'a [Ty],
}

impl Walk<'_> {
    pub(crate) fn statement(&mut self, part: &Part<'_>, statement: &Statement) -> Output {
        match statement {
            Statement::Query(query) => self.query(part, query),
            Statement::Insert(insert) => self.insert(part, insert),
            Statement::Update(update) => self.update(part, update),
            Statement::Delete(delete) => self.delete(part, delete),
            Statement::Merge(merge) => self.merge(part, merge),
            Statement::Call(call) => {
                self.calling = true;
                self.call(part, call);
                Output::open()
            }
            Statement::Truncate(truncate) => {
                for table in &truncate.table_names {
                    self.relation(part, &table.name);
                }
                Output::open()
            }
            Statement::CreateTable(table) => {
                self.made_table(part, table);
                Output::open()
            }
            _ => Output::open(),
        }
    }

    fn insert(&mut self, part: &Part<'_>, insert: &Insert) -> Output {
        let TableObject::TableName(name) = &insert.table else { return Output::open() };
        // The rows to insert do not see the table.
        self.levels.push(Level::default());
        let mut target = self.table(part, name, None);
        if let Some(alias) = &insert.table_alias {
            target.name = folded(&alias.alias);
            target.own_name = false;
        }
        let columns = insert.columns.iter().map(|column| (self.target_column(part, column, &target), column));
        let columns: Vec<(Ty, &ObjectName)> = columns.collect();
        self.each_once(part, columns.iter().map(|(_, name)| *name));
        let types: Vec<Ty> = match &columns[..] {
            [] => target.columns.iter().map(|column| column.ty.clone()).collect(),
            columns => columns.iter().map(|(ty, _)| ty.clone()).collect(),
        };
        if let Some(source) = &insert.source {
            let output = self.query(part, source);
            if insert.columns.is_empty() {
                if let Some(relation) = &target.relation {
                    self.refer_at(part.place(name.span()), Target::Columns(relation.clone()));
                }
                let (given, there) = (output.columns.len(), target.columns.len());
                if output.complete && target.complete && given > there {
                    let message = format!("{given} values for {}", crate::query::columns(there));
                    let help = "give each column one value, and name the columns".to_owned();
                    self.report_at(part, name.span(), Problem::WrongCount, message, Some(help));
                }
            } else {
                self.count(part, source.body.as_ref(), &columns, &output);
            }
            self.values(part, source.body.as_ref(), &types);
            let names: Vec<SmolStr> = match &columns[..] {
                [] => target.columns.iter().map(|column| column.name.clone()).collect(),
                columns => columns.iter().filter_map(|(_, name)| idents(name)?.first().map(|i| folded(i))).collect(),
            };
            if output.complete && names.len() == types.len() {
                let typed = TypedColumns { names: &names, types: &types };
                self.stored_rows(part, source, &output, &typed);
            }
        }
        if let Some(OnInsert::OnConflict(conflict)) = &insert.on {
            self.level().sources.push(target.clone());
            match &conflict.conflict_target {
                Some(ConflictTarget::Columns(names)) => {
                    for name in names {
                        if let Some(place) = part.place(name.span) {
                            let name = folded(name);
                            self.column_of(&target, place, &name);
                            if self.conflict == Conflict::Error && self.conflicting(&name).is_some() {
                                let message = format!("`{name}` is a variable and a column here");
                                let help = "write `on conflict on constraint …`, or give the variable another name";
                                self.report(place, Problem::Ambiguous, message, Some(help.into()));
                            }
                        }
                    }
                    let written: Vec<&Ident> = names.iter().collect();
                    let named = crate::ConflictTarget::Columns(names.iter().map(folded).collect(), false);
                    self.conflict(&target, crate::find::place(part, &written), named);
                }
                Some(ConflictTarget::OnConstraint(name)) => {
                    if let Some([name]) = idents(name).as_deref() {
                        let place = part.place(name.span);
                        self.conflict(&target, place, crate::ConflictTarget::Constraint(folded(name)));
                    }
                }
                None => {
                    let written = self.conflict_target(&target);
                    if !written && matches!(conflict.action, OnConflictAction::DoUpdate(_)) {
                        let message = "`on conflict do update` does not say which key";
                        let help = "write its columns: `on conflict (id) do update …`";
                        self.report_at(part, name.span(), Problem::Conflict, message, Some(help.into()));
                    }
                }
            }
            if let OnConflictAction::DoUpdate(update) = &conflict.action {
                let excluded = Source {
                    name: "excluded".into(),
                    schema: None,
                    own_name: false,
                    named_only: true,
                    ..target.clone()
                };
                self.level().sources.push(excluded);
                self.assignments(part, &update.assignments, &target);
                if let Some(expr) = &update.selection {
                    self.expr(part, expr);
                }
                self.level().sources.pop();
            }
            self.level().sources.pop();
        }
        self.level().sources.push(target);
        self.returning(part, insert.returning.as_deref())
    }

    /// Keeps what `on conflict` names, for who knows the keys.
    fn conflict(&mut self, table: &Source, place: Option<(usize, usize)>, target: crate::ConflictTarget) {
        if let (Some(relation), Some((start, end)), 0) = (&table.relation, place, self.caught) {
            self.out.conflicts.push(crate::Conflict { start, end, relation: relation.clone(), target });
        }
    }

    /// Expressions and the condition of an index, which the parser does not read after `on conflict`; whether there is
    /// something.
    fn conflict_target(&mut self, target: &Source) -> bool {
        let Some((start, end)) = self.conflicts.pop_front() else { return false };
        let text = self.text;
        let mut depth = 0usize;
        let mut close = end;
        for token in specc_split::Lexer::new(&text[start..end]).map_while(Result::ok) {
            match token.kind {
                specc_split::TokenKind::Symbol(b'(') => depth += 1,
                specc_split::TokenKind::Symbol(b')') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        close = start + token.start;
                        break;
                    }
                }
                _ => {}
            }
        }
        if close < end && text[start..].starts_with('(') {
            self.read_expression(start + 1, close);
            self.unreadable = None;
            let names = text[start + 1..close].split(',').map(|name| name.trim().to_lowercase());
            let is_plain = |name: &SmolStr| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let names: Vec<SmolStr> = names.map(SmolStr::from).collect();
            if names.iter().all(is_plain) {
                self.conflict(target, Some((start, close + 1)), crate::ConflictTarget::Columns(names, true));
            }
            let rest = &text[close + 1..end];
            let head = rest.len() - rest.trim_start().len();
            if rest.trim_start().get(..5).is_some_and(|word| word.eq_ignore_ascii_case("where")) {
                self.read_expression(close + 1 + head + 5, end);
                self.unreadable = None;
            }
        }
        start < end
    }

    /// What `returning` gives; the statement's rows go out of sight.
    fn returning(&mut self, part: &Part<'_>, items: Option<&[SelectItem]>) -> Output {
        let output = match items {
            Some(items) => {
                // From Postgres 18 on there are `old` and `new`, under names of the author's where he gives them.
                let named: Vec<(bool, SmolStr)> =
                    items.iter().map_while(specc_expr::returned_row).map(|(old, name)| (old, folded(name))).collect();
                let items = &items[named.len()..];
                if let Some(target) = self.level().sources.first().cloned() {
                    for (old, usual) in [(true, "old"), (false, "new")] {
                        let own = named.iter().find(|(of, _)| *of == old).map(|(_, name)| name.clone());
                        let name = own.clone().unwrap_or_else(|| usual.into());
                        if own.is_some() || self.variable(&name).is_none() {
                            let row = Source { name, own_name: false, named_only: true, ..target.clone() };
                            self.level().sources.push(row);
                        }
                    }
                }
                for (expr, _) in items.iter().filter_map(crate::grouping::item) {
                    self.no_aggregate(part, expr, "returning");
                    self.no_set(part, expr, "returning");
                }
                self.projection(part, items)
            }
            None => Output { columns: Vec::new(), complete: true },
        };
        self.levels.pop();
        output
    }

    /// As many values as columns.
    fn count(&mut self, part: &Part<'_>, body: &SetExpr, columns: &[(Ty, &ObjectName)], output: &Output) {
        let given = output.columns.len();
        if !output.complete || given == columns.len() || !matches!(body, SetExpr::Values(_) | SetExpr::Select(_)) {
            return;
        }
        let place = match body {
            SetExpr::Values(values) => values.rows.first().and_then(|row| row.content.last()).map(Spanned::span),
            _ => columns.last().map(|(_, name)| name.span()),
        };
        let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let message = format!("{} for {}", plural(given, "value"), plural(columns.len(), "column"));
        if let Some(area) = place {
            self.report_at(part, area, Problem::WrongCount, message, Some("give each column a value".into()));
        }
    }

    /// Literals in rows of values, read as the types of their columns.
    fn values(&mut self, part: &Part<'_>, body: &SetExpr, types: &[Ty]) {
        match body {
            SetExpr::Values(values) => {
                for row in &values.rows {
                    row.content.iter().zip(types).for_each(|(expr, ty)| self.wanted(part, expr, ty));
                }
            }
            SetExpr::Select(select) => {
                for (item, ty) in select.projection.iter().zip(types) {
                    match item {
                        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }
                            if specc_expr::row_of_star(expr).is_none() =>
                        {
                            self.wanted(part, expr, ty);
                        }
                        _ => return,
                    }
                }
            }
            _ => {}
        }
    }

    /// Values of rows that are inserted have types that their columns take.
    fn stored_rows(&mut self, part: &Part<'_>, source: &Query, output: &Output, columns: &TypedColumns<'_>) {
        match source.body.as_ref() {
            // Each value becomes one of its column by itself.
            SetExpr::Values(values) if source.with.is_none() => {
                for row in &values.rows {
                    for (at, expr) in row.content.iter().enumerate().take(columns.names.len()) {
                        let given = self.type_of(part, expr);
                        let what = format!("column `{}`", columns.names[at]);
                        self.stored(part, expr, &given, &columns.types[at], &what);
                    }
                }
            }
            SetExpr::Select(select) => {
                let exprs: Vec<&Expr> =
                    select.projection.iter().filter_map(crate::grouping::item).map(|i| i.0).collect();
                if exprs.len() != select.projection.len() || exprs.len() != output.columns.len() {
                    return;
                }
                for (at, expr) in exprs.iter().enumerate().take(columns.names.len()) {
                    let what = format!("column `{}`", columns.names[at]);
                    self.stored(part, expr, &output.columns[at].1, &columns.types[at], &what);
                }
            }
            _ => {}
        }
    }

    /// The type of an expression that was resolved already.
    fn type_of(&mut self, part: &Part<'_>, expr: &Expr) -> Ty {
        let out = std::mem::take(&mut self.out);
        let ty = self.expr(part, expr);
        self.out = out;
        ty
    }

    /// A column that is written to: its first part names it. The type is not known where an element of it is.
    fn target_column(&mut self, part: &Part<'_>, name: &ObjectName, target: &Source) -> Ty {
        let written = idents(name)?;
        let place = part.place(written.first()?.span)?;
        let ty = self.column_of(target, place, &folded(written[0]));
        let is_element = self.is_element(part, written.last()?);
        let Some(field) = written.get(1) else { return ty.filter(|_| !is_element) };
        self.field_of_type(&ty?, part.place(field.span)?, &folded(field)).filter(|_| !is_element)
    }

    /// Whether an element of what has this name is written to: the subscript is no part of the tree.
    fn is_element(&self, part: &Part<'_>, name: &Ident) -> bool {
        let rest = part.place(name.span).and_then(|(_, end)| self.text.get(end..));
        rest.is_some_and(|rest| rest.trim_start().starts_with('['))
    }

    /// A column that is written to is named once.
    fn each_once<'n>(&mut self, part: &Part<'_>, names: impl Iterator<Item = &'n ObjectName>) {
        let mut seen: Vec<SmolStr> = Vec::new();
        for name in names {
            // A part of a column may stand beside another part.
            let Some([ident]) = idents(name).and_then(|all| <[_; 1]>::try_from(all).ok()) else { continue };
            if self.is_element(part, ident) {
                continue;
            }
            let column = folded(ident);
            if seen.contains(&column) {
                let message = format!("column `{column}` is written twice");
                self.report_at(part, ident.span, Problem::Twice, message, Some("remove one of the two".into()));
            }
            seen.push(column);
        }
    }

    fn assignments(&mut self, part: &Part<'_>, assignments: &[Assignment], target: &Source) {
        let written = assignments.iter().flat_map(|assignment| match &assignment.target {
            AssignmentTarget::ColumnName(name) => std::slice::from_ref(name),
            AssignmentTarget::Tuple(names) => names,
        });
        self.each_once(part, written);
        for assignment in assignments {
            self.no_aggregate(part, &assignment.value, "set");
            self.no_set(part, &assignment.value, "set");
        }
        for assignment in assignments {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => {
                    let before = self.out.references.len();
                    let ty = self.target_column(part, name, target);
                    self.writes_since(before);
                    let given = self.expr(part, &assignment.value);
                    self.wanted(part, &assignment.value, &ty);
                    self.stored(part, &assignment.value, &given, &ty, &format!("`{name}`"));
                }
                AssignmentTarget::Tuple(names) => {
                    let before = self.out.references.len();
                    let types: Vec<Ty> = names.iter().map(|name| self.target_column(part, name, target)).collect();
                    self.writes_since(before);
                    let given = match &assignment.value {
                        Expr::Subquery(query) => {
                            let output = self.query(part, query);
                            if output.complete && output.columns.len() == names.len() {
                                for ((name, ty), (_, given)) in names.iter().zip(&types).zip(&output.columns) {
                                    self.stored(part, &assignment.value, given, ty, &format!("`{name}`"));
                                }
                            }
                            output.complete.then_some(output.columns.len())
                        }
                        value => {
                            self.expr(part, value);
                            crate::places::width(value)
                        }
                    };
                    if let Some(given) = given.filter(|given| *given != names.len()) {
                        let message = format!("{given} values for {}", crate::query::columns(names.len()));
                        let help = "give each column one value".to_owned();
                        self.report_at(part, assignment.value.span(), Problem::WrongCount, message, Some(help));
                    }
                    if let Expr::Tuple(values) = &assignment.value {
                        for ((value, ty), name) in values.iter().zip(&types).zip(names) {
                            self.wanted(part, value, ty);
                            let given = self.type_of(part, value);
                            self.stored(part, value, &given, ty, &format!("`{name}`"));
                        }
                    }
                }
            }
        }
    }

    /// The row that is written to.
    fn target(&mut self, part: &Part<'_>, factor: &TableFactor) -> Source {
        match factor {
            TableFactor::Table { name, alias, .. } => self.table(part, name, alias.as_ref()),
            _ => Source::open(SmolStr::default()),
        }
    }

    fn update(&mut self, part: &Part<'_>, update: &Update) -> Output {
        self.levels.push(Level::default());
        let target = self.target(part, &update.table.relation);
        self.level().sources.push(target.clone());
        if let Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) = &update.from {
            self.tables(part, from);
        }
        self.assignments(part, &update.assignments, &target);
        if let Some(expr) = &update.selection {
            self.condition(part, "where", expr);
        }
        self.returning(part, update.returning.as_deref())
    }

    fn tables(&mut self, part: &Part<'_>, from: &[TableWithJoins]) {
        for table in from {
            self.table_with_joins(part, table);
        }
    }

    fn delete(&mut self, part: &Part<'_>, delete: &Delete) -> Output {
        self.levels.push(Level::default());
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        self.tables(part, from);
        if let Some(using) = &delete.using {
            self.tables(part, using);
        }
        if let Some(expr) = &delete.selection {
            self.condition(part, "where", expr);
        }
        self.returning(part, delete.returning.as_deref())
    }

    fn merge(&mut self, part: &Part<'_>, merge: &Merge) -> Output {
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
                MergeAction::Insert(insert) => self.merge_insert(part, insert, &target),
                MergeAction::Update(update) => {
                    if let MergeUpdateKind::Set(assignments) = &update.kind {
                        self.assignments(part, assignments, &target);
                    }
                }
                MergeAction::Delete { .. } | MergeAction::DoNothing { .. } => {}
            }
        }
        self.level().sources = both;
        match &merge.output {
            Some(OutputClause::Returning { select_items, .. } | OutputClause::Output { select_items, .. }) => {
                self.returning(part, Some(select_items))
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
        for row in &values.rows {
            for (at, expr) in row.content.iter().enumerate() {
                let (given, ty) = (self.expr(part, expr), types.get(at).unwrap_or(&None));
                self.no_aggregate(part, expr, "values");
                self.wanted(part, expr, ty);
                let what = insert.columns.get(at).map_or_else(|| "this column".to_owned(), |name| format!("`{name}`"));
                self.stored(part, expr, &given, ty, &what);
            }
            if !columns.is_empty() {
                let given = row.content.iter().map(|_| (SmolStr::default(), None)).collect();
                let output = Output { columns: given, complete: true };
                self.count(part, &SetExpr::Values(values.clone()), &columns, &output);
            }
        }
    }
}
