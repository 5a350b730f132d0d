//! The classes of the columns of views.

use crate::formula::{Formula, Node, Read, Row, Select};
use crate::types::*;
use specc_syntax::ast::DataClass;

/// How many views over each other, or queries in queries, are followed.
const DEEP: usize = 32;

/// A column of a view that passes on a column has its class.
pub(super) fn views(model: &mut Model) {
    let mut known: Vec<Option<Vec<Option<DataClass>>>> = vec![None; model.views.len()];
    for at in 0..model.views.len() {
        of_view(model, &mut known, at, 0);
    }
    for (view, classes) in model.views.iter_mut().zip(known) {
        view.classes = classes.unwrap_or_default();
    }
}

type Known = Vec<Option<Vec<Option<DataClass>>>>;

fn of_view(model: &Model, known: &mut Known, at: usize, depth: usize) {
    if known[at].is_some() || depth > DEEP {
        return;
    }
    let view = &model.views[at];
    known[at] = Some(vec![None; view.output.len()]);
    if let Some(Node::Sql(sql)) = view.asks.as_ref().map(|asks| &asks.formula.bare().node) {
        let classes = of_selects(model, known, &sql.selects, depth);
        if classes.len() == view.output.len() {
            known[at] = Some(classes);
        }
    }
}

/// The queries of a `union` give one column together.
fn of_selects(model: &Model, known: &mut Known, selects: &[Select], depth: usize) -> Vec<Option<DataClass>> {
    let mut classes: Vec<Option<DataClass>> = Vec::new();
    for select in selects {
        classes.resize(classes.len().max(select.output.len()), None);
        for (class, formula) in classes.iter_mut().zip(&select.output) {
            *class = (*class).max(of_formula(model, known, select, formula, depth));
        }
    }
    classes
}

fn of_formula(model: &Model, known: &mut Known, select: &Select, formula: &Formula, depth: usize) -> Option<DataClass> {
    match &formula.bare().node {
        Node::Column(Row::Query(_, entity), field) => model.entity(*entity).fields.get(*field)?.class,
        Node::Column(Row::View(_, view), column) => {
            of_view(model, known, *view, depth + 1);
            *known[*view].as_ref()?.get(*column)?
        }
        Node::Cast(cast) => of_formula(model, known, select, &cast.of, depth),
        Node::Name(name) if depth < DEEP => {
            let (column, from) = name.split_last()?;
            let fits = |table: &&crate::formula::From| from.is_empty() || from.last() == Some(&table.name);
            select.tables.iter().filter(fits).find_map(|table| {
                let Read::Query(inner) = &table.of else { return None };
                let at = inner.first()?.names.iter().position(|name| name == column)?;
                *of_selects(model, known, inner, depth + 1).get(at)?
            })
        }
        _ => None,
    }
}
