//! Types as they are written.

use crate::environment::Lookup;
use crate::find::{idents, place};
use crate::scope::Ty;
use crate::text::{Part, folded};
use crate::walk::Walk;
use crate::{Problem, Target};
use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};
use specc_expr::sqlparser::ast::{ArrayElemTypeDef, DataType as SqlType};
use specc_facts::{Context, Spelled};

/// A built-in type's name, without what is in parentheses.
pub(crate) fn spelled(data_type: &SqlType) -> String {
    let text = data_type.to_string().to_lowercase();
    let mut name = String::new();
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            c if depth == 0 => name.push(c),
            _ => {}
        }
    }
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a value of one type may be given where a parameter of the other stands; true where that cannot be told.
pub(crate) fn may_become(from: &DataType, to: &DataType) -> bool {
    let told = |ty: &DataType| ty.schema.is_empty() && specc_facts::type_info(&ty.name).is_some();
    if !told(from) || !told(to) || from.name == to.name && from.dims == to.dims {
        return true;
    }
    // `oidvector` and `int2vector` are arrays by another name.
    if (from.dims > 0) != (to.dims > 0) {
        return from.name.ends_with("vector") || to.name.ends_with("vector");
    }
    let spelled = |ty: &DataType| specc_facts::type_info(&ty.name).map(|i| Spelled { name: i.name, array: false });
    let (Some(a), Some(b)) = (spelled(from), spelled(to)) else { return true };
    a.name == b.name || specc_facts::cast(a, b).is_some_and(|cast| cast.context == Context::Implicit)
}

/// A type of the tables of functions; none for one that stands for others.
pub(crate) fn from_table(spelled: Spelled) -> Ty {
    let info = specc_facts::type_info(spelled.name)?;
    let plain = info.extension == "-" && !specc_facts::is_pseudo_type(spelled.name);
    plain.then(|| DataType { dims: u8::from(spelled.array), ..DataType::builtin(spelled.name) })
}

impl Walk<'_> {
    /// The type that is written.
    pub(crate) fn data_type(&mut self, part: &Part<'_>, data_type: &SqlType) -> Ty {
        match data_type {
            SqlType::Custom(name, _) => {
                let written = idents(name)?;
                let names: Vec<SmolStr> = written.iter().map(|ident| folded(ident)).collect();
                let place = place(part, &written)?;
                // `"char"` is a type of its own, and no `char`.
                if written.iter().any(|ident| ident.quote_style.is_some() && ident.value == "char") {
                    return None;
                }
                match &names[..] {
                    [name] => self.type_named(place, None, name),
                    [schema, name] => self.type_named(place, Some(schema), name),
                    _ => None,
                }
            }
            SqlType::Array(
                ArrayElemTypeDef::SquareBracket(inner, _)
                | ArrayElemTypeDef::AngleBracket(inner)
                | ArrayElemTypeDef::Parenthesis(inner),
            ) => {
                let inner = self.data_type(part, inner)?;
                Some(DataType { dims: 1, args: Vec::new(), ..inner })
            }
            other => self.env.data_type("pg_catalog", &spelled(other)).found(),
        }
    }

    /// The type of this name; says so where there is none.
    pub(crate) fn type_named(&mut self, place: (usize, usize), schema: Option<&str>, name: &str) -> Ty {
        if schema.is_none()
            && let Lookup::Found(found) = self.env.data_type("pg_catalog", name)
        {
            return Some(found);
        }
        if self.no_schema(place, schema) {
            return None;
        }
        match self.on_path(schema, |schema| self.env.data_type(schema, name)) {
            Lookup::Found(found) => {
                if !found.schema.is_empty() {
                    self.refer(place, Target::Type(Qualified::new(found.schema.clone(), found.name.clone())));
                }
                Some(found)
            }
            Lookup::Unknown => None,
            Lookup::Missing => {
                let elsewhere = self.env.elsewhere(name);
                // A catalog's row, such as `pg_roles`.
                let catalogs = name.starts_with("pg_") && schema.is_none_or(|schema| schema == "pg_catalog");
                if catalogs || self.may_be_made(name) || schema.is_none() && !elsewhere.is_empty() && !self.fixed_path {
                    return None;
                }
                let written = schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
                let help = elsewhere.first().map(|other| format!("write `{other}.{name}`"));
                let message = match help {
                    Some(_) if schema.is_none() => format!("`{name}` is not found with this `search_path`"),
                    _ => format!("there is no type `{written}`"),
                };
                self.report(place, Problem::UnknownType, message, help);
                None
            }
        }
    }
}
