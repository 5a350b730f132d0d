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

impl Walk<'_> {
    /// The type that is written.
    pub(crate) fn data_type(&mut self, part: &Part<'_>, data_type: &SqlType) -> Ty {
        match data_type {
            SqlType::Custom(name, _) => {
                let written = idents(name)?;
                let names: Vec<SmolStr> = written.iter().map(|ident| folded(ident)).collect();
                let place = place(part, &written)?;
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
                if self.may_be_made(name) || schema.is_none() && !elsewhere.is_empty() && !self.fixed_path {
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
