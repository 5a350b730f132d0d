//! What `from` brings into sight, and what joins say of it.

use super::scope::{Scope, Source, Star, Withs};
use super::{Column, Shapes};
use crate::environment::{Environment, Lookup};
use crate::text::folded;
use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified, TableName};
use specc_expr::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableFactor,
    TableWithJoins,
};

/// Which side of a join may be left empty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    None,
    Left,
    Right,
    Both,
}

impl Shapes<'_> {
    /// The rows of a join; what can be named without a row is returned. None where it cannot be read.
    pub(super) fn joined(&self, scope: &mut Scope<'_>, withs: &Withs, tree: &TableWithJoins) -> Option<Vec<Star>> {
        let first = scope.sources.len();
        let mut star = self.factor(scope, withs, &tree.relation)?;
        for join in &tree.joins {
            let start = scope.sources.len();
            // A lateral row sees those before it.
            scope.star.append(&mut star.clone());
            let right = self.factor(scope, withs, &join.relation);
            scope.star.truncate(scope.star.len() - star.len());
            let right = right?;
            let end = scope.sources.len();
            let (side, constraint) = match &join.join_operator {
                JoinOperator::Join(c) | JoinOperator::Inner(c) => (Side::None, Some(c)),
                JoinOperator::CrossJoin(c) => (Side::None, Some(c)),
                JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (Side::Right, Some(c)),
                JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (Side::Left, Some(c)),
                JoinOperator::FullOuter(c) => (Side::Both, Some(c)),
                _ => return None,
            };
            let shared: Vec<SmolStr> = match constraint {
                Some(JoinConstraint::Using(names)) => {
                    names.iter().filter(|name| specc_expr::join_alias(name).is_none()).filter_map(last).collect()
                }
                Some(JoinConstraint::Natural) => {
                    let names = right.iter().filter_map(|star| scope.starred(star)).map(|column| column.name);
                    names.filter(|name| star.iter().any(|star| is(scope, star, name))).collect()
                }
                _ => Vec::new(),
            };
            if let Some(JoinConstraint::On(condition)) = constraint {
                let before = scope.star.len();
                scope.star.extend(star.iter().chain(&right).cloned());
                let mut facts = std::collections::BTreeSet::new();
                super::certain::proves(scope, condition, &mut facts);
                scope.star.truncate(before);
                // Of rows that may be left empty alone, it holds where they are there; rows that are kept need not fit it.
                facts.retain(|(source, _)| match side {
                    Side::None => *source >= first,
                    Side::Right => *source >= start,
                    Side::Left => (first..start).contains(source),
                    Side::Both => false,
                });
                if side == Side::None {
                    scope.held.extend(&facts);
                }
                scope.joined.extend(facts);
            }
            let merged: Vec<Star> = shared.iter().filter_map(|name| merge(scope, side, &star, &right, name)).collect();
            if side == Side::None {
                for name in &shared {
                    let both = star.iter().chain(&right).filter(|star| is(scope, star, name));
                    let places: Vec<_> = both.filter_map(place).collect();
                    scope.held.extend(&places);
                    scope.joined.extend(places);
                }
            }
            let mut empty = |range: std::ops::Range<usize>| {
                scope.sources[range.clone()].iter_mut().for_each(|source| source.outer = true);
                scope.held.retain(|(source, _)| !range.contains(source));
            };
            if matches!(side, Side::Right | Side::Both) {
                empty(start..end);
            }
            if matches!(side, Side::Left | Side::Both) {
                empty(first..start);
            }
            let rest = |list: Vec<Star>| {
                list.into_iter().filter(|star| !shared.iter().any(|name| is(scope, star, name))).collect::<Vec<_>>()
            };
            let (left, right) = (rest(star), rest(right));
            // `using (…) as alias` is a row of these columns.
            if let Some(JoinConstraint::Using(names)) = constraint
                && let Some(alias) = names.iter().find_map(specc_expr::join_alias)
            {
                let columns = merged.iter().filter_map(|star| scope.starred(star)).collect();
                scope.sources.push(Source { name: folded(alias), columns, ..Source::default() });
            }
            star = merged;
            star.extend(left);
            star.extend(right);
        }
        Some(star)
    }

    fn factor(&self, scope: &mut Scope<'_>, withs: &Withs, factor: &TableFactor) -> Option<Vec<Star>> {
        let source = match factor {
            TableFactor::Table { name, args: Some(_), .. } if specc_expr::is_rows_from(name) => return None,
            TableFactor::Table { name, alias, args: None, with_ordinality, .. }
                if specc_expr::session_value(name).is_some() =>
            {
                self.function(scope, withs, name, &[], alias.as_ref(), *with_ordinality)
            }
            TableFactor::Table { name, alias, args: None, .. } => self.table(withs, name, alias.as_ref())?,
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                self.function(scope, withs, name, &args.args, alias.as_ref(), *with_ordinality)
            }
            TableFactor::Function { name, args, alias, with_ordinality, .. } => {
                self.function(scope, withs, name, args, alias.as_ref(), *with_ordinality)
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                let columns = match lateral {
                    true => self.query(subquery, Some(scope), withs)?,
                    false => self.query(subquery, scope.outer, withs)?,
                };
                let mut columns = passed(columns);
                if let [column] = &mut columns[..]
                    && specc_expr::is_form(&column.name)
                {
                    column.name = alias.as_ref().map_or_else(|| "?column?".into(), |alias| folded(&alias.name));
                }
                aliased(Source { columns, ..Source::default() }, alias.as_ref())
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
                let arrays = array_exprs.iter().map(|array| self.ty(scope, withs, array));
                let columns = arrays.flat_map(|ty| self.elements(ty)).collect();
                called(columns, alias.as_ref(), "unnest", *with_ordinality)
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let star = self.joined(scope, withs, table_with_joins)?;
                let Some(alias) = alias else { return Some(star) };
                let columns: Vec<Column> = star.iter().map(|star| scope.starred(star)).collect::<Option<_>>()?;
                aliased(Source { columns, ..Source::default() }, Some(alias))
            }
            _ => return None,
        };
        let at = scope.sources.len();
        let star = match source.open {
            true => vec![Star::Open],
            false => (0..source.columns.len()).map(|column| Star::Of(at, column)).collect(),
        };
        scope.sources.push(source);
        Some(star)
    }

    fn elements(&self, ty: Option<DataType>) -> Vec<Column> {
        let element = ty.map(|ty| DataType { dims: ty.dims.saturating_sub(1), args: Vec::new(), ..ty });
        let fields = element.as_ref().filter(|e| e.dims == 0).and_then(|e| self.known.fields(&e.schema, &e.name));
        match fields {
            Some(fields) => fields.into_iter().map(|field| computed(field.name, field.ty)).collect(),
            None => vec![computed("unnest".into(), element)],
        }
    }

    /// A relation, or a `with` query.
    fn table(&self, withs: &Withs, name: &ObjectName, alias: Option<&TableAlias>) -> Option<Source> {
        let names: Vec<SmolStr> = crate::find::idents(name)?.iter().map(|ident| folded(ident)).collect();
        let own = names.last().cloned().unwrap_or_default();
        if let [name] = &names[..]
            && let Some((_, columns)) = withs.iter().rev().find(|(with, _)| with == name)
        {
            let source = Source { name: name.clone(), columns: passed(columns.clone()), ..Source::default() };
            return Some(aliased(source, alias));
        }
        let relation = self.relation_named(&names)?;
        let table = TableName::new(&*relation.schema, &*relation.name);
        let columns = self.relation(&table);
        let column = |column: super::RelationColumn| Column {
            of: Some((relation.clone(), column.name.clone())),
            writes: Some(column.name.clone()),
            name: column.name,
            ty: column.ty,
            required: column.required,
            certain: column.certain,
        };
        let source = Source {
            name: own,
            schema: Some(relation.schema.clone()),
            open: columns.is_none(),
            columns: columns.unwrap_or_default().into_iter().map(column).collect(),
            relation: Some(relation.clone()),
            ..Source::default()
        };
        Some(aliased(source, alias))
    }

    /// The relation that a name means; one that the catalog does not have is taken to be in the first schema of the path.
    fn relation_named(&self, names: &[SmolStr]) -> Option<Qualified> {
        match names {
            [name] => {
                let path = self.known.path();
                let is = |schema: &&SmolStr| matches!(self.known.relation(schema, name), Lookup::Found(_));
                let schema = path.iter().find(is).or(path.first())?;
                Some(Qualified::new(schema.clone(), name.clone()))
            }
            [schema, name] => Some(Qualified::new(schema.clone(), name.clone())),
            _ => None,
        }
    }

    fn function(
        &self,
        scope: &Scope<'_>,
        withs: &Withs,
        name: &ObjectName,
        args: &[FunctionArg],
        alias: Option<&TableAlias>,
        ordinality: bool,
    ) -> Source {
        let names: Vec<SmolStr> =
            crate::find::idents(name).unwrap_or_default().iter().map(|ident| folded(ident)).collect();
        let own = names.last().cloned().unwrap_or_default();
        // `as t (a int, b text)` gives names and types to what has none.
        if let Some(alias) = alias.filter(|alias| alias.columns.iter().any(|column| column.data_type.is_some())) {
            let column = |c: &specc_expr::sqlparser::ast::TableAliasColumnDef| {
                let ty = c.data_type.as_ref().and_then(|ty| self.written_type(ty));
                computed(folded(&c.name), ty)
            };
            let columns = alias.columns.iter().map(column).collect();
            return Source { name: folded(&alias.name), columns, ..Source::default() };
        }
        let types: Vec<_> = args.iter().filter_map(|arg| self.argument_type(scope, withs, arg)).collect();
        let columns = if own == "unnest" && names.len() == 1 {
            types.into_iter().flat_map(|ty| self.elements(ty)).collect()
        } else {
            self.rows_of(&names, &types)
        };
        match columns.is_empty() {
            true => Source { open: true, ..called(columns, alias, &own, false) },
            false => called(columns, alias, &own, ordinality),
        }
    }

    /// The columns of the rows that a function gives.
    fn rows_of(&self, names: &[SmolStr], types: &[Option<DataType>]) -> Vec<Column> {
        if let Some(routine) = self.routine(names, types) {
            if !routine.columns.is_empty() {
                return routine.columns.into_iter().map(|column| computed(column.name, column.ty)).collect();
            }
            let fields = routine.returns.as_ref().and_then(|ty| {
                let fields = self.known.fields(&ty.schema, &ty.name);
                fields.filter(|_| ty.dims == 0)
            });
            if let Some(fields) = fields {
                return fields.into_iter().map(|field| computed(field.name, field.ty)).collect();
            }
        }
        let name = names.last().cloned().unwrap_or_default();
        if let Some((json, rest)) = name.split_once("_each").filter(|(json, _)| json.starts_with("json")) {
            let value = if rest.is_empty() { json } else { "text" };
            let key = computed("key".into(), Some(DataType::builtin("text")));
            return vec![key, computed("value".into(), Some(DataType::builtin(value)))];
        }
        let ty = self.called(names, types);
        // The one `out` parameter of these is called so.
        let shown = if name.starts_with("json") && name.contains("_array_elements") { "value".into() } else { name };
        ty.map(|ty| vec![computed(shown, Some(ty))]).unwrap_or_default()
    }
}

/// The expression that an argument is.
pub(super) fn argument(arg: &FunctionArg) -> Option<&Expr> {
    let arg = match arg {
        FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. } | FunctionArg::Unnamed(arg) => arg,
    };
    match arg {
        FunctionArgExpr::Expr(expr) => Some(expr),
        _ => None,
    }
}

pub(super) fn computed(name: SmolStr, ty: Option<DataType>) -> Column {
    Column { name, ty, ..Column::default() }
}

/// What a query in `from` gives: nothing is written through it.
fn passed(mut columns: Vec<Column>) -> Vec<Column> {
    columns.iter_mut().for_each(|column| column.writes = None);
    columns
}

fn called(mut columns: Vec<Column>, alias: Option<&TableAlias>, name: &str, ordinality: bool) -> Source {
    // The one column of a function has the function's alias as its name, unless an `out` parameter names it.
    if let (Some(alias), [column]) = (alias, &mut columns[..])
        && column.name == name
    {
        column.name = folded(&alias.name);
    }
    if ordinality {
        columns.push(Column { certain: true, ..computed("ordinality".into(), Some(DataType::builtin("bigint"))) });
    }
    aliased(Source { name: name.into(), columns, ..Source::default() }, alias)
}

/// Gives a row, and its first columns, the names of an alias.
fn aliased(mut source: Source, alias: Option<&TableAlias>) -> Source {
    let Some(alias) = alias else { return source };
    source.name = folded(&alias.name);
    source.schema = None;
    for (column, written) in source.columns.iter_mut().zip(&alias.columns) {
        column.name = folded(&written.name);
    }
    source
}

fn last(name: &ObjectName) -> Option<SmolStr> {
    let idents: Vec<&Ident> = crate::find::idents(name)?;
    idents.last().map(|ident| folded(ident))
}

fn is(scope: &Scope<'_>, star: &Star, name: &str) -> bool {
    match star {
        Star::Of(source, at) => scope.sources[*source].columns[*at].name == name,
        Star::Merged(column) => column.name == name,
        Star::Open => false,
    }
}

fn place(star: &Star) -> Option<(usize, usize)> {
    match star {
        Star::Of(source, at) => Some((*source, *at)),
        Star::Merged(_) | Star::Open => None,
    }
}

/// The one column that `using` makes of two: that of the side that is never left empty.
fn merge(scope: &Scope<'_>, side: Side, left: &[Star], right: &[Star], name: &str) -> Option<Star> {
    let find = |list: &[Star]| list.iter().find(|star| is(scope, star, name)).cloned();
    let (left, right) = (find(left)?, find(right)?);
    Some(match side {
        Side::None | Side::Right => left,
        Side::Left => right,
        Side::Both => {
            let (a, b) = (scope.starred(&left)?, scope.starred(&right)?);
            Star::Merged(Column { certain: a.certain && b.certain, ..computed(name.into(), a.ty) })
        }
    })
}
