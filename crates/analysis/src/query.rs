//! Queries.

use crate::find::{idents, place};
use crate::scope::{Conflict, Level, Output, Ty};
use crate::text::{Part, folded};
use crate::walk::Walk;
use crate::{Carried, Problem, Stars, Target};
use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};
use specc_expr::sqlparser::ast::{
    DataType as SqlType, Distinct, Expr, GroupByExpr, Ident, LimitClause, NamedWindowExpr, ObjectName, OrderBy,
    OrderByExpr, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Spanned, Value,
    Values, WindowFrameBound, WindowSpec,
};
use specc_expr::sqlparser::tokenizer::Span;
use specc_expr::{AddedColumns, RowOfStar};

/// Resolves a query.
pub(crate) fn query(walk: &mut Walk<'_>, part: &Part<'_>, query: &Query) -> Output {
    walk.query(part, query)
}

impl Walk<'_> {
    pub(crate) fn query(&mut self, part: &Part<'_>, query: &Query) -> Output {
        self.depth += 1;
        self.queries += 1;
        let output = if self.deep() { Output::open() } else { self.query_here(part, query) };
        self.queries -= 1;
        self.depth -= 1;
        output
    }

    fn query_here(&mut self, part: &Part<'_>, query: &Query) -> Output {
        let before = self.with.len();
        if let Some(with) = &query.with {
            self.queries += 1;
            for (at, cte) in with.cte_tables.iter().enumerate() {
                let name = folded(&cte.alias.name);
                if let Some(clause) = specc_expr::added_columns(cte) {
                    self.added_columns(part, with.recursive, &clause);
                    continue;
                }
                let clauses = with.cte_tables[at + 1..].iter().map_while(specc_expr::added_columns);
                let more: Vec<SmolStr> = clauses.flat_map(|clause| clause.added).map(folded).collect();
                if self.with[before..].iter().any(|(other, _)| *other == name) {
                    let message = format!("there are two `with` queries `{name}`");
                    let help = "give one of the two another name".to_owned();
                    self.report_at(part, cte.alias.name.span, Problem::Twice, message, Some(help));
                }
                let names: Vec<SmolStr> = cte.alias.columns.iter().map(|column| folded(&column.name)).collect();
                let output = match &*cte.query.body {
                    SetExpr::SetOperation { left, right, .. } if with.recursive && cte.query.with.is_none() => {
                        let first = self.set(part, left, None);
                        let first = self.renamed(part, first, &cte.alias.name, &names);
                        let mut inner = first.clone();
                        inner.complete &= more.is_empty();
                        self.with.push((name.clone(), inner));
                        self.set(part, right, None);
                        self.with.pop();
                        first
                    }
                    _ if with.recursive => {
                        self.with.push((name.clone(), Output::open()));
                        let output = self.query(part, &cte.query);
                        self.with.pop();
                        self.renamed(part, output, &cte.alias.name, &names)
                    }
                    _ => {
                        let output = self.query(part, &cte.query);
                        self.renamed(part, output, &cte.alias.name, &names)
                    }
                };
                self.with.push((name, output));
            }
            self.queries -= 1;
        }
        let output = self.set(part, &query.body, query.order_by.as_ref());
        self.numbers(part, query.order_by.as_ref(), &output);
        self.locked(part, query);
        self.out.acts |= !query.locks.is_empty();
        match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                limit.iter().for_each(|expr| self.row_count(part, "limit", expr));
                offset.iter().for_each(|offset| self.row_count(part, "offset", &offset.value));
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                self.expr(part, offset);
                self.expr(part, limit);
            }
            None => {}
        }
        self.with.truncate(before);
        output
    }

    /// `search … set o`, `cycle … set c using p`: the columns that the last `with` query has besides its own.
    fn added_columns(&mut self, part: &Part<'_>, recursive: bool, clause: &AddedColumns<'_>) {
        let Some((name, mut output)) = self.with.pop() else { return };
        if let Some(first) = clause.by.first().filter(|_| !recursive) {
            let message =
                format!("the `with` query `{name}` is not recursive, and is neither searched nor looked at for cycles");
            let help = "write `with recursive`".to_owned();
            self.report_at(part, first.span, Problem::NotHere, message, Some(help));
        }
        for ident in &clause.by {
            let wanted = folded(ident);
            if let Some(place) = part.place(ident.span).filter(|_| output.complete)
                && !output.columns.iter().any(|(own, _)| *own == wanted)
            {
                let names = output.columns.iter().map(|(own, _)| own.clone()).collect();
                self.unknown_column(place, &wanted, &name, names);
            }
        }
        for (at, ident) in clause.added.iter().enumerate() {
            let added = folded(ident);
            if output.columns.iter().any(|(own, _)| *own == added) {
                let message = format!("the `with` query `{name}` has a column `{added}` already");
                self.report_at(
                    part,
                    ident.span,
                    Problem::Twice,
                    message,
                    Some("give the new column another name".into()),
                );
            }
            output.columns.push((added, plain("boolean").filter(|_| clause.flag && at == 0)));
        }
        self.with.push((name, output));
    }

    /// The output with other names for its first columns: `with r (a, b) as`, `(select …) as r (a, b)`.
    pub(crate) fn renamed(&mut self, part: &Part<'_>, mut output: Output, alias: &Ident, names: &[SmolStr]) -> Output {
        if output.complete && names.len() > output.columns.len() {
            let message = format!("`{}` has {}, and {} names", alias.value, columns(output.columns.len()), names.len());
            let help = "give each column one name".to_owned();
            self.report_at(part, alias.span, Problem::WrongCount, message, Some(help));
        }
        if !names.is_empty() {
            self.by_order(part.place(alias.span), None, &output);
            output.stars = Stars::default();
        }
        for (at, name) in names.iter().enumerate() {
            match output.columns.get_mut(at) {
                Some((old, _)) => *old = name.clone(),
                None => output.columns.push((name.clone(), None)),
            }
        }
        output
    }

    fn set(&mut self, part: &Part<'_>, set: &SetExpr, order: Option<&OrderBy>) -> Output {
        self.depth += 1;
        let output = if self.deep() { Output::open() } else { self.set_here(part, set, order) };
        self.depth -= 1;
        output
    }

    fn set_here(&mut self, part: &Part<'_>, set: &SetExpr, order: Option<&OrderBy>) -> Output {
        match set {
            SetExpr::Select(select) => self.select(part, select, order),
            // In parentheses it is no other query.
            SetExpr::Query(query) => {
                self.queries -= 1;
                let output = self.query(part, query);
                self.queries += 1;
                output
            }
            SetExpr::SetOperation { left: left_set, right: right_set, .. } => {
                let (left, right) = (left_set, right_set);
                let area = right.span();
                let (left, right) = (self.set(part, left, None), self.set(part, right, None));
                let (a, b) = (left.columns.len(), right.columns.len());
                if left.complete && right.complete && a != b {
                    let message = format!("the queries give {} and {}", columns(a), columns(b));
                    let help = "let each give the same columns, in the same order";
                    self.report_at(part, area, Problem::WrongCount, message, Some(help.into()));
                }
                let complete = left.complete && right.complete && left.columns.len() == right.columns.len();
                let stars = self.united(part.place(area), &left, &right);
                if complete {
                    for (at, (a, b)) in left.columns.iter().zip(&right.columns).enumerate() {
                        self.one_column(part, area, at, &a.1, &b.1);
                    }
                }
                let literals = [literals(left_set), literals(right_set)];
                let types = right.columns.into_iter().map(|(_, ty)| ty).chain(std::iter::repeat(None));
                let columns = left.columns.into_iter().zip(types).enumerate().map(|(at, ((name, a), b))| {
                    // A literal is read as what the other side gives.
                    let [x, y] = literals.each_ref().map(|list| list.get(at).copied().flatten());
                    match (x, y) {
                        (None, Some(expr)) => self.wanted(part, expr, &a),
                        (Some(expr), None) => self.wanted(part, expr, &b),
                        _ => {}
                    }
                    let text =
                        |expr: &Expr| matches!(expr, Expr::Value(v) if matches!(v.value, Value::SingleQuotedString(_)));
                    let ty = match (x, y) {
                        (Some(x), Some(y)) if text(x) && text(y) => plain("text"),
                        (None, Some(_)) => a,
                        (Some(_), None) => b,
                        _ => a.clone().filter(|_| a == b),
                    };
                    (name, ty)
                });
                Output { columns: columns.collect(), complete, stars }
            }
            SetExpr::Values(values) => {
                let types = self.rows(part, values);
                let width = types.first().map_or(0, Vec::len);
                let column = |at: usize| {
                    let rows = values.rows.iter().zip(&types);
                    let given =
                        || rows.clone().filter_map(|(row, types)| Some((row.content.get(at)?, types.get(at)?.clone())));
                    let one = crate::expr::common(given());
                    // Literals are read as what the others are.
                    given().for_each(|(expr, _)| self.wanted(part, expr, &one));
                    (SmolStr::from(format!("column{}", at + 1)), one)
                };
                Output { columns: (0..width).map(column).collect(), complete: true, ..Output::default() }
            }
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => self.statement(part, statement),
            SetExpr::Table(_) => Output::open(),
        }
    }

    /// The types of the values in rows of them.
    pub(crate) fn rows(&mut self, part: &Part<'_>, values: &Values) -> Vec<Vec<Ty>> {
        let mut types: Vec<Vec<Ty>> = Vec::new();
        for row in &values.rows {
            types.push(row.content.iter().map(|expr| self.expr(part, expr)).collect());
            row.content.iter().for_each(|expr| self.no_aggregate(part, expr, "values"));
            if values.rows.len() > 1 {
                row.content.iter().for_each(|expr| self.no_set(part, expr, "values"));
            }
        }
        let width = types.first().map_or(0, Vec::len);
        if let Some(at) = types.iter().position(|row| row.len() != width) {
            let message = format!("the rows of `values` have {width} and {} values", types[at].len());
            if let Some(area) = values.rows[at].content.last().map(Spanned::span) {
                let help = "give each row as many values".to_owned();
                self.report_at(part, area, Problem::WrongCount, message, Some(help));
            }
        }
        types
    }

    fn select(&mut self, part: &Part<'_>, select: &Select, order: Option<&OrderBy>) -> Output {
        let windows = select.named_window.iter().map(|window| folded(&window.0)).collect();
        self.levels.push(Level { windows: Some(windows), ..Level::default() });
        for table in &select.from {
            self.table_with_joins(part, table);
        }
        if let Some(expr) = &select.selection {
            self.condition(part, "where", expr);
        }
        let output = self.projection(part, &select.projection);
        if let GroupByExpr::Expressions(parts, _) = &select.group_by {
            for expr in parts {
                // A column of a table comes before one of the output.
                let Expr::Identifier(ident) = expr else {
                    self.expr(part, expr);
                    continue;
                };
                let name = folded(ident);
                let in_tables = self
                    .levels
                    .last()
                    .is_some_and(|l| l.sources.iter().any(|s| !s.complete || s.column(&name).is_some()));
                if in_tables || !output.columns.iter().any(|(n, _)| *n == name) {
                    self.expr(part, expr);
                }
            }
        }
        if let Some(expr) = &select.having {
            self.condition(part, "having", expr);
        }
        for window in &select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &window.1 {
                self.window(part, spec);
            }
        }
        if let Some(Distinct::On(parts)) = &select.distinct {
            for expr in parts {
                self.unless_output(part, expr, &output);
            }
        }
        if let Some(OrderByKind::Expressions(parts)) = order.map(|order| &order.kind) {
            for expr in parts {
                self.unless_output(part, &expr.expr, &output);
            }
        }
        self.aggregates(part, select, order, &output);
        self.distinct_order(part, select, order);
        self.levels.pop();
        output
    }

    /// An element of `order by`: a column of the output, its number, or an expression.
    fn unless_output(&mut self, part: &Part<'_>, expr: &Expr, output: &Output) {
        let named = matches!(expr, Expr::Identifier(i) if output.columns.iter().any(|(n, _)| *n == folded(i)));
        if !named {
            self.expr(part, expr);
        }
    }

    pub(crate) fn window(&mut self, part: &Part<'_>, spec: &WindowSpec) {
        for expr in &spec.partition_by {
            self.expr(part, expr);
        }
        self.order(part, &spec.order_by);
        if let Some(frame) = &spec.window_frame {
            for bound in std::iter::once(&frame.start_bound).chain(&frame.end_bound) {
                if let WindowFrameBound::Preceding(Some(expr)) | WindowFrameBound::Following(Some(expr)) = bound {
                    self.expr(part, expr);
                }
            }
        }
    }

    pub(crate) fn order(&mut self, part: &Part<'_>, parts: &[OrderByExpr]) {
        for expr in parts {
            self.expr(part, &expr.expr);
        }
    }

    /// What a list of columns, or `returning`, gives.
    pub(crate) fn projection(&mut self, part: &Part<'_>, items: &[SelectItem]) -> Output {
        let mut output = Output { columns: Vec::new(), complete: true, ..Output::default() };
        output.stars.beside = items.len() > 1;
        for item in items {
            let known = output.columns.len();
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    if let Some(row) = specc_expr::row_of_star(expr) {
                        self.fields_of_row(part, row, &mut output);
                        continue;
                    }
                    let before = self.out.references.len();
                    let ty = self.expr(part, expr);
                    match expr {
                        Expr::QualifiedWildcard(..) | Expr::Wildcard(..) => output.complete = false,
                        _ => {
                            let name = output_name(expr);
                            self.carries_since(before, &name, items.len() == 1);
                            output.columns.push((name, ty));
                        }
                    }
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let ty = self.expr(part, expr);
                    output.columns.push((folded(alias), ty));
                }
                SelectItem::Wildcard(options) => {
                    let star = part.place(options.wildcard_token.0.span);
                    let level = self.levels.last();
                    let merged = level.is_some_and(|l| l.natural || !l.merged.is_empty());
                    let sources = level.map(|l| l.sources.clone()).unwrap_or_default();
                    output.complete &= !merged;
                    for source in sources.iter().filter(|source| !source.named_only) {
                        self.expand(source, star, &mut output);
                    }
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    let star = part.place(options.wildcard_token.0.span);
                    self.row_star(part, name, star, &mut output);
                }
                _ => output.complete = false,
            }
            if self.view && self.queries == 1 {
                self.kept_columns(part, item.span(), &output.columns[known..]);
            }
        }
        output
    }

    /// Says where the outermost query of a view gives what no column can hold.
    fn kept_columns(&mut self, part: &Part<'_>, area: Span, columns: &[(SmolStr, Ty)]) {
        let pseudo = |ty: &Ty| ty.as_ref().filter(|ty| crate::catalog::is_pseudo(ty)).map(ToString::to_string);
        let Some((name, word)) = columns.iter().find_map(|(name, ty)| Some((name, pseudo(ty)?))) else { return };
        let (message, help) = match word.starts_with("record") {
            true => (
                format!("`{name}` is a row that is of no table and of no type, and a view cannot keep it (`{word}`)"),
                "name its columns, give `to_jsonb(…)` of it, or cast it to a composite type",
            ),
            false => (format!("`{name}` is no value, and a view cannot keep it (`{word}`)"), "remove it"),
        };
        self.report_at(part, area, Problem::Unkept, message, Some(help.into()));
    }

    /// What a row of `values` with stars in it gives.
    pub(crate) fn starred(&mut self, part: &Part<'_>, row: &[Expr]) -> Output {
        let mut output = Output { columns: Vec::new(), complete: true, ..Output::default() };
        output.stars.beside = row.len() > 1;
        for expr in row {
            match (expr, specc_expr::row_of_star(expr)) {
                (_, Some(row)) => self.fields_of_row(part, row, &mut output),
                (Expr::QualifiedWildcard(name, star), _) => {
                    self.row_star(part, name, part.place(star.0.span), &mut output);
                }
                _ => {
                    let ty = self.expr(part, expr);
                    output.columns.push((output_name(expr), ty));
                }
            }
        }
        output
    }

    /// `(row).*`
    fn fields_of_row(&mut self, part: &Part<'_>, row: RowOfStar<'_>, output: &mut Output) {
        let ty = self.row_of_star(part, row);
        let of = ty.as_ref().map(|ty| Qualified::new(ty.schema.clone(), ty.name.clone()));
        let fields = ty.and_then(|ty| {
            let relation = self.env.relation(&ty.schema, &ty.name).found();
            self.env.fields(&ty.schema, &ty.name).filter(|_| relation.is_none_or(|relation| relation.complete))
        });
        output.stars.of.extend(of);
        match fields {
            Some(fields) => output.columns.extend(fields.into_iter().map(|column| (column.name, column.ty))),
            None => output.complete = false,
        }
    }

    fn row_star(&mut self, part: &Part<'_>, name: &ObjectName, star: Option<(usize, usize)>, output: &mut Output) {
        let Some(written) = idents(name) else {
            output.complete = false;
            return;
        };
        let mut names: Vec<SmolStr> = written.iter().map(|ident| folded(ident)).collect();
        names.push("*".into());
        if let Some((level, at, used)) = self.source_of(&names) {
            let source = self.levels[level].sources[at].clone();
            if !source.named_only && self.is_of_variable(&names) {
                if self.conflict == Conflict::Variable {
                    output.complete = false;
                    return;
                }
                if let Some(place) = place(part, &written) {
                    self.alias_of_variable(place, &names.join("."));
                }
            }
            self.refer_to_source(&source, place(part, &written[..used]));
            return self.expand(&source, star, output);
        }
        output.complete = false;
        if self.variable(&names[0]).is_none() && written.len() == 1 {
            self.name(part, &written);
        }
    }

    /// All columns of a row.
    pub(crate) fn expand(&mut self, source: &crate::scope::Source, star: Option<(usize, usize)>, output: &mut Output) {
        output.complete &= source.complete;
        source.give_stars(&mut output.stars);
        if let Some(relation) = &source.relation {
            self.refer_at(star, Target::Columns(relation.clone()));
            let place = if self.queries <= 1 { Carried::Outermost } else { Carried::Inner };
            self.out.carried.push((Target::Columns(relation.clone()), place));
        }
        output.columns.extend(source.columns.iter().map(|column| (column.name.clone(), column.ty.clone())));
    }

    /// The source of this level and the name of the column that an expression is.
    pub(crate) fn own_column(&self, expr: &Expr) -> Option<(usize, SmolStr)> {
        let level = self.levels.last()?;
        match expr {
            Expr::Identifier(ident) => {
                let name = folded(ident);
                let mut found = level.sources.iter().enumerate().filter(|(_, s)| s.column(&name).is_some());
                let (at, _) = found.next()?;
                found.next().is_none().then_some((at, name))
            }
            Expr::CompoundIdentifier(parts) => {
                let [row, name] = &parts[..] else { return None };
                let (row, name) = (folded(row), folded(name));
                let at = level.sources.iter().position(|s| s.name == row)?;
                level.sources[at].column(&name).is_some().then_some((at, name))
            }
            Expr::Nested(inner) => self.own_column(inner),
            _ => None,
        }
    }
}

/// `1 column`, `2 columns`
pub(crate) fn columns(count: usize) -> String {
    if count == 1 { "1 column".into() } else { format!("{count} columns") }
}

/// The name that Postgres gives to a column without an alias.
pub(crate) fn output_name(expr: &Expr) -> SmolStr {
    match expr {
        Expr::Identifier(ident) => folded(ident),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded).unwrap_or_default(),
        Expr::CompoundFieldAccess { root, access_chain } => {
            use specc_expr::sqlparser::ast::AccessExpr;
            let fields = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(expr) => Some(output_name(expr)),
                AccessExpr::Subscript(_) => None,
            });
            fields.unwrap_or_else(|| output_name(root))
        }
        Expr::Function(call) => {
            call.name.0.last().and_then(|p| p.as_ident()).map(folded).unwrap_or_else(|| "?column?".into())
        }
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => output_name(inner),
        Expr::Cast { expr: inner, data_type, .. } => match output_name(inner) {
            name if name == "?column?" || name == "case" => type_name(data_type).unwrap_or(name),
            name => name,
        },
        Expr::TypedString(typed) => type_name(&typed.data_type).unwrap_or_else(|| "?column?".into()),
        Expr::Case { else_result, .. } => match else_result.as_deref().map(output_name) {
            Some(name) if name != "?column?" => name,
            _ => "case".into(),
        },
        Expr::Exists { .. } => "exists".into(),
        Expr::Array(_) => "array".into(),
        Expr::Extract { .. } => "extract".into(),
        Expr::Subquery(query) => subquery_name(query),
        Expr::Tuple(_) => "row".into(),
        Expr::Ceil { .. } => "ceil".into(),
        Expr::Floor { .. } => "floor".into(),
        Expr::Position { .. } => "position".into(),
        Expr::Substring { .. } => "substring".into(),
        Expr::Overlay { .. } => "overlay".into(),
        Expr::Trim { .. } => "btrim".into(),
        Expr::AtTimeZone { .. } => "timezone".into(),
        Expr::Interval(_) => "interval".into(),
        Expr::Value(value) => match value.value {
            specc_expr::sqlparser::ast::Value::Boolean(_) => "bool".into(),
            _ => "?column?".into(),
        },
        _ => "?column?".into(),
    }
}

/// The literals in the columns of a query that has a list of them.
fn literals(set: &SetExpr) -> Vec<Option<&Expr>> {
    let SetExpr::Select(select) = set else { return Vec::new() };
    let literal =
        |expr: &Expr| matches!(expr, Expr::Value(v) if matches!(v.value, Value::SingleQuotedString(_) | Value::Null));
    // Behind a star nobody counts.
    let items = select.projection.iter().map_while(crate::grouping::item);
    items.map(|(expr, _)| Some(expr).filter(|expr| literal(expr))).collect()
}

/// A subquery as a value has the name of its one column.
fn subquery_name(query: &Query) -> SmolStr {
    match &*query.body {
        SetExpr::Select(select) => match &select.projection[..] {
            [SelectItem::UnnamedExpr(expr)] => output_name(expr),
            [SelectItem::ExprWithAlias { alias, .. }] => folded(alias),
            _ => "?column?".into(),
        },
        _ => "?column?".into(),
    }
}

/// The internal name of a type, which a column of a cast has.
fn type_name(data_type: &SqlType) -> Option<SmolStr> {
    if let SqlType::Custom(name, _) = data_type {
        return name.0.last().and_then(|p| p.as_ident()).map(folded);
    }
    let name = crate::types::spelled(data_type);
    match specc_facts::canonical_type(&name) {
        Some(known) => Some(specc_facts::internal_type_name(known).into()),
        None => (!name.contains(' ')).then(|| name.into()),
    }
}

/// A built-in type.
pub(crate) fn plain(name: &str) -> Ty {
    Some(DataType::builtin(name))
}
