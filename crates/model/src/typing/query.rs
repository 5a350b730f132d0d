//! Queries: what their `from` brings into view, and the columns that they give.

use super::calls::Args;
use super::expr::{Checker, From, Level, Source};
use super::functions::is_exact;
use super::kinds::{Ty, common};
use super::names::folded;
use super::resolve::{Outcome, resolve};
use crate::formula::{Meaning, Row};
use crate::types::*;
use smol_str::SmolStr;
use specc_expr::object_name;
use specc_facts::Kind;
use sqlparser::ast::{
    Distinct, Expr as Ast, FunctionArg, FunctionArgExpr, GroupByExpr, Ident, JoinConstraint, JoinOperator, LimitClause,
    NamedWindowExpr, ObjectName, OrderByKind, Query, Select, SelectItem, SetExpr, TableAlias, TableFactor,
    TableWithJoins,
};

/// Columns by name.
pub(crate) type Columns = Vec<(SmolStr, Ty)>;

impl Checker<'_> {
    /// A query inside an expression.
    pub(crate) fn subquery(&mut self, ast: &Ast, query: &Query) -> Option<Columns> {
        let span = self.span(ast);
        self.no_subquery(span, "a subquery");
        self.inside += 1;
        let aggregates = std::mem::take(&mut self.aggregates);
        let columns = self.query(query);
        self.aggregates = aggregates;
        self.inside -= 1;
        columns
    }

    /// The columns of a query; `None` where they cannot be known.
    pub(crate) fn query(&mut self, query: &Query) -> Option<Columns> {
        let own = self.with.len();
        if let Some(with) = &query.with {
            // What `search` and `cycle` add, the query before them has: of one that is recursive no columns are known.
            for cte in with.cte_tables.iter().filter(|cte| specc_expr::added_columns(cte).is_none()) {
                let name = folded(&cte.alias.name);
                if with.recursive {
                    self.with.push((name.clone(), Source::Opaque));
                }
                let columns = self.query(&cte.query);
                let source = match columns {
                    Some(columns) if !with.recursive => Source::Columns(renamed(columns, &cte.alias), true),
                    _ => Source::Opaque,
                };
                self.with.push((name, source));
            }
        }
        let columns = self.set(&query.body, Some(query));
        if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &query.limit_clause {
            for count in limit.iter().chain(offset.as_ref().map(|o| &o.value)) {
                self.expr(count);
            }
        }
        self.with.truncate(own);
        columns
    }

    fn set(&mut self, set: &SetExpr, query: Option<&Query>) -> Option<Columns> {
        match set {
            SetExpr::Select(select) => self.select(select, query),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, right, .. } => {
                let (a, b) = (self.set(left, None), self.set(right, None));
                let (a, b) = (a?, b?);
                if a.len() != b.len() {
                    return None;
                }
                let merge = |((name, x), (_, y)): ((SmolStr, Ty), (SmolStr, Ty))| {
                    (name, common(self.model, &[x, y]).unwrap_or(Ty::Opaque))
                };
                Some(a.into_iter().zip(b).map(merge).collect())
            }
            SetExpr::Values(values) => {
                let rows: Vec<Vec<Ty>> =
                    values.rows.iter().map(|row| row.content.iter().map(|e| self.expr(e)).collect()).collect();
                let width = rows.first()?.len();
                if rows.iter().any(|r| r.len() != width) {
                    return None;
                }
                let column = |i: usize| {
                    let types: Vec<Ty> = rows.iter().map(|r| r[i].clone()).collect();
                    let ty = common(self.model, &types).unwrap_or(Ty::Opaque);
                    (SmolStr::from(format!("column{}", i + 1)), text_if_literal(ty))
                };
                Some((0..width).map(column).collect())
            }
            _ => None,
        }
    }

    fn select(&mut self, select: &Select, query: Option<&Query>) -> Option<Columns> {
        self.levels.push(Level::default());
        for table in &select.from {
            self.table_with_joins(table);
        }
        for condition in [&select.selection, &select.having].into_iter().flatten() {
            let ty = self.expr(condition);
            self.condition(condition, &ty);
        }
        let mut columns: Option<Columns> = Some(Vec::new());
        for item in &select.projection {
            self.item(item, &mut columns);
        }
        let names: Vec<SmolStr> = columns.iter().flatten().map(|(n, _)| n.clone()).collect();
        if let GroupByExpr::Expressions(parts, _) = &select.group_by {
            for part in parts {
                self.unless_output(part, &names);
            }
        }
        if let Some(order) = query.and_then(|q| q.order_by.as_ref())
            && let OrderByKind::Expressions(parts) = &order.kind
        {
            for part in parts {
                self.unless_output(&part.expr, &names);
            }
        }
        if let Some(Distinct::On(parts)) = &select.distinct {
            for part in parts {
                self.unless_output(part, &names);
            }
        }
        for window in &select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &window.1 {
                for part in spec.partition_by.iter().chain(spec.order_by.iter().map(|o| &o.expr)) {
                    self.expr(part);
                }
            }
        }
        self.levels.pop();
        columns
    }

    /// An element of `order by` or `group by`: a column of the output, its number, or an expression.
    fn unless_output(&mut self, part: &Ast, names: &[SmolStr]) {
        let output = matches!(part, Ast::Identifier(i) if names.contains(&folded(i)));
        let grouping = matches!(part, Ast::GroupingSets(_) | Ast::Cube(_) | Ast::Rollup(_));
        if !output && !grouping && !matches!(part, Ast::Value(_)) {
            self.expr(part);
        }
    }

    fn item(&mut self, item: &SelectItem, columns: &mut Option<Columns>) {
        let (name, ty) = match item {
            SelectItem::UnnamedExpr(e) if specc_expr::row_of_star(e).is_some() => {
                self.expr(e);
                *columns = None;
                return;
            }
            SelectItem::UnnamedExpr(e) => (output_name(e), self.expr(e)),
            SelectItem::ExprWithAlias { expr, alias } => (folded(alias), self.expr(expr)),
            SelectItem::Wildcard(_) => {
                let from = self.levels.last().map(|l| l.from.clone()).unwrap_or_default();
                if from.iter().any(|f| f.merged) {
                    *columns = None;
                }
                for from in &from {
                    self.expand(from, columns);
                }
                return;
            }
            SelectItem::QualifiedWildcard(kind, _) => {
                let sqlparser::ast::SelectItemQualifiedWildcardKind::ObjectName(name) = kind else {
                    *columns = None;
                    return;
                };
                let from = self.levels.last().and_then(|l| l.from.iter().find(|f| is_called(f, name))).cloned();
                match from {
                    Some(from) => self.expand(&from, columns),
                    None => {
                        self.wildcard(name);
                        *columns = None;
                    }
                }
                return;
            }
            _ => {
                *columns = None;
                return;
            }
        };
        if let Some(columns) = columns {
            columns.push((name, text_if_literal(ty)));
        }
    }

    fn expand(&self, from: &From, columns: &mut Option<Columns>) {
        let Some(list) = columns else { return };
        match &from.source {
            Source::Entity(id) => {
                list.extend(self.model.entity(*id).fields.iter().map(|f| (f.name.clone(), Ty::of(&f.ty))));
            }
            Source::Columns(more, true) => list.extend(more.iter().cloned()),
            _ => *columns = None,
        }
    }

    fn table_with_joins(&mut self, table: &TableWithJoins) {
        self.factor(&table.relation);
        for join in &table.joins {
            self.factor(&join.relation);
            let constraint = match &join.join_operator {
                JoinOperator::Join(c)
                | JoinOperator::Inner(c)
                | JoinOperator::Left(c)
                | JoinOperator::LeftOuter(c)
                | JoinOperator::Right(c)
                | JoinOperator::RightOuter(c)
                | JoinOperator::FullOuter(c)
                | JoinOperator::CrossJoin(c) => c,
                _ => continue,
            };
            match constraint {
                JoinConstraint::On(condition) => {
                    let ty = self.expr(condition);
                    self.condition(condition, &ty);
                }
                JoinConstraint::Using(_) | JoinConstraint::Natural => {
                    if let Some(last) = self.levels.last_mut().and_then(|l| l.from.last_mut()) {
                        last.merged = true;
                    }
                    self.join_alias(constraint);
                }
                JoinConstraint::None => {}
            }
        }
    }

    /// `using (a, b) as alias`: a row of the columns that both sides share.
    fn join_alias(&mut self, constraint: &JoinConstraint) {
        let JoinConstraint::Using(names) = constraint else { return };
        let Some(alias) = names.iter().find_map(specc_expr::join_alias) else { return };
        let shared = names.iter().filter(|name| name.0.len() == 1).filter_map(|name| name.0[0].as_ident());
        let source = Source::Columns(shared.map(|name| (folded(name), Ty::Opaque)).collect(), true);
        self.push(From { alias: folded(alias), table: None, source, merged: true, row: None });
    }

    fn push(&mut self, from: From) {
        if let Some(level) = self.levels.last_mut() {
            level.from.push(from);
        }
    }

    fn factor(&mut self, factor: &TableFactor) {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => self.table(name, alias.as_ref()),
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                let args: Vec<&Ast> = args.args.iter().filter_map(argument).collect();
                self.table_function(name, alias.as_ref(), &args, *with_ordinality);
            }
            TableFactor::Function { name, alias, args, with_ordinality, .. } => {
                let args: Vec<&Ast> = args.iter().filter_map(argument).collect();
                self.table_function(name, alias.as_ref(), &args, *with_ordinality);
            }
            TableFactor::Derived { subquery, alias, .. } => {
                let columns = self.query(subquery);
                let source = match (columns, alias) {
                    (Some(columns), Some(alias)) => Source::Columns(renamed(columns, alias), true),
                    (Some(columns), None) => Source::Columns(columns, true),
                    _ => Source::Opaque,
                };
                self.push(From { alias: alias_name(alias.as_ref()), table: None, source, merged: false, row: None });
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
                let types: Vec<Ty> = array_exprs.iter().map(|e| self.expr(e)).collect();
                let elements: Columns = types.iter().map(|t| ("unnest".into(), self.element(t))).collect();
                self.push_columns(alias.as_ref(), "unnest", elements, *with_ordinality);
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => self.table_with_joins(table_with_joins),
            _ => self.push_opaque(None),
        }
    }

    fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) {
        let written = object_name(name);
        let mut view = None;
        let source = match &written {
            Some((None, name)) if self.with.iter().any(|(n, _)| n == name) => {
                self.with.iter().rev().find(|(n, _)| n == name).map_or(Source::Opaque, |(_, s)| s.clone())
            }
            Some((schema, _)) if self.no_schema(schema.as_deref(), name.0[0].as_ident()) => Source::Opaque,
            Some((schema, name)) => {
                let schema = schema.clone().unwrap_or_else(|| self.model.options.default_schema.clone());
                let wanted = Qualified { schema, name: name.clone() };
                view = self.typing.names().views.get(&wanted).copied();
                self.relation(&wanted, name_as_written(written.as_ref(), name))
            }
            None => Source::Opaque,
        };
        let table = match (&alias, written) {
            (None, Some((schema, name))) => {
                Some(Qualified { schema: schema.unwrap_or_else(|| self.model.options.default_schema.clone()), name })
            }
            _ => None,
        };
        if let Some(ident) = name.0[0].as_ident() {
            match (&source, view) {
                (Source::Entity(id), _) => self.meanings.name(ident, Meaning::Table(*id)),
                (_, Some(at)) => self.meanings.name(ident, Meaning::View(at)),
                _ => {}
            }
        }
        let source = match (source, alias) {
            (source, Some(alias)) if !alias.columns.is_empty() => match source {
                Source::Entity(id) => {
                    let fields = self.model.entity(id).fields.iter().map(|f| (f.name.clone(), Ty::of(&f.ty)));
                    Source::Columns(renamed(fields.collect(), alias), true)
                }
                Source::Columns(columns, all) => Source::Columns(renamed(columns, alias), all),
                Source::Opaque => Source::Opaque,
            },
            (source, _) => source,
        };
        let called = alias.map(|a| folded(&a.name)).or_else(|| table.as_ref().map(|t| t.name.clone()));
        if let (Some(called), Some(ident)) = (&called, name.0.last().and_then(|part| part.as_ident())) {
            self.hides_parameter(called, ident);
        }
        let row = match (&source, view, called) {
            (Source::Entity(id), _, Some(called)) => Some(Row::Query(called, *id)),
            (Source::Columns(..), Some(at), Some(called)) => Some(Row::View(called, at)),
            _ => None,
        };
        self.push(From { alias: alias_name(alias), table, source, merged: false, row });
    }

    fn relation(&self, name: &Qualified, only_default: bool) -> Source {
        if let Some(id) = self.model.index.entities.get(name) {
            return Source::Entity(*id);
        }
        if let Some(view) = self.typing.names().views.get(name) {
            let output = &self.model.views[*view].output;
            if !output.is_empty() {
                return Source::Columns(output.iter().map(|(n, t)| (n.clone(), Ty::of(t))).collect(), false);
            }
        }
        let _ = only_default;
        Source::Opaque
    }

    fn table_function(&mut self, name: &ObjectName, alias: Option<&TableAlias>, args: &[&Ast], ordinality: bool) {
        let types: Vec<Ty> = args.iter().map(|a| self.expr(a)).collect();
        let Some((schema, called)) = object_name(name) else {
            return self.push_opaque(alias);
        };
        let model = self.model;
        let places = self.functions(schema.as_deref(), &called);
        let functions: Vec<&Function> = places.iter().map(|at| &model.functions[*at]).collect();
        let given = Args { exprs: args.to_vec(), types: types.clone(), names: Vec::new(), loose: false };
        let own = schema.is_none() && self.is_postgres_own(&called, &functions, &given);
        let declared = match own {
            true => None,
            false => functions.iter().position(|f| is_exact(f, &given)).or(Some(0)).and_then(|at| places.get(at)),
        };
        if let (Some(at), Some(ident)) = (declared, name.0[0].as_ident()) {
            self.meanings.name(ident, Meaning::Function(*at));
        }
        if declared.is_none() {
            let variants = specc_facts::functions(&called).iter().filter(|v| v.kind == Kind::Function);
            if let Outcome::One(_, Ty::Known(ty)) | Outcome::Several(_, Ty::Known(ty)) =
                resolve(self.model, variants, &types, false)
            {
                return self.push_columns(alias, &called, vec![(called.clone(), Ty::Known(ty))], ordinality);
            }
        }
        self.push_opaque(alias);
    }

    fn push_opaque(&mut self, alias: Option<&TableAlias>) {
        self.push(From { alias: alias_name(alias), table: None, source: Source::Opaque, merged: false, row: None });
    }

    fn push_columns(&mut self, alias: Option<&TableAlias>, function: &str, columns: Columns, ordinality: bool) {
        let mut columns = columns;
        // The column of a function has the function's alias as its name.
        if let (Some(alias), [column]) = (alias, &mut columns[..]) {
            column.0 = folded(&alias.name);
        }
        if ordinality {
            columns.push(("ordinality".into(), Ty::builtin("bigint")));
        }
        let columns = alias.map_or(columns.clone(), |a| renamed(columns, a));
        let name = alias.map_or_else(|| function.into(), |a| folded(&a.name));
        // The whole row may be meant, too, so it is not closed.
        self.push(From { alias: name, table: None, source: Source::Columns(columns, false), merged: false, row: None });
    }

    /// `exists path (condition)`: the condition is about a row of `target`.
    pub(crate) fn exists_condition(&mut self, target: EntityId, condition: &Ast) {
        let row = Some(Row::Bound(self.bound));
        let from = From { alias: SmolStr::default(), table: None, source: Source::Entity(target), merged: false, row };
        self.bound += 1;
        self.levels.push(Level { from: vec![from] });
        self.inside += 1;
        let ty = self.expr(condition);
        self.condition(condition, &ty);
        self.inside -= 1;
        self.bound -= 1;
        self.levels.pop();
    }
}

fn name_as_written(written: Option<&(Option<SmolStr>, SmolStr)>, _: &SmolStr) -> bool {
    written.is_some_and(|w| w.0.is_none())
}

fn text_if_literal(ty: Ty) -> Ty {
    if ty == Ty::Literal { Ty::Opaque } else { ty }
}

fn argument(arg: &FunctionArg) -> Option<&Ast> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e))
        | FunctionArg::Named { arg: FunctionArgExpr::Expr(e), .. }
        | FunctionArg::ExprNamed { arg: FunctionArgExpr::Expr(e), .. } => Some(e),
        _ => None,
    }
}

fn alias_name(alias: Option<&TableAlias>) -> SmolStr {
    alias.map_or_else(SmolStr::default, |a| folded(&a.name))
}

fn is_called(from: &From, name: &ObjectName) -> bool {
    let Some((schema, name)) = object_name(name) else { return false };
    if from.alias.is_empty() {
        from.table.as_ref().is_some_and(|t| t.name == name && schema.is_none_or(|s| s == t.schema))
    } else {
        schema.is_none() && from.alias == name
    }
}

/// The columns with the names that an alias gives to the first of them.
fn renamed(mut columns: Columns, alias: &TableAlias) -> Columns {
    for (column, new) in columns.iter_mut().zip(&alias.columns) {
        column.0 = folded(&new.name);
    }
    columns
}

/// The name that Postgres gives to a column without an alias.
pub(crate) fn output_name(expr: &Ast) -> SmolStr {
    let of = |i: Option<&Ident>| i.map_or_else(|| "?column?".into(), folded);
    match expr {
        Ast::Identifier(i) => folded(i),
        Ast::CompoundIdentifier(parts) => of(parts.last()),
        Ast::Function(f) => of(f.name.0.last().and_then(|p| p.as_ident())),
        Ast::Nested(inner) | Ast::Collate { expr: inner, .. } => output_name(inner),
        Ast::Cast { expr: inner, data_type, .. } => match output_name(inner) {
            name if name == "?column?" => match data_type {
                sqlparser::ast::DataType::Custom(name, _) => {
                    object_name(name).map_or_else(|| "?column?".into(), |n| n.1)
                }
                other => other.to_string().to_lowercase().split('(').next().unwrap_or("?column?").into(),
            },
            name => name,
        },
        Ast::Case { .. } => "case".into(),
        Ast::Exists { .. } => "exists".into(),
        Ast::Array(_) => "array".into(),
        Ast::Extract { .. } => "extract".into(),
        _ => "?column?".into(),
    }
}
