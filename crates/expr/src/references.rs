//! What a query, a body or an expression names, so that objects can be created in an order that works.

use crate::is_exists_path;
use crate::tree::{Look, Tree};
use smol_str::SmolStr;
use sqlparser::ast::{
    ArrayElemTypeDef, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, ObjectName, Query,
    TableFactor, Value,
};
use std::ops::ControlFlow;

/// A schema, where one is written, and a name; unquoted ones in lowercase.
pub type Name = (Option<SmolStr>, SmolStr);

/// Names in the order of their first mention, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Tables, views and sequences. Names of `with` queries are left out.
    pub relations: Vec<Name>,
    /// Functions, also those in `from`.
    pub functions: Vec<Name>,
    /// Types of casts that are not built in by keyword.
    pub types: Vec<Name>,
}

impl References {
    pub(crate) fn relation(&mut self, name: Name) {
        add(&mut self.relations, name);
    }

    pub(crate) fn function(&mut self, name: Name) {
        add(&mut self.functions, name);
    }

    pub(crate) fn ty(&mut self, name: Name) {
        add(&mut self.types, name);
    }
}

fn add(list: &mut Vec<Name>, name: Name) {
    if !name.1.is_empty() && !list.contains(&name) {
        list.push(name);
    }
}

/// What `node` (a query, statements, an expression) names.
pub fn references<T: Tree + ?Sized>(node: &T) -> References {
    let mut walk = Walk { found: References::default(), with: Vec::new(), call: false };
    node.walk(&mut walk);
    walk.found
}

/// An identifier as Postgres stores it.
pub(crate) fn fold(value: &str, quoted: bool) -> SmolStr {
    if quoted { value.into() } else { value.to_ascii_lowercase().into() }
}

/// The schema and the name in an object name; `None` for one of three and more parts.
pub fn object_name(name: &ObjectName) -> Option<Name> {
    let part = |i: usize| name.0[i].as_ident().map(|id| fold(&id.value, id.quote_style.is_some()));
    match name.0.len() {
        1 => Some((None, part(0)?)),
        2 => Some((Some(part(0)?), part(1)?)),
        _ => None,
    }
}

/// `public.events` or `"Events"`, as it stands in the string of a `regclass`.
pub(crate) fn from_text(text: &str) -> Option<Name> {
    let mut parts = Vec::new();
    for part in text.trim().split('.') {
        let quoted = part.len() > 1 && part.starts_with('"') && part.ends_with('"');
        let bare = if quoted { &part[1..part.len() - 1] } else { part };
        if bare.is_empty() || bare.contains(['(', ' ', '"']) {
            return None;
        }
        parts.push(fold(bare, quoted));
    }
    match &parts[..] {
        [name] => Some((None, name.clone())),
        [schema, name] => Some((Some(schema.clone()), name.clone())),
        _ => None,
    }
}

struct Walk {
    found: References,
    /// Names of `with` queries in force, by the query that has them.
    with: Vec<Vec<SmolStr>>,
    /// The relation that comes next is a function in `from`.
    call: bool,
}

impl Walk {
    fn data_type(&mut self, data_type: &DataType) {
        match data_type {
            DataType::Custom(name, _) => {
                if let Some(name) = object_name(name) {
                    self.found.ty(name);
                }
            }
            DataType::Array(
                ArrayElemTypeDef::SquareBracket(inner, _)
                | ArrayElemTypeDef::AngleBracket(inner)
                | ArrayElemTypeDef::Parenthesis(inner),
            ) => self.data_type(inner),
            _ => {}
        }
    }

    fn string(&mut self, expr: &Expr) {
        if let Expr::Value(v) = expr
            && let Value::SingleQuotedString(text) = &v.value
            && let Some(name) = from_text(text)
        {
            self.found.relation(name);
        }
    }

    fn function(&mut self, call: &Function) {
        if is_exists_path(call) || crate::as_is(call).is_some() {
            return;
        }
        let Some(name) = object_name(&call.name) else {
            return;
        };
        if specc_facts::takes_sequence(&name.1)
            && let FunctionArguments::List(list) = &call.args
            && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = list.args.first()
        {
            self.string(first);
        }
        self.found.function(name);
    }
}

fn is_regclass(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Regclass)
        || matches!(data_type, DataType::Custom(name, _) if object_name(name).is_some_and(|n| n.1 == "regclass"))
}

impl Look for Walk {
    fn query(&mut self, query: &Query) {
        let names = query.with.iter().flat_map(|w| &w.cte_tables);
        self.with.push(names.map(|c| fold(&c.alias.name.value, c.alias.name.quote_style.is_some())).collect());
    }

    fn query_ends(&mut self, _: &Query) {
        self.with.pop();
    }

    fn table_factor(&mut self, factor: &TableFactor) {
        self.call = matches!(factor, TableFactor::Table { args: Some(_), .. });
        if let TableFactor::Function { name, .. } = factor
            && let Some(name) = object_name(name)
        {
            self.found.function(name);
        }
    }

    fn relation(&mut self, relation: &ObjectName) {
        if let Some(name) = object_name(relation).filter(|_| !crate::is_rows_from(relation)) {
            if std::mem::take(&mut self.call) {
                self.found.function(name);
            } else if name.0.is_some() || !self.with.iter().flatten().any(|w| *w == name.1) {
                self.found.relation(name);
            }
        }
    }

    fn expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(call) => self.function(call),
            Expr::Cast { data_type, expr: inner, .. } => {
                self.data_type(data_type);
                if is_regclass(data_type) {
                    self.string(inner);
                }
            }
            Expr::TypedString(typed) => self.data_type(&typed.data_type),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
