//! Views and materialized views.

use super::tables::{class, exprs_of, key_over};
use super::types::{constant, storage_options, table_name};
use super::{Room, depends};
use specc_catalog as catalog;
use specc_catalog::{Entry, KeyOn};
use specc_model::formula::Node;
use specc_model::{Element, Model, On, View};

pub(super) fn lower(room: &mut Room) {
    let model = room.model;
    for view in &model.views {
        let object = catalog::View {
            view: table_name(&view.name),
            columns: view.columns.clone(),
            query: view.query.trim().trim_end_matches(';').trim_end().into(),
            materialized: view.materialized,
            // A materialized view reads once, as its owner: there is nobody to ask on whose behalf.
            security_invoker: !view.security_definer && !view.materialized,
            security_barrier: view.security_barrier,
            check_option: view.check_option.clone(),
            no_data: view.no_data,
        };
        let depends = depends::declared(model, &view.depends, "its query reads or calls it");
        if let Some(mut entry) = room.entry(object, &view.meta, depends) {
            let columns = view.output.iter().zip(&view.classes);
            entry.classes = columns.filter_map(|((name, _), found)| Some((name.clone(), class((*found)?)))).collect();
            room.add(entry, view.meta.span);
        }
        indexes(room, view);
    }
}

fn indexes(room: &mut Room, view: &View) {
    let model = room.model;
    for index in &view.indexes {
        let mut entry = Entry::new(catalog::Index {
            table: table_name(&view.name),
            name: index.name.clone(),
            unique: index.unique,
            method: index.method.clone(),
            keys: index.elements.iter().map(|e| key_over(over(model, view, e), e)).collect(),
            include: index.include.iter().filter_map(|at| column(view, *at)).collect(),
            filter: index.filter.as_deref().map(|f| constant(model, f)),
            options: storage_options(&index.options),
            nulls_not_distinct: index.nulls_not_distinct,
        });
        for expr in exprs_of(index.elements.iter(), index.filter.as_ref()) {
            entry.depends.extend(room.lookup.of_expr(model, expr));
        }
        entry.comment = index.meta.doc.clone();
        entry.area = view.meta.area.clone();
        room.add(entry, index.span);
    }
}

/// The columns of a view are those of its output.
fn over(model: &Model, view: &View, element: &Element) -> KeyOn {
    match &element.on {
        On::Field(at) => KeyOn::Column(column(view, *at).unwrap_or_default()),
        On::Expr(expr) => match &expr.formula.node {
            Node::Name(name) if name.len() == 1 => KeyOn::Column(name[0].clone()),
            _ => KeyOn::Expr(constant(model, expr)),
        },
    }
}

fn column(view: &View, at: usize) -> Option<smol_str::SmolStr> {
    view.output.get(at).map(|(name, _)| name.clone())
}
