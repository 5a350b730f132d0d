//! Calls of functions.

use crate::environment::{Lookup, Routine};
use crate::find::{idents, place};
use crate::meet::{is_told, takes as takes_type};
use crate::query::plain;
use crate::scope::Ty;
use crate::text::{Part, folded};
use crate::types::{from_table, may_become};
use crate::walk::Walk;
use crate::{Problem, Target};
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_expr::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Ident, WindowType,
};
use specc_facts::{Spelled, Variant};

/// The arguments of a call.
#[derive(Default)]
pub(crate) struct Args<'e> {
    exprs: Vec<&'e Expr>,
    types: Vec<Ty>,
    names: Vec<Option<SmolStr>>,
    /// There may be more or fewer than are written.
    loose: bool,
}

impl Walk<'_> {
    pub(crate) fn call(&mut self, part: &Part<'_>, call: &Function) -> Ty {
        let mut args = Args::default();
        match &call.args {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(query) => {
                let output = self.query(part, query);
                if call.name.0.len() == 1
                    && call.name.0[0].as_ident().is_some_and(|i| i.value.eq_ignore_ascii_case("array"))
                {
                    return match &output.columns[..] {
                        [(_, Some(ty))] if output.complete => {
                            Some(DataType { dims: 1, args: Vec::new(), ..ty.clone() })
                        }
                        _ => None,
                    };
                }
                args.loose = true;
            }
            FunctionArguments::List(list) => {
                args = self.arguments(part, &list.args);
                for clause in &list.clauses {
                    match clause {
                        FunctionArgumentClause::OrderBy(order) => self.order(part, order),
                        FunctionArgumentClause::Where(expr) | FunctionArgumentClause::Limit(expr) => {
                            self.expr(part, expr);
                        }
                        _ => args.loose = true,
                    }
                }
            }
        }
        let within: Vec<Ty> = call.within_group.iter().map(|order| self.expr(part, &order.expr)).collect();
        let written_all = !args.loose;
        args.loose |= !call.within_group.is_empty();
        let misformed = self.call_form(part, call);
        if let Some(filter) = &call.filter {
            self.no_set(part, filter, "filter");
            self.expr(part, filter);
        }
        if let Some(WindowType::WindowSpec(spec)) = &call.over {
            self.window(part, spec);
        }
        let written = idents(&call.name)?;
        let at = place(part, &written)?;
        if let [ident] = written[..]
            && ident.quote_style.is_none()
        {
            match &*folded(ident) {
                name @ ("coalesce" | "greatest" | "least" | "nullif") => {
                    let ty = args.types.iter().flatten().next().cloned();
                    for expr in &args.exprs {
                        self.wanted(part, expr, &ty);
                    }
                    if name == "coalesce" {
                        args.exprs.iter().for_each(|expr| self.no_set(part, expr, name));
                    }
                    if name != "nullif" {
                        let values = args.exprs.iter().copied().zip(&args.types);
                        self.one_type(part, &format!("`{name}`"), values);
                    }
                    return crate::expr::common(args.exprs.iter().copied().zip(args.types.iter().cloned()));
                }
                name if specc_facts::takes_sequence(name) => {
                    if let Some(Expr::Value(value)) = args.exprs.first() {
                        self.relation_in_string(part, value, false);
                    }
                    return plain("bigint");
                }
                // The name of a text search configuration comes first, where there are two.
                name if specc_facts::takes_configuration(name) => {
                    if let [Expr::Value(value), _] = args.exprs[..] {
                        self.configuration_in_string(part, value);
                    }
                }
                _ => {}
            }
        }
        match self.routine(part, at, &written, &args) {
            Some(found) => found.returns.filter(|_| !found.opaque && found.columns.is_empty()),
            None => {
                if written_all && !misformed {
                    self.no_built_in(at, &written, &args, &within);
                }
                self.built_in(&written, &args)
            }
        }
    }

    /// What a function that Postgres brings gives, where all that may be meant give the same.
    fn built_in(&self, written: &[&Ident], args: &Args<'_>) -> Ty {
        let names: Vec<SmolStr> = written.iter().map(|ident| folded(ident)).collect();
        let (schema, name) = match &names[..] {
            [name] => (None, name),
            [schema, name] if schema == "pg_catalog" => (Some("pg_catalog"), name),
            _ => return None,
        };
        if args.loose || args.names.iter().any(Option::is_some) || !self.candidates(schema, name).0.is_empty() {
            return None;
        }
        let takes = |variant: &&Variant| {
            let (count, most) = (args.types.len(), variant.args.len());
            let counts = count <= most && count + variant.defaults >= most || variant.variadic;
            counts && accept(variant, &args.types)
        };
        let fitting: Vec<&Variant> = specc_facts::functions(name).iter().filter(takes).collect();
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

    /// Says where no function that Postgres brings takes these arguments.
    fn no_built_in(&mut self, at: (usize, usize), written: &[&Ident], args: &Args<'_>, within: &[Ty]) {
        let [ident] = written else { return };
        let name = folded(ident);
        let variants = specc_facts::functions(&name);
        // These have forms of their own in the grammar.
        let form = specc_facts::grammar(&name).is_some() || name.starts_with("json") || name.starts_with("xml");
        if variants.is_empty() || form || args.names.iter().any(Option::is_some) || !self.is_built_in(written) {
            return;
        }
        let types: Vec<Ty> = args.types.iter().chain(within).cloned().collect();
        // `date(x)` is a cast, and `name(row)` a field.
        let cast = self.env.data_type("pg_catalog", &name).found().is_some();
        if types.len() == 1 && (cast || !is_told(&types[0])) || self.may_be_made(&name) {
            return;
        }
        let count = types.len();
        let counts = |v: &Variant| {
            let most = v.args.len();
            count <= most && count + v.defaults >= most || v.variadic && count + 1 >= most
        };
        if variants.iter().any(|v| counts(v) && accept(v, &types)) {
            return;
        }
        let message = if variants.iter().any(counts) && types.iter().all(Option::is_some) {
            let given: Vec<String> = types.iter().flatten().map(|ty| format!("`{ty}`")).collect();
            format!("there is no `{name}` for {}", given.join(", "))
        } else if variants.iter().any(counts) {
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

    pub(crate) fn arguments<'e>(&mut self, part: &Part<'_>, list: &'e [FunctionArg]) -> Args<'e> {
        let mut args = Args::default();
        for arg in list {
            let (name, arg) = match arg {
                FunctionArg::Named { name, arg, .. } => (Some(folded(name)), arg),
                FunctionArg::ExprNamed { name: Expr::Identifier(name), arg, .. } => (Some(folded(name)), arg),
                FunctionArg::ExprNamed { arg, .. } => {
                    args.loose = true;
                    (None, arg)
                }
                FunctionArg::Unnamed(arg) => (None, arg),
            };
            match arg {
                FunctionArgExpr::Expr(expr) => {
                    // `variadic array[…]` gives any number.
                    args.loose |= matches!(expr, Expr::Prefixed { .. } | Expr::QualifiedWildcard(..));
                    let ty = self.expr(part, expr);
                    args.exprs.push(expr);
                    args.types.push(ty);
                    args.names.push(name);
                }
                FunctionArgExpr::QualifiedWildcard(name) => {
                    if let Some(written) = idents(name) {
                        self.name(part, &written);
                    }
                    args.loose = true;
                }
                _ => args.loose = true,
            }
        }
        args
    }

    /// The function that a call means, where that can be told; says so where there is none.
    pub(crate) fn routine(
        &mut self,
        part: &Part<'_>,
        at: (usize, usize),
        written: &[&Ident],
        args: &Args<'_>,
    ) -> Option<Routine> {
        let names: Vec<SmolStr> = written.iter().map(|ident| folded(ident)).collect();
        let (schema, name) = match &names[..] {
            [name] => (None, name),
            [schema, name] => (Some(schema.as_str()), name),
            _ => return None,
        };
        let (candidates, unknown) = self.candidates(schema, name);
        let fitting: Vec<&Routine> = candidates.iter().filter(|routine| fits(routine, args)).collect();
        // What takes no value of these types is not meant, where another does.
        let taking: Vec<&Routine> = fitting.iter().copied().filter(|routine| takes(routine, args)).collect();
        let fitting = if taking.is_empty() { fitting } else { taking };
        if fitting.is_empty() {
            if !unknown && !args.loose {
                self.no_such_call(at, schema, name, &candidates, args);
            }
            return None;
        }
        let exact: Vec<&Routine> = fitting.iter().copied().filter(|routine| is_exact(routine, args)).collect();
        let chosen = match (&exact[..], &fitting[..]) {
            ([one], _) | (_, [one]) => vec![*one],
            _ => fitting,
        };
        for routine in &chosen {
            self.refer(at, Target::Function(routine.name.clone(), routine.signature.clone()));
        }
        let [one] = chosen[..] else { return None };
        let one = one.clone();
        if !unknown {
            for (at, expr) in args.exprs.iter().enumerate() {
                let ty = parameter(&one, at, args).and_then(|p| p.ty.clone());
                self.wanted(part, expr, &ty);
            }
        }
        Some(one)
    }

    /// All functions of a name, and whether there may be others.
    fn candidates(&self, schema: Option<&str>, name: &str) -> (Vec<Routine>, bool) {
        let mut all = Vec::new();
        let mut unknown = false;
        let mut look = |schema: &str| match self.env.functions(schema, name) {
            Lookup::Found(found) => all.extend(found),
            Lookup::Unknown => unknown = true,
            Lookup::Missing => {}
        };
        match schema {
            Some(schema) => look(schema),
            None => {
                look("pg_catalog");
                self.path.iter().for_each(|schema| look(schema));
            }
        }
        (all, unknown)
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

    fn no_such_call(
        &mut self,
        at: (usize, usize),
        schema: Option<&str>,
        name: &str,
        candidates: &[Routine],
        args: &Args<'_>,
    ) {
        if self.may_be_made(name) {
            return;
        }
        let written = schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        if let Some(first) = candidates.first() {
            let ways: Vec<String> = candidates.iter().map(|r| format!("`{}({})`", r.name.name, r.signature)).collect();
            let unnamed = args.names.iter().flatten().find(|n| !first.params.iter().any(|p| p.name == **n));
            let message = match unnamed {
                Some(parameter) if candidates.len() == 1 => format!("`{written}` has no parameter `{parameter}`"),
                _ => {
                    let count = args.exprs.len();
                    let s = if count == 1 { "" } else { "s" };
                    format!("`{written}` does not take {count} argument{s}")
                }
            };
            return self.report(at, Problem::WrongArguments, message, Some(format!("it is {}", ways.join(" or "))));
        }
        if args.exprs.len() == 1 && self.is_cast_or_field(schema, name, args) {
            return;
        }
        let elsewhere = self.env.elsewhere(name);
        if schema.is_none() && !elsewhere.is_empty() && !self.fixed_path {
            return;
        }
        let help = match elsewhere.first() {
            Some(other) => Some(format!("write `{other}.{name}`")),
            None => self.env.similar(name, true).map(|near| format!("did you mean `{near}`?")),
        };
        let message = match &help {
            Some(_) if schema.is_none() && !elsewhere.is_empty() => {
                format!("`{name}` is not found with this `search_path`")
            }
            _ => format!("there is no function `{written}`"),
        };
        self.report(at, Problem::UnknownFunction, message, help);
    }

    /// `mood('happy')` is a cast, and `name(row)` a field.
    fn is_cast_or_field(&self, schema: Option<&str>, name: &str, args: &Args<'_>) -> bool {
        let builtin = schema.is_none() && self.env.data_type("pg_catalog", name).found().is_some();
        let own = self.on_path(schema, |schema| self.env.data_type(schema, name));
        if builtin || own != Lookup::Missing {
            return true;
        }
        match &args.types[..] {
            [Some(ty)] => self.env.fields(&ty.schema, &ty.name).is_some_and(|f| f.iter().any(|c| c.name == name)),
            _ => matches!(args.exprs[..], [Expr::Identifier(_) | Expr::CompoundIdentifier(_)]) && args.types == [None],
        }
    }
}

/// Whether a call with these arguments can mean the function, by their number and names.
fn fits(routine: &Routine, args: &Args<'_>) -> bool {
    let inputs: Vec<_> = routine.params.iter().filter(|p| p.is_input()).collect();
    if args.loose {
        return true;
    }
    let variadic = inputs.last().is_some_and(|p| p.mode == "variadic");
    let count = args.exprs.len();
    let given = |at: usize| at < count && args.names[at].is_none();
    // A procedure is called with a value for its `out` parameters, too.
    let all = routine.params.len();
    if count > inputs.len() && !variadic && count != all {
        return false;
    }
    if !args.names.iter().flatten().all(|name| routine.params.iter().any(|p| p.name == *name)) {
        return false;
    }
    inputs.iter().enumerate().all(|(at, p)| {
        let named = args.names.iter().flatten().any(|name| p.name == *name);
        given(at) || named || p.default || p.mode == "variadic"
    })
}

/// Whether the parameters may take values of the types of the arguments.
fn takes(routine: &Routine, args: &Args<'_>) -> bool {
    args.types.iter().enumerate().all(|(at, ty)| {
        let wanted = parameter(routine, at, args).and_then(|p| p.ty.as_ref());
        ty.as_ref().zip(wanted).is_none_or(|(ty, wanted)| may_become(ty, wanted))
    })
}

/// Whether a function that Postgres brings may take arguments of these types; those of a list of any length aside.
fn accept(variant: &Variant, types: &[Ty]) -> bool {
    let fixed = variant.args.len() - usize::from(variant.variadic && !variant.args.is_empty());
    types.iter().zip(&variant.args[..fixed]).all(|(ty, wanted)| accepts(ty, *wanted))
}

/// Whether an argument of a function that Postgres brings may have this type.
fn accepts(ty: &Ty, wanted: Spelled) -> bool {
    ty.as_ref().is_none_or(|ty| takes_type(wanted, ty))
}

fn parameter<'r>(routine: &'r Routine, at: usize, args: &Args<'_>) -> Option<&'r crate::environment::Parameter> {
    match &args.names[at] {
        Some(name) => routine.params.iter().find(|p| p.name == *name),
        None => routine.params.iter().filter(|p| p.is_input()).nth(at).filter(|p| p.mode != "variadic"),
    }
}

/// Whether all arguments have the types of the parameters, where they are known.
fn is_exact(routine: &Routine, args: &Args<'_>) -> bool {
    let mut any = false;
    let exact = args.types.iter().enumerate().all(|(at, ty)| {
        let Some(ty) = ty else { return true };
        any = true;
        let wanted = parameter(routine, at, args).and_then(|p| p.ty.as_ref());
        wanted.is_some_and(|w| w.schema == ty.schema && w.name == ty.name && w.dims == ty.dims)
    });
    exact && (any || args.types.is_empty())
}
