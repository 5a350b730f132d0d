//! Views: what they need, what they give, and what is wrong in them.

use super::bodies::report;
use super::collect::Decls;
use super::environment::Known;
use super::items::object;
use super::names::Names;
use super::project::{Project, check_name, sorted};
use super::typeref::unknown;
use crate::formula::Formula;
use crate::types::*;
use crate::typing::Typing;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast;
use sqlparser::ast as sql;
use std::sync::Arc;

/// Views, which read entities, functions and each other; what is wrong in their queries is kept for later.
pub(crate) fn views(
    project: &Project<'_>,
    decls: &Decls<'_>,
    model: &mut Model,
    out: &mut Vec<Diagnostic>,
) -> Vec<ViewQuery> {
    let mut queries = Vec::with_capacity(decls.views.len());
    for (item, d) in &decls.views {
        project.check_schema(&d.name, out);
        let parsed = specc_expr::parse_query(&d.body.text, d.body.at.0);
        // What only Postgres reads is looked through word by word.
        let beyond = parsed.is_err() && specc_expr::is_beyond(&d.body.text);
        let tree = parsed.map_err(|found| (!beyond).then(|| out.push(found))).ok();
        // Who reads it could give a function of his own every row, before the query leaves some out.
        let keeps = project.options.derive && d.security_definer && !d.materialized;
        let barrier = d.security_barrier || keeps && tree.as_ref().is_none_or(leaves_out);
        queries.push(ViewQuery { tree, beyond, findings: Vec::new() });
        model.views.push(View {
            meta: project.meta_in(&item.doc, &d.name, d.was.as_ref()),
            name: project.qualified(&d.name),
            materialized: d.materialized,
            columns: d.columns.iter().map(|c| c.text.clone()).collect(),
            security_definer: d.security_definer,
            security_barrier: barrier,
            check_option: d.check_option.as_ref().map(|c| c.text.clone()),
            no_data: d.no_data,
            refresh: d.refresh.as_ref().map(|r| {
                super::platform::check_cron(r, out);
                r.value.clone()
            }),
            roles: project.roles(&d.roles, out),
            query: d.body.text.clone(),
            asks: None,
            depends: d.depends.iter().filter_map(|name| object(project, None, name, out)).collect(),
            output: vec![("*".into(), unknown())],
            classes: Vec::new(),
            indexes: Vec::new(),
            triggers: Vec::new(),
        });
    }
    let mut state = vec![Progress::Open; decls.views.len()];
    for at in 0..decls.views.len() {
        resolve(project, model, &mut queries, &mut state, at);
    }
    for (at, (_, d)) in decls.views.iter().enumerate() {
        let mut output = std::mem::take(&mut model.views[at].output);
        if !d.columns.is_empty() {
            name_columns(d, &mut output, out);
        }
        check_view(d, &output, out);
        let indexes = indexes(project, model, d, &output, out);
        let view = &mut model.views[at];
        view.output = output;
        view.indexes = indexes;
    }
    queries
}

/// Whether a query may leave out rows of what it reads.
fn leaves_out(query: &sql::Query) -> bool {
    let sql::SetExpr::Select(select) = query.body.as_ref() else { return true };
    let whole = match select.from.as_slice() {
        [one] => {
            one.joins.is_empty() && matches!(&one.relation, sql::TableFactor::Table { args: None, sample: None, .. })
        }
        _ => false,
    };
    let narrows = select.selection.is_some()
        || select.having.is_some()
        || matches!(select.distinct, Some(sql::Distinct::On(_)))
        || query.with.is_some()
        || query.limit_clause.is_some()
        || query.fetch.is_some();
    narrows || !whole
}

/// A view's query, and what resolving it found.
pub(crate) struct ViewQuery {
    tree: Option<sql::Query>,
    beyond: bool,
    findings: Vec<specc_analysis::Finding>,
}

#[derive(Clone, Copy, PartialEq)]
enum Progress {
    Open,
    Started,
    Done,
}

/// Resolves the query of a view; those that it reads come first, since it may give their columns.
fn resolve(project: &Project<'_>, model: &mut Model, queries: &mut [ViewQuery], state: &mut [Progress], at: usize) {
    let mut open = vec![at];
    while let Some(&at) = open.last() {
        if state[at] == Progress::Done || queries[at].tree.is_none() && !queries[at].beyond {
            state[at] = Progress::Done;
            open.pop();
            continue;
        }
        let known = Known::new(project, model);
        let found = specc_analysis::query(&known, &model.views[at].query);
        let mut depends = model.views[at].depends.clone();
        depends.extend(found.references.iter().filter_map(|reference| known.object(&reference.target)));
        depends.sort();
        depends.dedup();
        let first = state[at] == Progress::Open;
        state[at] = Progress::Started;
        let waiting = depends.iter().filter_map(|object| match object {
            Object::View(other) if first && state[*other] == Progress::Open => Some(*other),
            _ => None,
        });
        let waiting: Vec<usize> = waiting.collect();
        if !waiting.is_empty() {
            open.extend(waiting);
            continue;
        }
        let columns = found.columns.map(|columns| {
            let column =
                |(name, ty): (SmolStr, Option<DataType>)| (name, ty.map_or_else(unknown, |ty| known.type_of(&ty)));
            columns.into_iter().map(column).collect()
        });
        let view = &mut model.views[at];
        view.depends = depends;
        view.output = columns.unwrap_or_else(|| vec![("*".into(), unknown())]);
        queries[at].findings = found.findings;
        state[at] = Progress::Done;
        open.pop();
    }
}

/// What is wrong inside the views' queries, when all views are known.
pub(crate) fn check_views(typing: &Typing<'_>, decls: &Decls<'_>, queries: Vec<ViewQuery>, out: &mut Vec<Diagnostic>) {
    for ((_, d), query) in decls.views.iter().zip(queries) {
        let Some(tree) = &query.tree else { continue };
        let before = out.len();
        typing.query(tree, &d.body.text, d.body.at.0, out);
        // What was said of a type or a name is not said again.
        if !specc_diag::has_errors(&out[before..]) {
            report(query.findings, &d.body.text, d.body.at.0, out);
        }
    }
}

/// The columns' names, where the view gives its own.
fn name_columns(d: &ast::ViewDecl, output: &mut Vec<(SmolStr, Type)>, out: &mut Vec<Diagnostic>) {
    let complete = !output.is_empty() && output.iter().all(|(n, _)| n != "*");
    if complete && d.columns.len() > output.len() {
        let message =
            format!("`{}` names {} columns and its query gives {}", d.name.name.text, d.columns.len(), output.len());
        let span = d.columns[output.len()].at.0;
        out.push(Diagnostic::new(codes::BAD_VIEW, span, message).help("remove the names that are too many"));
    }
    let types: Vec<Type> = output.iter().map(|(_, ty)| ty.clone()).collect();
    let rest = output.split_off(output.len().min(d.columns.len()));
    *output = d
        .columns
        .iter()
        .enumerate()
        .map(|(at, name)| (name.text.clone(), types.get(at).filter(|_| complete).cloned().unwrap_or_else(unknown)))
        .collect();
    if complete {
        output.extend(rest);
    }
}

fn check_view(d: &ast::ViewDecl, output: &[(SmolStr, Type)], out: &mut Vec<Diagnostic>) {
    let name = &d.name.name.text;
    let mut bad = |span: Span, message: String, help: &str| {
        out.push(Diagnostic::new(codes::BAD_VIEW, span, message).help(help));
    };
    let mut seen = FxHashSet::default();
    for (column, _) in output.iter().filter(|(c, _)| c != "*" && c != "?column?") {
        if !seen.insert(column) {
            let at = d.body.text.rfind(column.as_str()).filter(|_| d.columns.is_empty());
            let span = at.map_or(d.name.span(), |at| d.body.at.0.slice(at, at + column.len()));
            bad(
                span,
                format!("view `{name}` has two columns called `{column}`"),
                "give one of them another name with `as`",
            );
        }
    }
    if d.materialized {
        if let Some(option) = &d.check_option {
            bad(option.at.0, "a materialized view cannot be written to".to_owned(), "remove `with check option`");
        }
        if d.security_definer || d.security_barrier {
            let help = "remove the `security` words; access to it is a matter of grants";
            bad(d.name.span(), format!("materialized view `{name}` has no security options"), help);
        }
        return;
    }
    if let Some(refresh) = &d.refresh {
        bad(refresh.at.0, "only a materialized view is refreshed".to_owned(), "write `materialized view`");
    }
    if d.no_data {
        bad(d.name.span(), "only a materialized view can be without data".to_owned(), "write `materialized view`");
    }
    if let Some(index) = d.indexes.first() {
        let span = index.elements.first().map_or(d.name.span(), |e| e.at.0);
        bad(span, "only a materialized view has indexes".to_owned(), "write `materialized view`, or index the entity");
    }
}

fn indexes(
    project: &Project<'_>,
    model: &Model,
    d: &ast::ViewDecl,
    output: &[(SmolStr, Type)],
    out: &mut Vec<Diagnostic>,
) -> Vec<Index> {
    let mut names = Names::default();
    d.indexes.iter().filter_map(|i| i.name.as_ref()).for_each(|n| names.reserve(&n.text));
    let complete = output.iter().all(|(n, _)| n != "*");
    let mut list = Vec::new();
    for i in &d.indexes {
        let span = i.elements.first().map_or(d.name.span(), |e| e.at.0);
        if let Some(name) = &i.name {
            check_name(name, out);
        }
        let mut elements = Vec::new();
        for element in &i.elements {
            let name = super::substitute::as_name(&element.expr.text);
            if element.is_column && complete && !output.iter().any(|(n, _)| *n == name) {
                let words = sorted(output.iter().map(|(n, _)| n.as_str()));
                let message = format!("view `{}` has no column `{name}`", d.name.name.text);
                let help = match specc_diag::nearest(&name, words.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it has {}", super::fields::list(&words)),
                };
                out.push(Diagnostic::new(codes::UNKNOWN_FIELD, element.expr.at.0, message).help(help));
                continue;
            }
            let Some(mut expr) = plain_sql(model, &element.expr, out) else { continue };
            expr.formula.ty = output.iter().find(|(n, _)| *n == name).map_or_else(unknown, |(_, ty)| ty.clone());
            elements.push(Element {
                on: On::Expr(Arc::new(expr)),
                collation: element.collate.as_ref().map(|c| project.collation(c, out)),
                opclass: element.opclass.as_ref().map(|c| project.bare(c)),
                desc: element.desc,
                nulls_first: element.nulls_first,
                span: element.at.0,
            });
        }
        let name = match &i.name {
            Some(name) => name.text.clone(),
            None => {
                let columns: Vec<SmolStr> = elements
                    .iter()
                    .filter_map(|e| {
                        if let On::Expr(e) = &e.on { Some(super::names::of_view_expression(&e.formula)) } else { None }
                    })
                    .collect();
                let columns = super::names::columns(columns.iter().map(SmolStr::as_str));
                names.choose(&d.name.name.text, Some(&columns), "idx")
            }
        };
        let filter = i.filter.as_ref().and_then(|raw| plain_sql(model, raw, out)).map(Arc::new);
        let method = i.method.as_ref().map_or_else(|| "btree".to_owned(), |m| m.text.to_lowercase());
        if super::constraints::known_method(project, &method, i.method.as_ref().map_or(span, |m| m.at.0), out).is_some()
        {
            super::stored::parameters(&i.with, Some(&method), out);
            for element in &elements {
                super::constraints::operator_class(project, model, element, &method, out);
            }
        }
        list.push(Index {
            meta: Meta {
                area: project.area(span),
                span,
                was: i.was.as_ref().map(|w| w.text.clone()),
                was_in: None,
                doc: i.doc.clone(),
            },
            name,
            unique: i.unique,
            method: method.into(),
            elements,
            include: i.include.iter().filter_map(|n| output.iter().position(|(o, _)| *o == n.text)).collect(),
            filter,
            options: i.with.clone(),
            nulls_not_distinct: i.nulls_not_distinct,
            span,
        });
    }
    list
}

/// SQL over the rows of a view, in which nothing of the spec has a name.
pub(super) fn plain_sql(model: &Model, raw: &ast::RawExpr, out: &mut Vec<Diagnostic>) -> Option<Expr> {
    match specc_expr::parse_expr(&raw.text, raw.at.0) {
        Ok(tree) => {
            let formula = Formula::of_sql(model, &tree, &raw.text, raw.at.0);
            Some(Expr { formula, text: raw.text.clone(), span: raw.at.0 })
        }
        Err(found) => {
            out.push(found);
            None
        }
    }
}
