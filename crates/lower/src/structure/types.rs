//! Types: those that the spec makes, and how any type is said in the catalog.

use super::{Room, table_of};
use crate::expr;
use crate::types::data_type;
use smol_str::SmolStr;
use specc_catalog as catalog;
use specc_catalog::{Parameters, SequenceOptions, SqlExpr, TableName};
use specc_model::scope::Scope;
use specc_model::{Expr, Model, Qualified, Type};
use specc_syntax::ast::Setting;

/// Enums, domains, composites and sequences.
pub(super) fn lower(room: &mut Room) {
    let model = room.model;
    for it in &model.enums {
        let (schema, name) = (it.name.schema.clone(), it.name.name.clone());
        let labels = it.labels.iter().map(|l| l.name.clone()).collect();
        room.declare(catalog::Enum { schema, name, labels }, &it.meta, Vec::new());
    }
    for it in &model.domains {
        let mut depends: Vec<_> = room.lookup.of_type(&it.base).into_iter().collect();
        depends.extend(room.lookup.of_collation(it.collation.as_ref()));
        for expr in it.default.iter().chain(it.checks.iter().map(|c| &c.expr)) {
            depends.extend(room.lookup.of_expr(model, expr));
        }
        let domain = catalog::Domain {
            schema: it.name.schema.clone(),
            name: it.name.name.clone(),
            base: data_type(model, &it.base),
            nullable: it.nullable,
            collation: it.collation.as_ref().map(qualified),
            default: it.default.as_deref().map(|e| constant(model, e)),
            checks: it.checks.iter().map(|c| (c.name.clone(), constant(model, &c.expr))).collect(),
        };
        room.declare(domain, &it.meta, depends);
    }
    for it in &model.composites {
        let depends = it.fields.iter().filter_map(|(_, ty, _)| room.lookup.of_type(ty)).collect();
        let field = |(name, ty, collation): &(SmolStr, Type, Option<Qualified>)| {
            (name.clone(), data_type(model, ty), collation.as_ref().map(qualified))
        };
        let composite = catalog::Composite {
            schema: it.name.schema.clone(),
            name: it.name.name.clone(),
            fields: it.fields.iter().map(field).collect(),
        };
        room.declare(composite, &it.meta, depends);
    }
    for it in &model.sequences {
        let sequence = catalog::Sequence {
            schema: it.name.schema.clone(),
            name: it.name.name.clone(),
            ty: it.ty.as_ref().map(|ty| data_type(model, ty)),
            options: sequence_options(&it.options),
            owned_by: it.owned_by.map(|(entity, field)| {
                let entity = model.entity(entity);
                (table_of(entity), entity.fields[field].name.clone())
            }),
        };
        room.declare(sequence, &it.meta, Vec::new());
    }
}

/// A name in a schema as the catalog says it.
pub(crate) fn qualified(name: &Qualified) -> catalog::Qualified {
    catalog::Qualified::new(name.schema.clone(), name.name.clone())
}

/// An expression that reads no row: a default, a bound, a condition over `value`.
pub(crate) fn constant(model: &Model, expr: &Expr) -> SqlExpr {
    expr::lower(model, &Scope::default(), &[], expr)
}

/// Numbers of a sequence or identity, by the first word of each setting. `no maxvalue` and the like are Postgres's own
/// defaults and so say nothing.
pub(crate) fn sequence_options(settings: &[Setting]) -> SequenceOptions {
    let mut options = SequenceOptions::default();
    for setting in settings {
        let number = setting.value.replace('_', "").parse().ok();
        match setting.name.text.split(' ').next().unwrap_or_default() {
            "start" => options.start = number,
            "increment" => options.increment = number,
            "min" | "minvalue" => options.min = number,
            "max" | "maxvalue" => options.max = number,
            "cache" => options.cache = number,
            "cycle" => options.cycle = setting.value != "false",
            _ => {}
        }
    }
    options
}

/// Storage parameters, in the author's order.
pub(crate) fn storage_options(settings: &[Setting]) -> Parameters {
    settings.iter().map(|setting| (setting.name.text.clone(), setting.value.clone())).collect()
}

/// A view's or table's name.
pub(crate) fn table_name(name: &Qualified) -> TableName {
    TableName::new(name.schema.clone(), name.name.clone())
}
