//! The query of `from`: what it gives to each field of a new entity, and whether it reads one table row by row.

use super::Typing;
use super::expr::{Checker, From, Level, Source};
use super::kinds::Ty;
use super::names::folded;
use super::place::Place;
use crate::formula::{Builder, Formula, Node};
use crate::past;
use crate::scope::Scope;
use crate::types::*;
use smol_str::SmolStr;
use specc_catalog::TableName;
use specc_diag::{Diagnostic, Span, codes};
use specc_expr::{expr_span, ident_span, object_name};
use specc_facts::{Kind, Volatility};
use sqlparser::ast::{
    Expr as Ast, GroupByExpr, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier, TableFactor,
    visit_expressions,
};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The query of an entity, as text and tree.
pub(crate) struct Asked<'q> {
    pub entity: EntityId,
    pub query: &'q Query,
    pub text: &'q str,
    pub at: Span,
    /// What it names may be gone by now.
    pub gone: bool,
}

/// A value of the query, by the name that it has in it.
struct Item<'q> {
    name: Option<SmolStr>,
    span: Span,
    /// None: a column of `*`.
    ast: Option<&'q Ast>,
}

impl Typing<'_> {
    /// What the query gives; what is wrong with it goes to `out`.
    pub(crate) fn origin(&self, asked: &Asked<'_>, out: &mut Vec<Diagnostic>) -> Option<Origin> {
        let mut selects = Vec::new();
        let walked = is_walked(asked.query) && parts(&asked.query.body, &mut selects);
        let sources: Option<Vec<_>> = selects.iter().map(|select| self.only_table(select)).collect();
        match sources {
            Some(sources) if walked => self.walked(asked, &selects, sources, out),
            _ => self.whole(asked, out),
        }
    }

    /// A query that Postgres reads as a whole.
    fn whole(&self, asked: &Asked<'_>, out: &mut Vec<Diagnostic>) -> Option<Origin> {
        let scope = Scope::default();
        let place = Place::Origin { gone: asked.gone };
        let mut checker = Checker::new(self, &scope, asked.text, asked.at, place, out);
        checker.inside = 1;
        let Some(given) = checker.query(asked.query) else {
            let message = "the columns of this query cannot be known here";
            let help = "name each of them: `select … as field, …`";
            out.push(Diagnostic::new(codes::ORIGIN_MISMATCH, asked.at, message).help(help));
            return None;
        };
        let names = given.iter().map(|(name, _)| Item { name: Some(name.clone()), span: asked.at, ast: None });
        let columns = self.fields(asked, &names.collect::<Vec<_>>(), out)?;
        for ((name, ty), field) in given.iter().zip(&columns) {
            let field = &self.model.entity(asked.entity).fields[*field];
            let checker = Checker::new(self, &scope, asked.text, asked.at, place, out);
            if !checker.may_assign(ty, &field.ty) {
                let (found, wanted) = (checker.words(ty), checker.words(&Ty::of(&field.ty)));
                let message = format!("`{name}` of the query is `{found}`, and the field is `{wanted}`");
                let help = format!("cast it in the query: `{name}::{wanted} as {name}`");
                out.push(Diagnostic::new(codes::TYPE_MISMATCH, asked.at, message).help(help));
            }
        }
        Some(Origin { span: asked.at, query: asked.text.trim().into(), columns, branches: Vec::new() })
    }

    /// A query whose parts each read one table.
    fn walked(
        &self,
        asked: &Asked<'_>,
        selects: &[&Select],
        sources: Vec<(Qualified, SmolStr)>,
        out: &mut Vec<Diagnostic>,
    ) -> Option<Origin> {
        let (mut branches, mut columns) = (Vec::new(), None);
        let mut simple = true;
        for (select, (table, alias)) in selects.iter().zip(sources) {
            let source = self.columns_before(&table, asked, select, out)?;
            let items = items(select, &source, asked);
            // The first part names the columns.
            let fields: &Vec<FieldIx> = match &mut columns {
                Some(fields) => fields,
                none => none.insert(self.fields(asked, &items, out)?),
            };
            if items.len() != fields.len() {
                let message = format!("this part gives {} columns, and the first one {}", items.len(), fields.len());
                let help = "give each part of the `union all` the same columns, in the same order";
                let span = items.first().map_or(asked.at, |item| item.span);
                out.push(Diagnostic::new(codes::ORIGIN_MISMATCH, span, message).help(help));
                return None;
            }
            let fields = fields.clone();
            let level = From { alias: alias.clone(), table: None, source, merged: false, row: None };
            let mut value = |item: &Item<'_>, want: Option<&Type>, out: &mut Vec<Diagnostic>| {
                let Some(ast) = item.ast else { return column_of(item) };
                let (expr, walks) = self.value(ast, &level, want, asked, out);
                simple &= walks;
                expr
            };
            let entity = self.model.entity(asked.entity);
            let values =
                items.iter().zip(&fields).map(|(item, field)| value(item, Some(&entity.fields[*field].ty), out));
            let values = values.collect();
            let filter = select.selection.as_ref().map(|ast| {
                let item = Item { name: None, span: expr_span(ast, asked.text, asked.at), ast: Some(ast) };
                value(&item, None, out)
            });
            branches.push(Branch { table, alias, values, filter });
        }
        if !simple {
            branches.clear();
        }
        Some(Origin { span: asked.at, query: asked.text.trim().into(), columns: columns?, branches })
    }

    /// An expression over a row of the source, and whether it is worked out from that row alone, and the same each time.
    fn value(
        &self,
        ast: &Ast,
        source: &From,
        want: Option<&Type>,
        asked: &Asked<'_>,
        out: &mut Vec<Diagnostic>,
    ) -> (ExprRef, bool) {
        let scope = Scope::default();
        let mut checker = Checker::new(self, &scope, asked.text, asked.at, Place::Origin { gone: asked.gone }, out);
        checker.inside = 1;
        checker.levels.push(Level { from: vec![source.clone()] });
        let ty = checker.expr(ast);
        match want {
            Some(want) => checker.assign(ast, &ty, want),
            None => checker.condition(ast, &ty),
        }
        let meanings = checker.meanings;
        let formula = Builder::new(self.model, &meanings, &scope, asked.text, asked.at).formula(ast);
        let walks = is_of_one_row(ast, &formula);
        let span = expr_span(ast, asked.text, asked.at);
        let (start, end) = ((span.start - asked.at.start) as usize, (span.end - asked.at.start) as usize);
        let text = asked.text.get(start..end).unwrap_or_default().into();
        (Arc::new(Expr { formula, text, span }), walks)
    }

    /// The table that a part reads, where it reads one and nothing else, and how it calls it.
    fn only_table(&self, select: &Select) -> Option<(Qualified, SmolStr)> {
        let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
        let [from] = &select.from[..] else { return None };
        let rest = select.distinct.is_some() || grouped || select.having.is_some() || !from.joins.is_empty();
        let TableFactor::Table { name, alias, args: None, sample: None, .. } = &from.relation else { return None };
        if rest || alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
            return None;
        }
        let (schema, name) = object_name(name)?;
        let schema = schema.unwrap_or_else(|| self.model.options.default_schema.clone());
        let table = Qualified { schema, name };
        if self.names().views.contains_key(&table) {
            return None;
        }
        let alias = alias.as_ref().map_or_else(|| table.name.clone(), |alias| folded(&alias.name));
        Some((table, alias))
    }

    /// The columns of a table: those of now, and those that go.
    fn columns_before(
        &self,
        table: &Qualified,
        asked: &Asked<'_>,
        select: &Select,
        out: &mut Vec<Diagnostic>,
    ) -> Option<Source> {
        let model = self.model;
        let ty = |ty: Option<Type>| ty.map_or(Ty::Opaque, |ty| Ty::of(&ty));
        if let Some(id) = model.index.entities.get(table) {
            let entity = model.entity(*id);
            let mut all: Vec<_> = entity.fields.iter().map(|f| (f.name.clone(), Ty::of(&f.ty))).collect();
            all.extend(past::gone_columns(model, *id).into_iter().map(|(name, of)| (name, ty(of))));
            return Some(Source::Columns(all, !asked.gone));
        }
        let name = TableName::new(table.schema.clone(), table.name.clone());
        let last = model.options.last.as_deref();
        if let Some(before) = last.and_then(|last| past::table(last, &name)) {
            let all = before.columns.iter().map(|c| (c.name.clone(), ty(past::type_of(model, &c.ty))));
            return Some(Source::Columns(all.collect(), !asked.gone));
        }
        if asked.gone || self.sql_mentions(&table.name) {
            return Some(Source::Opaque);
        }
        let span = select.from.first().and_then(|from| match &from.relation {
            TableFactor::Table { name, .. } => name.0.last().and_then(|part| part.as_ident()),
            _ => None,
        });
        let span = span.map_or(asked.at, |ident| ident_span(ident, asked.text, asked.at));
        let message = format!("nothing here is called `{}`, and nothing was in the last state", table.name);
        let names = model.entities.iter().map(|entity| entity.name.name.as_str());
        let help = specc_diag::nearest(&table.name, names).map_or_else(
            || "name an entity, or a table that this change drops".into(),
            |n| format!("did you mean `{n}`?"),
        );
        out.push(Diagnostic::new(codes::ORIGIN_UNKNOWN, span, message).help(help));
        None
    }

    /// The fields that the values go to; what does not fit is said.
    fn fields(&self, asked: &Asked<'_>, items: &[Item<'_>], out: &mut Vec<Diagnostic>) -> Option<Vec<FieldIx>> {
        let entity = self.model.entity(asked.entity);
        let mut fields = Vec::with_capacity(items.len());
        let before = out.len();
        for item in items {
            let Some(name) = &item.name else {
                let message = "this value has no name, so it goes to no field";
                let help = "name it after its field: `… as field`";
                out.push(Diagnostic::new(codes::ORIGIN_MISMATCH, item.span, message).help(help));
                continue;
            };
            let found = entity.fields.iter().position(|field| field.name == *name);
            let Some(at) = found else {
                let message = format!("`{}` has no field `{name}`", entity.name.name);
                let names = entity.fields.iter().map(|field| field.name.as_str());
                let help = specc_diag::nearest(name, names).map_or_else(
                    || format!("name it after its field: `{name} as field`"),
                    |n| format!("did you mean `{n}`?"),
                );
                out.push(Diagnostic::new(codes::ORIGIN_MISMATCH, item.span, message).help(help));
                continue;
            };
            if fields.contains(&at) {
                let message = format!("the query gives `{name}` twice");
                out.push(Diagnostic::new(codes::ORIGIN_MISMATCH, item.span, message).help("leave one of them out"));
            }
            fields.push(at);
        }
        (out.len() == before).then_some(fields)
    }
}

/// Nothing but its parts: no order, no limit, no `with`.
fn is_walked(query: &Query) -> bool {
    query.with.is_none() && query.limit_clause.is_none() && query.fetch.is_none() && query.locks.is_empty()
}

/// The parts of a `union all`.
fn parts<'q>(set: &'q SetExpr, out: &mut Vec<&'q Select>) -> bool {
    match set {
        SetExpr::Select(select) => {
            out.push(select);
            true
        }
        SetExpr::SetOperation { op: SetOperator::Union, set_quantifier: SetQuantifier::All, left, right } => {
            parts(left, out) && parts(right, out)
        }
        SetExpr::Query(query) => is_walked(query) && query.order_by.is_none() && parts(&query.body, out),
        _ => false,
    }
}

/// The values of a part; `*` is all columns.
fn items<'q>(select: &'q Select, source: &Source, asked: &Asked<'_>) -> Vec<Item<'q>> {
    let mut all = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(ast) => {
                let name = match ast {
                    Ast::Identifier(ident) => Some(folded(ident)),
                    Ast::CompoundIdentifier(idents) => idents.last().map(folded),
                    _ => None,
                };
                all.push(Item { name, span: expr_span(ast, asked.text, asked.at), ast: Some(ast) });
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                let span = expr_span(expr, asked.text, asked.at);
                all.push(Item { name: Some(folded(alias)), span, ast: Some(expr) });
            }
            _ => {
                let columns = match source {
                    Source::Columns(columns, _) => columns.as_slice(),
                    _ => &[],
                };
                all.extend(columns.iter().map(|(name, _)| Item {
                    name: Some(name.clone()),
                    span: asked.at,
                    ast: None,
                }));
            }
        }
    }
    all
}

/// A column of `*`.
fn column_of(item: &Item<'_>) -> ExprRef {
    let name = item.name.clone().unwrap_or_default();
    let formula = Formula::word(&name, item.span);
    Arc::new(Expr { formula, text: name, span: item.span })
}

/// Whether the value is worked out from one row, and is the same whenever that is asked.
fn is_of_one_row(ast: &Ast, formula: &Formula) -> bool {
    if formula.volatility == Volatility::Volatile {
        return false;
    }
    let looks_beyond = visit_expressions(ast, |part| match part {
        Ast::Subquery(_) | Ast::Exists { .. } | Ast::InSubquery { .. } => ControlFlow::Break(()),
        Ast::Function(call) if call.over.is_some() => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    let mut plain = looks_beyond.is_continue();
    formula.visit(|part| {
        plain &= match &part.node {
            Node::Call(call) => {
                call.declared.is_some()
                    || !specc_facts::functions(&call.function.name).iter().any(|it| it.kind != Kind::Function)
            }
            Node::Sql(sql) => !sql.query,
            Node::Exists(_) | Node::AsIs(_) | Node::Viewer | Node::ViewerField(_) | Node::Claim(_) => false,
            _ => true,
        };
    });
    plain
}
