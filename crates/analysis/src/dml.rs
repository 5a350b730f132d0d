//! Statements that write.

use crate::environment::Filled;
use crate::find::idents;
use crate::scope::{Conflict, Level, Output, Source, Ty};
use crate::text::{Part, folded};
use crate::walk::Walk;
use crate::{Change, Problem, Target};
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_expr::sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, Expr, FromTable, Ident, Insert, ObjectName, OnConflictAction,
    OnInsert, Query, SelectItem, SetExpr, Spanned, Statement, TableFactor, TableObject, TableWithJoins, Update,
    UpdateTableFromKind, Value, Values,
};
use specc_expr::sqlparser::tokenizer::Span;

/// The columns that rows are inserted into.
struct TypedColumns<'a> {
    names: &'a [SmolStr],
    types: &'a [Ty],
}

impl<'a> TypedColumns<'a> {
    fn each(&self) -> impl Iterator<Item = (&'a SmolStr, &'a Ty)> {
        self.names.iter().zip(self.types)
    }
}

/// The names of what is written to: a column, and a field of it; and whether it is an element of that.
fn written(name: &ObjectName) -> Option<(bool, Vec<&Ident>)> {
    let mut written = idents(name)?;
    let is_element = written.last().is_some_and(|last| specc_expr::is_element(last));
    written.truncate(written.len() - usize::from(is_element));
    Some((is_element, written))
}

pub(crate) fn column_named(name: &ObjectName) -> SmolStr {
    written(name).and_then(|(_, all)| all.first().map(|ident| folded(ident))).unwrap_or_default()
}

/// As it is written.
pub(crate) fn shown(name: &ObjectName) -> String {
    let (_, all) = written(name).unwrap_or_default();
    all.iter().map(|ident| ident.to_string()).collect::<Vec<_>>().join(".")
}

pub(crate) fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}

/// Nothing stands around the rows.
fn is_plain(query: &Query) -> bool {
    query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none() && query.locks.is_empty()
}

/// `new.*`, `(row).*`: several values.
fn is_star(expr: &Expr) -> bool {
    matches!(expr, Expr::QualifiedWildcard(..)) || specc_expr::row_of_star(expr).is_some()
}

impl Walk<'_> {
    pub(crate) fn statement(&mut self, part: &Part<'_>, statement: &Statement) -> Output {
        self.out.acts |= matches!(
            statement,
            Statement::Insert(_)
                | Statement::Update(_)
                | Statement::Delete(_)
                | Statement::Merge(_)
                | Statement::Truncate(_)
                | Statement::CreateTable(_)
        );
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
                    let before = self.out.references.len();
                    self.relation(part, &table.name);
                    self.changes_since(before, Change::Delete);
                }
                Output::open()
            }
            Statement::Set(set) => {
                self.set_statement(part, set);
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
        let names: Vec<SmolStr> = match &columns[..] {
            [] => target.columns.iter().map(|column| column.name.clone()).collect(),
            columns => columns.iter().map(|(_, name)| column_named(name)).collect(),
        };
        self.changes(Change::Insert, &target);
        if let Some(source) = &insert.source {
            self.given_to(part, &target, &names, source.body.as_ref());
            // Each value of a row becomes one of its column by itself.
            let rows = match source.body.as_ref() {
                SetExpr::Values(values)
                    if is_plain(source) && !values.rows.iter().any(|row| row.content.iter().any(is_star)) =>
                {
                    Some((values, self.rows(part, values)))
                }
                _ => None,
            };
            let output = match (&rows, source.body.as_ref()) {
                (Some((_, types)), _) => {
                    let width = types.first().map_or(0, Vec::len);
                    Output { columns: vec![(SmolStr::default(), None); width], complete: true, ..Output::default() }
                }
                (None, SetExpr::Values(values)) if is_plain(source) => {
                    let mut rows: Vec<Output> =
                        values.rows.iter().map(|row| self.starred(part, &row.content)).collect();
                    rows.truncate(1);
                    rows.pop().unwrap_or_else(Output::open)
                }
                (None, _) => self.query(part, source),
            };
            let whole = target.relation.as_ref().filter(|_| insert.columns.is_empty());
            self.by_order(part.place(name.span()), whole, &output);
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
            let typed = TypedColumns { names: &names, types: &types };
            match &rows {
                Some((values, given)) => self.stored_values(part, values, given, &typed),
                None if output.complete => self.stored_query(part, insert, source, &output, &typed),
                None => {}
            }
            self.not_computed(part, &target, &names, insert, source.body.as_ref());
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
                self.changes(Change::Update, &target);
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

    /// A statement does something to rows of its target.
    pub(crate) fn changes(&mut self, change: Change, target: &Source) {
        self.out.changed.extend(target.relation.clone().map(|relation| (change, relation)));
    }

    /// The same of relations that were named since there were so many references.
    fn changes_since(&mut self, before: usize, change: Change) {
        let named = self.out.references[before..].iter().filter_map(|reference| match &reference.target {
            Target::Relation(relation) => Some((change, relation.clone())),
            _ => None,
        });
        let named: Vec<_> = named.collect();
        self.out.changed.extend(named);
    }

    /// The values that an insert gives to columns, as far as they are written one by one.
    fn given_to(&mut self, part: &Part<'_>, target: &Source, names: &[SmolStr], body: &SetExpr) {
        let rows: Vec<Vec<&Expr>> = match body {
            SetExpr::Values(values) => values.rows.iter().map(|row| row.content.iter().collect()).collect(),
            SetExpr::Select(select) => {
                let items: Vec<&Expr> =
                    select.projection.iter().filter_map(crate::grouping::item).map(|i| i.0).collect();
                if items.len() == select.projection.len() { vec![items] } else { Vec::new() }
            }
            _ => Vec::new(),
        };
        for row in rows {
            for (name, expr) in names.iter().zip(row.into_iter().take_while(|expr| !is_star(expr))) {
                self.stores(part, target, name, expr);
            }
        }
    }

    /// A column of a row of the target is given a value.
    fn stores(&mut self, part: &Part<'_>, target: &Source, column: &SmolStr, value: &Expr) {
        let stored = target.relation.clone().zip(part.place(value.span()));
        self.out.stored.extend(stored.map(|(relation, place)| (Target::Column(relation, column.clone()), place)));
    }

    /// What `returning` gives; the statement's rows go out of sight.
    pub(crate) fn returning(&mut self, part: &Part<'_>, items: Option<&[SelectItem]>) -> Output {
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
            None => Output { columns: Vec::new(), complete: true, ..Output::default() },
        };
        self.levels.pop();
        output
    }

    /// As many values as columns.
    pub(crate) fn count(&mut self, part: &Part<'_>, body: &SetExpr, columns: &[(Ty, &ObjectName)], output: &Output) {
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
                    let alone = row.content.iter().take_while(|expr| !is_star(expr));
                    alone.zip(types).for_each(|(expr, ty)| self.wanted(part, expr, ty));
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
    fn stored_values(&mut self, part: &Part<'_>, values: &Values, given: &[Vec<Ty>], columns: &TypedColumns<'_>) {
        for (row, given) in values.rows.iter().zip(given) {
            for ((expr, given), (name, ty)) in row.content.iter().zip(given).zip(columns.each()) {
                self.stored(part, expr, given, ty, &format!("column `{name}`"));
            }
        }
    }

    /// The columns of a query whose rows are inserted have types that the columns of the table take.
    fn stored_query(
        &mut self,
        part: &Part<'_>,
        insert: &Insert,
        source: &Query,
        output: &Output,
        columns: &TypedColumns<'_>,
    ) {
        let SetExpr::Select(select) = source.body.as_ref() else {
            return self.stored_columns(part, insert, output, columns);
        };
        let exprs: Vec<&Expr> = select.projection.iter().filter_map(crate::grouping::item).map(|i| i.0).collect();
        if exprs.len() != select.projection.len() || exprs.len() != output.columns.len() {
            return self.stored_columns(part, insert, output, columns);
        }
        for ((expr, (_, given)), (name, ty)) in exprs.into_iter().zip(&output.columns).zip(columns.each()) {
            self.stored(part, expr, given, ty, &format!("column `{name}`"));
        }
    }

    /// Columns of a query that are not written one by one.
    fn stored_columns(&mut self, part: &Part<'_>, insert: &Insert, output: &Output, columns: &TypedColumns<'_>) {
        if output.columns.len() != columns.names.len() {
            return;
        }
        for (at, ((_, given), (name, ty))) in output.columns.iter().zip(columns.each()).enumerate() {
            if let Some(area) = insert.columns.get(at).map(Spanned::span) {
                self.stored_at(part, area, given, ty, &format!("column `{name}`"));
            }
        }
    }

    /// Says where a column gets a value that Postgres gives it itself.
    fn not_computed(&mut self, part: &Part<'_>, target: &Source, names: &[SmolStr], insert: &Insert, body: &SetExpr) {
        let overriding = specc_expr::is_overriding(insert);
        for (at, name) in names.iter().enumerate() {
            let filled = self.filled(target, name);
            if filled == Filled::ByAnyone || filled == Filled::ByNumbers && overriding {
                continue;
            }
            let area = match body {
                SetExpr::Values(values) => {
                    let given = values.rows.iter().filter_map(|row| row.content.get(at));
                    given.filter(|expr| !is_default(expr)).map(Spanned::span).next()
                }
                SetExpr::Select(select) => match insert.columns.get(at) {
                    Some(name) => Some(name.span()),
                    // A star may end before it.
                    None if select.projection.iter().all(|item| crate::grouping::item(item).is_some()) => {
                        select.projection.get(at).map(Spanned::span)
                    }
                    None => None,
                },
                _ => insert.columns.get(at).map(Spanned::span),
            };
            if let Some(area) = area {
                self.computed(part, area, name, filled);
            }
        }
    }

    pub(crate) fn filled(&self, target: &Source, column: &str) -> Filled {
        let relation = target.relation.as_ref();
        relation.map_or(Filled::ByAnyone, |of| self.env.filled(&of.schema, &of.name, column))
    }

    pub(crate) fn computed(&mut self, part: &Part<'_>, area: Span, name: &str, filled: Filled) {
        // One finding is enough.
        if part.place(area).is_some_and(|(start, _)| self.out.findings.iter().any(|found| found.start == start)) {
            return;
        }
        let (message, help) = match filled {
            Filled::ByAnyone => return,
            Filled::ByNumbers => (
                format!("`{name}` is numbered by Postgres, and takes no value"),
                "leave it out, write `default`, or `overriding system value` before the values of an insert",
            ),
            Filled::ByExpression => {
                (format!("`{name}` is computed from the row, and takes no value"), "leave it out, or write `default`")
            }
        };
        self.report_at(part, area, Problem::Computed, message, Some(help.to_owned()));
    }

    /// A column that is written to: its first part names it. The type is not known where an element of it is.
    pub(crate) fn target_column(&mut self, part: &Part<'_>, name: &ObjectName, target: &Source) -> Ty {
        self.target_place(part, name, target).0
    }

    /// The type of what is written to, and where that is an element or a slice, the type of what that is one of.
    fn target_place(&mut self, part: &Part<'_>, name: &ObjectName, target: &Source) -> (Ty, Ty) {
        let Some((is_element, written)) = written(name) else { return (None, None) };
        let Some(place) = written.first().and_then(|first| part.place(first.span)) else { return (None, None) };
        let mut ty = self.column_of(target, place, &folded(written[0]));
        if let Some(field) = written.get(1) {
            ty = match (&ty, part.place(field.span)) {
                (Some(of), Some(place)) => self.field_of_type(of, place, &folded(field)),
                _ => None,
            };
        }
        if is_element { (None, ty) } else { (ty, None) }
    }

    /// A literal for an element of an array; one that may be for a slice of it is left alone.
    fn wanted_element(&mut self, part: &Part<'_>, expr: &Expr, of: &Ty) {
        let is_slice =
            matches!(expr, Expr::Value(v) if matches!(&v.value, Value::SingleQuotedString(t) if t.starts_with('{')));
        let element = of.clone().filter(|ty| ty.dims > 0 && !is_slice);
        self.wanted(part, expr, &element.map(|ty| DataType { dims: 0, args: Vec::new(), ..ty }));
    }

    /// A column that is written to is named once.
    pub(crate) fn each_once<'n>(&mut self, part: &Part<'_>, names: impl Iterator<Item = &'n ObjectName>) {
        let mut seen: Vec<SmolStr> = Vec::new();
        for name in names {
            // A part of a column may stand beside another part.
            let Some((false, written)) = written(name) else { continue };
            let [ident] = written[..] else { continue };
            let column = folded(ident);
            if seen.contains(&column) {
                let message = format!("column `{column}` is written twice");
                self.report_at(part, ident.span, Problem::Twice, message, Some("remove one of the two".into()));
            }
            seen.push(column);
        }
    }

    pub(crate) fn assignments(&mut self, part: &Part<'_>, assignments: &[Assignment], target: &Source) {
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
                    let (ty, element) = self.target_place(part, name, target);
                    self.writes_since(before);
                    self.stores(part, target, &column_named(name), &assignment.value);
                    let given = self.expr(part, &assignment.value);
                    self.wanted_element(part, &assignment.value, &element);
                    self.wanted(part, &assignment.value, &ty);
                    self.stored(part, &assignment.value, &given, &ty, &format!("`{}`", shown(name)));
                    if !is_default(&assignment.value) {
                        let column = column_named(name);
                        self.computed(part, assignment.value.span(), &column, self.filled(target, &column));
                    }
                }
                AssignmentTarget::Tuple(names) => {
                    let before = self.out.references.len();
                    let types: Vec<Ty> = names.iter().map(|name| self.target_column(part, name, target)).collect();
                    self.writes_since(before);
                    for name in names {
                        self.stores(part, target, &column_named(name), &assignment.value);
                    }
                    let given = match &assignment.value {
                        Expr::Subquery(query) => {
                            let output = self.query(part, query);
                            if output.complete && output.columns.len() == names.len() {
                                for ((name, ty), (_, given)) in names.iter().zip(&types).zip(&output.columns) {
                                    self.stored(part, &assignment.value, given, ty, &format!("`{}`", shown(name)));
                                }
                            }
                            output.complete.then_some(output.columns.len())
                        }
                        Expr::Tuple(values) => {
                            for (at, value) in values.iter().enumerate() {
                                let given = self.expr(part, value);
                                if let (Some(name), Some(ty)) = (names.get(at), types.get(at)) {
                                    self.wanted(part, value, ty);
                                    self.stored(part, value, &given, ty, &format!("`{}`", shown(name)));
                                }
                            }
                            Some(values.len())
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
                    for (at, name) in names.iter().enumerate() {
                        let given = match &assignment.value {
                            Expr::Tuple(values) => values.get(at),
                            value => Some(value),
                        };
                        if let Some(value) = given.filter(|value| !is_default(value)) {
                            let column = column_named(name);
                            self.computed(part, value.span(), &column, self.filled(target, &column));
                        }
                    }
                }
            }
        }
    }

    /// The row that is written to.
    pub(crate) fn target(&mut self, part: &Part<'_>, factor: &TableFactor) -> Source {
        match factor {
            TableFactor::Table { name, alias, .. } => self.table(part, name, alias.as_ref()),
            _ => Source::open(SmolStr::default()),
        }
    }

    fn update(&mut self, part: &Part<'_>, update: &Update) -> Output {
        self.levels.push(Level::default());
        let target = self.target(part, &update.table.relation);
        self.changes(Change::Update, &target);
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
        for target in self.level().sources.clone() {
            self.changes(Change::Delete, &target);
        }
        if let Some(using) = &delete.using {
            self.tables(part, using);
        }
        if let Some(expr) = &delete.selection {
            self.condition(part, "where", expr);
        }
        self.returning(part, delete.returning.as_deref())
    }
}
