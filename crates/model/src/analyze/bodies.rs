//! SQL bodies: what views and functions depend on, and what views give.

use super::collect::Decls;
use super::items::object;
use super::names::Names;
use super::project::{Project, Seen, check_length, sorted};
use super::typeref::unknown;
use crate::formula::Formula;
use crate::types::*;
use crate::typing::Typing;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};
use specc_syntax::ast;
use sqlparser::ast as sql;
use std::ops::ControlFlow;

/// Views, which read entities, functions and each other.
pub(crate) fn views(
    project: &Project<'_>,
    decls: &Decls<'_>,
    model: &mut Model,
    out: &mut Vec<Diagnostic>,
) -> Vec<Option<sql::Query>> {
    let mut queries = Vec::with_capacity(decls.views.len());
    for (item, d) in &decls.views {
        project.check_schema(&d.name, out);
        let parsed = match specc_expr::parse_query(&d.body.text, d.body.at.0) {
            Ok(query) => Some(query),
            Err(found) => {
                out.push(found);
                None
            }
        };
        let mut depends: Vec<Object> = d.depends.iter().filter_map(|name| object(project, None, name, out)).collect();
        let mut output = Vec::new();
        if let Some(query) = &parsed {
            references(project, query, &mut depends);
            let own = project.qualified(&d.name);
            if recurs(query, &own.name) {
                // What `create recursive view` makes: the query reads its own `with`, and no view.
                depends.retain(|object| project.relations.get(&own) != Some(object));
            }
            output = columns(project, model, query);
        }
        depends.sort();
        depends.dedup();
        if !d.columns.is_empty() {
            name_columns(d, &mut output, out);
        }
        check_view(d, &output, out);
        let name = project.qualified(&d.name);
        let indexes = indexes(project, model, d, &output, out);
        model.views.push(View {
            meta: project.meta_in(&item.doc, &d.name, d.was.as_ref()),
            name,
            materialized: d.materialized,
            columns: d.columns.iter().map(|c| c.text.clone()).collect(),
            security_definer: d.security_definer,
            security_barrier: d.security_barrier,
            check_option: d.check_option.as_ref().map(|c| c.text.clone()),
            no_data: d.no_data,
            refresh: d.refresh.as_ref().map(|r| {
                super::platform::check_cron(r, out);
                r.value.clone()
            }),
            roles: project.roles(&d.roles, out),
            query: d.body.text.clone(),
            depends,
            output,
            indexes,
            triggers: Vec::new(),
        });
        queries.push(parsed);
    }
    queries
}

/// What is wrong inside the views' queries, when all views are known.
pub(crate) fn check_views(
    typing: &Typing<'_>,
    decls: &Decls<'_>,
    queries: &[Option<sql::Query>],
    out: &mut Vec<Diagnostic>,
) {
    for ((_, d), query) in decls.views.iter().zip(queries) {
        if let Some(query) = query {
            typing.query(query, &d.body.text, d.body.at.0, out);
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
            check_length(name, out);
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
            let Ok(ast) = specc_expr::parse_expr(&element.expr.text, element.expr.at.0).map_err(|e| out.push(e)) else {
                continue;
            };
            let ty = output.iter().find(|(n, _)| *n == name).map_or_else(unknown, |(_, ty)| ty.clone());
            let formula = Formula::of_sql(model, &ast, &element.expr.text, element.expr.at.0);
            let formula = Formula { ty, ..formula };
            let expr = Expr { formula, text: element.expr.text.clone(), span: element.expr.at.0 };
            elements.push(Element {
                on: On::Expr(std::sync::Arc::new(expr)),
                collation: element.collate.as_ref().map(|c| project.bare(c)),
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
        let filter = i.filter.as_ref().and_then(|raw| match specc_expr::parse_expr(&raw.text, raw.at.0) {
            Ok(ast) => {
                let formula = Formula::of_sql(model, &ast, &raw.text, raw.at.0);
                Some(std::sync::Arc::new(Expr { formula, text: raw.text.clone(), span: raw.at.0 }))
            }
            Err(found) => {
                out.push(found);
                None
            }
        });
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
            method: i.method.as_ref().map_or_else(|| "btree".into(), |m| m.text.clone()),
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

/// What a function's body needs, where it is SQL; a plpgsql body is looked at by Postgres when it first runs.
pub(crate) fn function_depends(
    project: &Project<'_>,
    d: &ast::FunctionDecl,
    f: &Function,
    at: usize,
    out: &mut Vec<Diagnostic>,
) -> Vec<Object> {
    let mut depends: Vec<Object> = d.depends.iter().filter_map(|name| object(project, None, name, out)).collect();
    if f.language == "sql" {
        match specc_expr::parse_statements(&d.body.text, d.body.at.0) {
            Ok(statements) => references(project, &statements, &mut depends),
            Err(found) => out.push(found),
        }
    }
    let mut of_type = |ty: &Type| match ty.base {
        Base::Enum(id) => depends.push(Object::Enum(id)),
        Base::Domain(id) => depends.push(Object::Domain(id)),
        Base::Composite(id) => depends.push(Object::Composite(id)),
        Base::Row(id) => depends.push(Object::Entity(id)),
        Base::Named(ref name) => {
            if let Some(object) = project.relations.get(name) {
                depends.push(object.clone());
            }
        }
        _ => {}
    };
    for param in &f.params {
        of_type(&param.ty);
    }
    match &f.returns {
        Some(Returns::Type(ty) | Returns::SetOf(ty)) => of_type(ty),
        Some(Returns::Table(columns)) => columns.iter().for_each(|(_, ty)| of_type(ty)),
        _ => {}
    }
    depends.sort();
    depends.dedup();
    depends.retain(|o| *o != Object::Function(at));
    depends
}

/// Entities, views, sequences and functions of the spec that are named in the tree.
pub(crate) fn references(project: &Project<'_>, node: &impl sql::Visit, found: &mut Vec<Object>) {
    let _ = sql::visit_relations(node, |name: &sql::ObjectName| {
        if let Some(full) = qualified(project, name) {
            found.extend(project.relations.get(&full).cloned());
        }
        ControlFlow::<()>::Continue(())
    });
    let _ = sql::visit_expressions(node, |expr: &sql::Expr| {
        match expr {
            sql::Expr::Function(call) => {
                if let Some(full) = qualified(project, &call.name) {
                    function(project, &full, found);
                }
            }
            sql::Expr::Cast { data_type: sql::DataType::Custom(name, _), .. } => {
                if let Some(full) = qualified(project, name) {
                    match project.types.get(&full) {
                        Some(Base::Enum(id)) => found.push(Object::Enum(*id)),
                        Some(Base::Domain(id)) => found.push(Object::Domain(*id)),
                        Some(Base::Composite(id)) => found.push(Object::Composite(*id)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
    // functions that stand where a table stands
    let _ = sql::visit_relations(node, |name: &sql::ObjectName| {
        if let Some(full) = qualified(project, name) {
            function(project, &full, found);
        }
        ControlFlow::<()>::Continue(())
    });
}

/// Whether the query has a `with recursive` of this name.
fn recurs(query: &sql::Query, name: &str) -> bool {
    query.with.as_ref().is_some_and(|with| {
        let same = |ident: &sql::Ident| match ident.quote_style {
            Some(_) => ident.value == name,
            None => ident.value.to_lowercase() == name,
        };
        with.recursive && with.cte_tables.iter().any(|cte| same(&cte.alias.name))
    })
}

fn function(project: &Project<'_>, name: &Qualified, found: &mut Vec<Object>) {
    if let Some(list) = project.functions.get(name) {
        found.extend(list.iter().map(|at| Object::Function(*at)));
    } else if let Some(at) = project.provided_functions.get(name) {
        found.push(Object::Sql(*at));
    }
}

fn qualified(project: &Project<'_>, name: &sql::ObjectName) -> Option<Qualified> {
    let ident = |part: &sql::ObjectNamePart| {
        let ident = part.as_ident()?;
        let text = if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() };
        Some(SmolStr::from(text))
    };
    match name.0.as_slice() {
        [name] => Some(Qualified { schema: project.options.default_schema.clone(), name: ident(name)? }),
        [schema, name] => Some(Qualified { schema: ident(schema)?, name: ident(name)? }),
        _ => None,
    }
}

/// Names and, where they are plain columns, types of what a query gives.
fn columns(project: &Project<'_>, model: &Model, query: &sql::Query) -> Vec<(SmolStr, Type)> {
    let mut body = query.body.as_ref();
    for _ in 0..64 {
        match body {
            sql::SetExpr::SetOperation { left, .. } => body = left,
            sql::SetExpr::Query(inner) => body = &inner.body,
            _ => break,
        }
    }
    let sql::SetExpr::Select(select) = body else { return Vec::new() };
    let local: FxHashSet<String> =
        query.with.iter().flat_map(|w| w.cte_tables.iter().map(|c| c.alias.name.value.to_lowercase())).collect();
    let mut rows: Vec<(SmolStr, Option<EntityId>)> = Vec::new();
    for from in &select.from {
        for factor in std::iter::once(&from.relation).chain(from.joins.iter().map(|j| &j.relation)) {
            let sql::TableFactor::Table { name, alias, .. } = factor else {
                rows.push((SmolStr::default(), None));
                continue;
            };
            let full = qualified(project, name);
            let entity = full.as_ref().filter(|f| name.0.len() > 1 || !local.contains(f.name.as_str()));
            let entity = entity.and_then(|f| match project.relations.get(f) {
                Some(Object::Entity(id)) => Some(*id),
                _ => None,
            });
            let shown = match alias {
                Some(alias) => alias.name.value.as_str().into(),
                None => full.map(|f| f.name).unwrap_or_default(),
            };
            rows.push((shown, entity));
        }
    }
    let mut output = Vec::new();
    let all = |entity: Option<EntityId>, output: &mut Vec<(SmolStr, Type)>| match entity {
        Some(id) => output.extend(model.entity(id).fields.iter().map(|f| (f.name.clone(), f.ty.clone()))),
        None => output.push(("*".into(), unknown())),
    };
    for item in &select.projection {
        match item {
            sql::SelectItem::Wildcard(_) => rows.iter().for_each(|(_, e)| all(*e, &mut output)),
            sql::SelectItem::QualifiedWildcard(sql::SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let wanted = name.0.last().and_then(|p| p.as_ident()).map(|i| i.value.as_str()).unwrap_or_default();
                all(rows.iter().find(|(n, _)| n == wanted).and_then(|(_, e)| *e), &mut output);
            }
            sql::SelectItem::QualifiedWildcard(..) => all(None, &mut output),
            sql::SelectItem::UnnamedExpr(expr) => {
                output.push((crate::typing::output_name(expr), type_of(model, &rows, expr)));
            }
            sql::SelectItem::ExprWithAlias { expr, alias } => {
                output.push((alias.value.as_str().into(), type_of(model, &rows, expr)));
            }
            _ => output.push(("*".into(), unknown())),
        }
    }
    output
}

fn type_of(model: &Model, rows: &[(SmolStr, Option<EntityId>)], expr: &sql::Expr) -> Type {
    let field =
        |entity: EntityId, name: &str| model.field(entity, name).map(|at| model.entity(entity).fields[at].ty.clone());
    let found = match expr {
        sql::Expr::Identifier(name) => rows.iter().find_map(|(_, e)| field((*e)?, &name.value)),
        sql::Expr::CompoundIdentifier(names) => match names.as_slice() {
            [row, name] => rows.iter().find(|(n, _)| *n == row.value).and_then(|(_, e)| field((*e)?, &name.value)),
            _ => None,
        },
        _ => None,
    };
    found.unwrap_or_else(unknown)
}

/// Objects that need each other: no order of creation exists.
pub(crate) fn cycles(project: &Project<'_>, model: &Model, out: &mut Vec<Diagnostic>) {
    let mut edges: FxHashMap<Object, &[Object]> = FxHashMap::default();
    let mut places: Vec<(Object, String, Span)> = Vec::new();
    for (at, view) in model.views.iter().enumerate() {
        edges.insert(Object::View(at), &view.depends);
        places.push((Object::View(at), project.spell(&view.name), view.meta.span));
    }
    for (at, function) in model.functions.iter().enumerate() {
        edges.insert(Object::Function(at), &function.depends);
        places.push((Object::Function(at), project.spell(&function.name), function.meta.span));
    }
    for (at, block) in model.sql_blocks.iter().enumerate() {
        edges.insert(Object::Sql(at), &block.depends);
        places.push((Object::Sql(at), block.name.to_string(), block.meta.span));
    }
    let name_of: FxHashMap<Object, usize> = places.iter().enumerate().map(|(at, p)| (p.0.clone(), at)).collect();
    let mut reported: Seen<Object> = Seen::new();
    for (start, name, span) in &places {
        if reported.get(start).is_some() {
            continue;
        }
        // breadth first, so that the circle shown is a short one
        let mut from: FxHashMap<Object, Object> = FxHashMap::default();
        let mut open = std::collections::VecDeque::from([start.clone()]);
        while let Some(object) = open.pop_front() {
            for next in edges.get(&object).copied().unwrap_or_default() {
                if next == start {
                    let mut circle = vec![object.clone()];
                    while let Some(before) = from.get(&circle[circle.len() - 1]) {
                        circle.push(before.clone());
                    }
                    circle.reverse();
                    let mut nothing = Vec::new();
                    for member in &circle {
                        reported.add(member.clone(), *span, codes::DEPENDENCY_CYCLE, Default::default, &mut nothing);
                    }
                    let mut names: Vec<&str> =
                        circle.iter().filter_map(|o| name_of.get(o)).map(|at| places[*at].1.as_str()).collect();
                    names.push(name);
                    let message = format!("`{name}` needs itself: {}", names.join(" → "));
                    let mut finding = Diagnostic::new(codes::DEPENDENCY_CYCLE, *span, message);
                    for other in circle.iter().skip(1).filter_map(|o| name_of.get(o)) {
                        finding = finding.also(places[*other].2, "in the circle");
                    }
                    let help = "write one of them in plpgsql, which looks up names when it runs, or merge two of them";
                    out.push(finding.help(help));
                    open.clear();
                    break;
                }
                if edges.contains_key(next) && next != start && !from.contains_key(next) {
                    from.insert(next.clone(), object.clone());
                    open.push_back(next.clone());
                }
            }
        }
    }
}
