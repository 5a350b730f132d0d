//! Functions, procedures, and the triggers that the author wrote.

use super::depends::session_schema;
use super::types::{constant, qualified, table_name};
use super::{Room, depends, names};
use crate::access::helpers::SEARCH_PATH;
use crate::expr::{Folder, Frame, RowRef};
use crate::types::data_type;
use smol_str::SmolStr;
use specc_catalog as catalog;
use specc_catalog::{Body, DataType, Dependency, Kind, ObjectId, SqlExpr, Timing, Volatility};
use specc_model::scope::Scope;
use specc_model::{Entity, Expr, Function, Model, Param, Qualified, Returns, Target, Trigger, TriggerAction};
use specc_sql::quote;
use specc_syntax::ast::{Setting, TriggerTiming};

pub(super) fn lower(room: &mut Room) {
    let model = room.model;
    for function in &model.functions {
        let mut depends = depends::declared(model, &function.depends, "its body reads or calls it");
        for param in &function.params {
            depends.extend(room.lookup.of_type(&param.ty));
            depends.extend(param.default.iter().flat_map(|e| room.lookup.of_expr(model, e)));
        }
        match &function.returns {
            Some(Returns::Type(ty) | Returns::SetOf(ty)) => depends.extend(room.lookup.of_type(ty)),
            Some(Returns::Table(columns)) => {
                depends.extend(columns.iter().filter_map(|(_, ty)| room.lookup.of_type(ty)));
            }
            Some(Returns::Pseudo(_)) | None => {}
        }
        room.declare(object(model, function), &function.meta, depends);
    }
}

/// The id of a declared function.
pub(crate) fn id(model: &Model, function: &Function) -> ObjectId {
    let types = function.params.iter().filter(|p| p.mode != "out").map(|p| data_type(model, &p.ty).to_string());
    let signature = types.collect::<Vec<_>>().join(", ");
    ObjectId::new(Kind::Function, function.name.schema.clone(), function.name.name.clone()).part(signature)
}

/// The value of a setting as the server keeps it. One string is one name in a list of names, whatever stands in it.
fn value_of(setting: &Setting) -> SmolStr {
    match (specc_facts::is_list_setting(&setting.name.text), setting.quoted) {
        (true, true) if setting.value.is_empty() => SmolStr::default(),
        (true, true) => quote::list([&setting.value]).into(),
        (true, false) if setting.value == "\"\"" => SmolStr::default(),
        (true, false) => quote::list(specc_facts::listed_names(&setting.value)).into(),
        (false, _) => setting.value.clone(),
    }
}

fn object(model: &Model, function: &Function) -> catalog::Function {
    let mut settings: Vec<(SmolStr, SmolStr)> =
        function.settings.iter().map(|s| (s.name.text.clone(), value_of(s))).collect();
    // Whoever can create objects in a schema of the search path could otherwise act as the owner.
    if model.options.derive && function.security_definer && settings.iter().all(|(name, _)| name != "search_path") {
        settings.push(("search_path".into(), SEARCH_PATH.into()));
    }
    settings.sort();
    let body = body(model, function);
    catalog::Function {
        schema: function.name.schema.clone(),
        name: function.name.name.clone(),
        procedure: function.procedure,
        params: function.params.iter().map(|p| param(model, p)).collect(),
        returns: returns(model, function),
        language: function.language.clone(),
        body: match function.atomic {
            true => Body::Atomic(body),
            // What is laid out is the author's to read; what a database has is kept as it is.
            false if model.options.derive => Body::Text(body),
            false => Body::written(&body),
        },
        volatility: match function.volatility.as_deref() {
            Some("stable") => Volatility::Stable,
            Some("immutable") => Volatility::Immutable,
            _ => Volatility::Volatile,
        },
        strict: function.strict,
        parallel: function.parallel.clone().filter(|p| p != "unsafe"),
        leakproof: function.leakproof,
        security_definer: function.security_definer,
        cost: function.cost.clone(),
        rows: function.rows.clone(),
        settings,
    }
}

/// The body of a function. Where its names are looked up as whoever calls, those that say who is asking are in a schema that
/// clients may use.
fn body(model: &Model, function: &Function) -> SmolStr {
    let looked_up = model.options.derive && !function.atomic && !function.security_definer;
    if !looked_up || function.session.is_empty() {
        return function.body.clone();
    }
    let mut body = function.body.to_string();
    for (start, end, name) in function.session.iter().rev() {
        body.replace_range(*start..*end, &quote::qualified(&session_schema(model), name));
    }
    body.into()
}

fn param(model: &Model, param: &Param) -> catalog::Param {
    catalog::Param {
        mode: if param.mode.is_empty() { "in".into() } else { param.mode.clone() },
        name: param.name.clone(),
        ty: data_type(model, &param.ty),
        default: param.default.as_deref().map(|e| constant(model, e)),
    }
}

fn returns(model: &Model, function: &Function) -> Option<catalog::Returns> {
    match &function.returns {
        Some(Returns::Type(ty)) => Some(catalog::Returns::Type(data_type(model, ty))),
        Some(Returns::SetOf(ty)) => Some(catalog::Returns::SetOf(data_type(model, ty))),
        Some(Returns::Table(columns)) => Some(catalog::Returns::Table(
            columns.iter().map(|(name, ty)| (name.clone(), data_type(model, ty))).collect(),
        )),
        Some(Returns::Pseudo(name)) => Some(catalog::Returns::Type(DataType::builtin(name.clone()))),
        // Its `out` parameters say what comes back; without any, nothing does.
        None if function.procedure || function.params.iter().any(|p| matches!(p.mode.as_str(), "out" | "inout")) => {
            None
        }
        None => Some(catalog::Returns::Type(DataType::builtin("void"))),
    }
}

/// What a trigger is on.
#[derive(Clone, Copy)]
struct On<'a> {
    name: &'a Qualified,
    area: &'a SmolStr,
    /// Absent for a view, whose triggers have no conditions on rows that are known.
    entity: Option<&'a Entity>,
}

/// Triggers of all entities, also of external ones, and of views.
pub(super) fn triggers(room: &mut Room) {
    let model = room.model;
    for entity in &model.entities {
        for it in &entity.triggers {
            trigger(room, On { name: &entity.name, area: &entity.meta.area, entity: Some(entity) }, it);
        }
    }
    for view in &model.views {
        for it in &view.triggers {
            trigger(room, On { name: &view.name, area: &view.meta.area, entity: None }, it);
        }
    }
}

fn trigger(room: &mut Room, on: On<'_>, it: &Trigger) {
    let model = room.model;
    let (function, args) = match &it.action {
        TriggerAction::Execute { function, args } => (qualified(function), args.clone()),
        TriggerAction::Body(body) => (own_function(room, on, it, body), Vec::new()),
    };
    let mut depends = it.when.iter().flat_map(|e| room.lookup.of_expr(model, e)).collect::<Vec<_>>();
    // The trigger itself implies the function by name; which of the declared ones that is, is known here.
    if let TriggerAction::Execute { function, .. } = &it.action {
        let declared = model.functions.iter().filter(|f| f.name == *function && f.params.is_empty());
        depends.extend(declared.map(|f| Dependency::new(id(model, f), "the trigger runs it")));
        let blocks = model
            .sql_blocks
            .iter()
            .filter(|b| b.provides.iter().any(|(kind, name)| kind == "function" && name == function));
        depends.extend(
            blocks.map(|b| {
                Dependency::new(ObjectId::new(Kind::Sql, "", b.name.clone()), "it makes what the trigger runs")
            }),
        );
    }
    let object = catalog::Trigger {
        table: table_name(on.name),
        name: it.name.clone(),
        timing: match it.timing {
            TriggerTiming::Before => Timing::Before,
            TriggerTiming::After => Timing::After,
            TriggerTiming::InsteadOf => Timing::InsteadOf,
        },
        events: it.events.clone(),
        per_row: it.per_row,
        old_table: it.old_table.clone(),
        new_table: it.new_table.clone(),
        when: it.when.as_deref().map(|e| match on.entity {
            Some(entity) => over_old_and_new(model, entity, e),
            None => constant(model, e),
        }),
        function,
        args,
        constraint: it.constraint,
        initially_deferred: it.initially_deferred,
        enabled: it.enabled.clone().unwrap_or_default(),
    };
    let mut meta = it.meta.clone();
    meta.area = on.area.clone();
    room.declare(object, &meta, depends);
}

/// The function of a trigger that was written with a body. Its search path is pinned to where the author's names are:
/// it may run inside a function whose own path is empty.
fn own_function(room: &mut Room, on: On<'_>, it: &Trigger, body: &SmolStr) -> catalog::Qualified {
    let model = room.model;
    let name = names::helper_of(model, on.name, &[&it.name]);
    let schema = model.options.helper_schema.clone();
    let mut path = vec![on.name.schema.as_str()];
    if on.name.schema != model.options.default_schema {
        path.push(&model.options.default_schema);
    }
    if model.options.target == Target::Supabase {
        path.push("extensions");
    }
    let path: Vec<_> = path.into_iter().map(specc_sql::quote::ident).collect();
    let mut function = trigger_function(schema.clone(), name.clone(), body.clone());
    function.settings = vec![("search_path".into(), path.join(", ").into())];
    let mut meta = it.meta.clone();
    meta.area = on.area.clone();
    meta.doc = None;
    let depends = depends::declared(model, &it.session, "its body calls it");
    room.declare(function, &meta, depends);
    catalog::Qualified::new(schema, name)
}

/// A function for triggers, in plpgsql, that runs with the rights of whoever writes.
pub(crate) fn trigger_function(schema: SmolStr, name: SmolStr, body: SmolStr) -> catalog::Function {
    catalog::Function {
        schema,
        name,
        procedure: false,
        params: Vec::new(),
        returns: Some(catalog::Returns::Type(DataType::builtin("trigger"))),
        language: "plpgsql".into(),
        body: Body::Text(body),
        volatility: Volatility::Volatile,
        strict: false,
        parallel: None,
        leakproof: false,
        security_definer: false,
        cost: None,
        rows: None,
        settings: Vec::new(),
    }
}

/// A trigger's condition: plain SQL in which `old` and `new` are rows.
fn over_old_and_new(model: &Model, entity: &Entity, expr: &Expr) -> SqlExpr {
    let scope = Scope { rows: vec![("new".into(), entity.id), ("old".into(), entity.id)], ..Scope::default() };
    let rows = [RowRef::Prefixed("new".into()), RowRef::Prefixed("old".into())];
    let mut folder = Folder::new(model, Frame::of(&scope, &rows));
    let text = folder.text(&expr.formula).into();
    // Both rows are of the same table.
    let read = folder.direct.iter().map(|(_, field)| entity.fields[*field].name.clone());
    let mut columns: Vec<SmolStr> = read.chain(folder.columns()).collect();
    columns.sort();
    columns.dedup();
    SqlExpr { text, columns }
}
