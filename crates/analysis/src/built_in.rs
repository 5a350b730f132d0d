//! Calls of functions that Postgres brings.

use crate::Problem;
use crate::calls::Args;
use crate::convert::Kind;
use crate::meet::{fits, takes};
use crate::scope::{Ty, is_record};
use crate::text::folded;
use crate::types::from_table;
use crate::walk::Walk;
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_expr::sqlparser::ast::Ident;
use specc_facts::{Spelled, Variant};

/// What all of these give as a value, where that is of no type that a column can have: `record`, `void`, or a list of rows.
fn pseudo(fitting: &[&Variant], types: &[Ty]) -> Ty {
    let result = fitting.first()?.result;
    if !fitting.iter().all(|variant| variant.result == result && variant.extension == "-") {
        return None;
    }
    let row = types.iter().find(|ty| is_record(ty)).cloned().flatten();
    match result.name {
        "record" | "void" => Some(DataType { dims: u8::from(result.array), ..DataType::builtin(result.name) }),
        // A list of whatever is given, and one of those.
        "anyarray" | "anycompatiblearray" => row.map(|ty| DataType { dims: 1, ..ty }),
        "anyelement" | "anynonarray" | "anycompatible" => row.map(|ty| DataType { dims: 0, ..ty }),
        _ => None,
    }
}

impl Walk<'_> {
    /// What a function that Postgres brings gives, where all that may be meant give the same.
    pub(crate) fn built_in(&self, written: &[&Ident], args: &Args<'_>) -> Ty {
        let names: Vec<SmolStr> = written.iter().map(|ident| folded(ident)).collect();
        let (schema, name) = match &names[..] {
            [name] => (None, name),
            [schema, name] if schema == "pg_catalog" => (Some("pg_catalog"), name),
            _ => return None,
        };
        if args.loose || args.names.iter().any(Option::is_some) || !self.candidates(schema, name).0.is_empty() {
            return None;
        }
        let takes = |variant: &&Variant| variant.takes(args.types.len()) && self.accept(variant, &args.types);
        let fitting: Vec<&Variant> = specc_facts::functions(name).iter().filter(takes).collect();
        if let Some(ty) = pseudo(&fitting, &args.types) {
            return Some(ty);
        }
        let exact = |variant: &&&Variant| {
            let wanted: Option<Vec<DataType>> = variant.args.iter().map(|arg| from_table(*arg)).collect();
            let given: Option<Vec<DataType>> = args.types.iter().cloned().collect();
            wanted.is_some() && wanted == given
        };
        let meant = fitting.iter().find(exact).or(fitting.first())?;
        let one = fitting.iter().any(|variant| exact(&variant));
        let same = |variant: &&Variant| variant.result == meant.result && !variant.set && variant.extension == "-";
        (if one { same(meant) } else { fitting.iter().all(same) }).then(|| from_table(meant.result)).flatten()
    }

    /// What each row of a function that Postgres brings is, where all that may be meant give the same.
    pub(crate) fn rows_type(&self, name: &str, args: &Args<'_>) -> Ty {
        let known = !args.loose && args.names.iter().all(Option::is_none);
        let takes = |v: &&Variant| known && v.takes(args.types.len()) && self.accept(v, &args.types);
        let mut fitting = specc_facts::functions(name).iter().filter(takes);
        let first = fitting.next()?;
        fitting.all(|v| v.result == first.result).then(|| from_table(first.result)).flatten()
    }

    /// Says where no function that Postgres brings takes these arguments.
    pub(crate) fn no_built_in(&mut self, at: (usize, usize), written: &[&Ident], args: &Args<'_>, within: &[Ty]) {
        let [ident] = written else { return };
        let name = folded(ident);
        let variants: Vec<&Variant> = specc_facts::functions(&name).iter().filter(|v| v.extension == "-").collect();
        // These have forms of their own in the grammar.
        let form = specc_facts::grammar(&name).is_some() || name.starts_with("json_") || name.starts_with("xml");
        if variants.is_empty() || form || args.names.iter().any(Option::is_some) || !self.is_built_in(written) {
            return;
        }
        let types: Vec<Ty> = args.types.iter().chain(within).cloned().collect();
        // `date(x)` is a cast, and `name(row)` a field.
        let cast = self.env.data_type("pg_catalog", &name).found().is_some();
        let is_value = |ty: &Ty| {
            ty.as_ref()
                .and_then(|ty| self.kind(ty))
                .is_some_and(|(kind, array)| array || !matches!(kind, Kind::Row(..)))
        };
        if types.len() == 1 && (cast || !is_value(&types[0])) || self.may_be_made(&name) {
            return;
        }
        let count = types.len();
        if variants.iter().any(|v| v.takes(count) && self.accept(v, &types)) {
            return;
        }
        let counted = variants.iter().any(|v| v.takes(count));
        let message = if counted && types.iter().all(Option::is_some) {
            let given: Vec<String> = types.iter().flatten().map(|ty| format!("`{ty}`")).collect();
            format!("there is no `{name}` for {}", given.join(", "))
        } else if counted {
            format!("there is no `{name}` for values of these types")
        } else {
            format!("`{name}` does not take {count} argument{}", if count == 1 { "" } else { "s" })
        };
        let ways = variants.iter().take(4).map(|v| {
            let args: Vec<String> =
                v.args.iter().map(|a| format!("{}{}", a.name, if a.array { "[]" } else { "" })).collect();
            format!("`{name}({})`", args.join(", "))
        });
        let help = format!("it is {}", ways.collect::<Vec<_>>().join(" or "));
        self.report(at, Problem::WrongArguments, message, Some(help));
    }

    /// Whether a function that Postgres brings may take arguments of these types; those of a list of any length aside.
    pub(crate) fn accept(&self, variant: &Variant, types: &[Ty]) -> bool {
        let fixed = variant.args.len() - usize::from(variant.variadic && !variant.args.is_empty());
        let accepts = |(ty, wanted): (&Ty, &Spelled)| match ty {
            Some(ty) if self.env.may_have_operators() => takes(*wanted, ty),
            Some(ty) => self.kind(ty).is_none_or(|kind| fits(*wanted, &kind)),
            None => true,
        };
        types.iter().zip(&variant.args[..fixed]).all(accepts)
    }

    /// Whether a function gives many rows, whichever of its name is meant.
    pub(crate) fn gives_rows(&self, written: &[&Ident]) -> bool {
        let names: Vec<SmolStr> = written.iter().map(|ident| folded(ident)).collect();
        let (schema, name) = match &names[..] {
            [name] => (None, name),
            [schema, name] => (Some(schema.as_str()), name),
            _ => return false,
        };
        let brought = specc_facts::functions(name);
        if self.is_built_in(written) && !brought.is_empty() {
            return brought.iter().all(|variant| variant.set);
        }
        let (own, _) = self.candidates(schema, name);
        let others = schema.is_none() && !brought.is_empty();
        !others && !own.is_empty() && own.iter().all(|routine| routine.set)
    }
}
