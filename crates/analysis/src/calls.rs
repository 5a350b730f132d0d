//! Calls of functions.

use crate::environment::{Lookup, Routine};
use crate::find::{idents, place};
use crate::query::plain;
use crate::scope::Ty;
use crate::text::{Part, folded};
use crate::walk::Walk;
use crate::{Problem, Target};
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_expr::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Ident,
    Spanned, WindowType,
};
use specc_facts::Context;

/// The arguments of a call.
#[derive(Default)]
pub(crate) struct Args<'e> {
    pub(crate) exprs: Vec<&'e Expr>,
    pub(crate) types: Vec<Ty>,
    pub(crate) names: Vec<Option<SmolStr>>,
    /// There may be more or fewer than are written.
    pub(crate) loose: bool,
    /// It stands behind `call`.
    procedure: bool,
}

impl Walk<'_> {
    pub(crate) fn call(&mut self, part: &Part<'_>, call: &Function) -> Ty {
        let procedure = std::mem::take(&mut self.calling);
        let mut args = Args::default();
        match &call.args {
            FunctionArguments::None => {
                // A word of the grammar: `current_date`.
                let name = idents(&call.name).and_then(|all| all.last().map(|ident| folded(ident)));
                let value = name.and_then(|name| specc_facts::grammar(&name)).and_then(|grammar| grammar.value);
                if let (Some(value), 1) = (value, call.name.0.len()) {
                    return plain(value);
                }
            }
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
        args.procedure = procedure;
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
                    let one = crate::expr::common(args.exprs.iter().copied().zip(args.types.iter().cloned()));
                    for expr in &args.exprs {
                        self.wanted(part, expr, &one);
                    }
                    if let ("nullif", [a, b]) = (name, &args.types[..]) {
                        self.operands(part, args.exprs[1], &BinaryOperator::Eq, a, b);
                    }
                    if name == "coalesce" {
                        args.exprs.iter().for_each(|expr| self.no_set(part, expr, name));
                    }
                    if name != "nullif" {
                        let values = args.exprs.iter().copied().zip(&args.types);
                        self.one_type(part, &format!("`{name}`"), values);
                    }
                    return one;
                }
                name if specc_facts::takes_sequence(name) => {
                    self.out.acts |= name != "currval";
                    if let Some(Expr::Value(value)) = args.exprs.first() {
                        self.relation_in_string(part, value, false);
                    }
                    return plain("bigint");
                }
                "row" => return crate::scope::record(),
                "merge_action" if !self.merged => {
                    let message = "`merge_action` says nothing outside `returning` of a `merge`";
                    self.report(at, Problem::NotHere, message, Some("write it behind `merge … returning`".into()));
                    return plain("text");
                }
                _ => {}
            }
        }
        match self.routine(part, at, &written, &args) {
            Some(found) if !found.pseudo.is_empty() => Some(DataType::builtin(found.pseudo)),
            Some(found) => found.returns.filter(|_| !found.opaque && found.columns.is_empty()),
            None => {
                if written_all && !misformed {
                    self.no_built_in(at, &written, &args, &within);
                }
                if let [ident] = written[..] {
                    self.literals_of_call(part, &folded(ident), &args, self.is_built_in(&written));
                }
                self.built_in(&written, &args)
            }
        }
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
            if let (None, true, FunctionArgExpr::Expr(expr)) = (&name, args.names.iter().any(Option::is_some), arg) {
                let message = "a value without a name stands behind one with a name";
                let help = "write its name before it: `name => …`".to_owned();
                self.report_at(part, expr.span(), Problem::WrongArguments, message, Some(help));
                args.loose = true;
            }
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
        if self.no_schema(at, schema) {
            return None;
        }
        let (mut candidates, unknown) = self.candidates(schema, name);
        let meant = |routine: &Routine| routine.procedure.is_none_or(|procedure| procedure == args.procedure);
        if !unknown && !candidates.is_empty() && !candidates.iter().any(meant) && !self.may_be_made(name) {
            let (message, help) = match args.procedure {
                true => (
                    format!("`{name}` is a function, and `call` is for procedures"),
                    "write `select …`, or `perform …` in PL/pgSQL",
                ),
                false => (format!("`{name}` is a procedure, and gives no value"), "write `call …`"),
            };
            self.report(at, Problem::NotHere, message, Some(help.into()));
            return None;
        }
        candidates.retain(meant);
        let fitting: Vec<&Routine> = candidates.iter().filter(|routine| fits(routine, args)).collect();
        // What takes no value of these types is not meant, where another does.
        let taking: Vec<&Routine> = fitting.iter().copied().filter(|routine| self.takes(routine, args)).collect();
        if taking.is_empty() && !fitting.is_empty() && !unknown && !args.loose && !self.may_be_made(name) {
            self.no_such_types(at, schema, name, &fitting, args);
            return None;
        }
        let fitting = if taking.is_empty() { fitting } else { taking };
        if fitting.is_empty() {
            if !unknown && !args.loose {
                self.no_such_call(at, schema, name, &candidates, args);
            }
            return None;
        }
        let exact: Vec<&Routine> = fitting.iter().copied().filter(|routine| is_exact(routine, args)).collect();
        if let [one, other, ..] = exact[..]
            && !args.loose
            && !unknown
            && is_the_same(one, other, args)
        {
            let ways = format!("`{}({})` and `{}({})`", one.name.name, one.signature, other.name.name, other.signature);
            let help = "leave out the default of one of them, or give the value that it stands for".to_owned();
            self.report(at, Problem::Ambiguous, format!("{ways} both take these arguments"), Some(help));
            return None;
        }
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

    /// Whether parameters of any type get values that are of one, where they have to be.
    fn polymorphic(&self, routine: &Routine, args: &Args<'_>) -> bool {
        let mut one: Option<DataType> = None;
        let mut compatible: Option<DataType> = None;
        args.types.iter().enumerate().all(|(at, ty)| {
            let Some(word) = parameter(routine, at, args).map(|p| p.any.clone()) else { return true };
            let Some(ty) = ty.as_ref().filter(|ty| self.kind(ty).is_some()) else { return true };
            let array = word.ends_with("array") && !word.ends_with("nonarray");
            if array && ty.dims == 0 && matches!(self.kind(ty), Some((_, false))) {
                return false;
            }
            let ty = if array { DataType { dims: 0, args: Vec::new(), ..ty.clone() } } else { ty.clone() };
            let same = |a: &DataType, b: &DataType| a.schema == b.schema && a.name == b.name && a.dims == b.dims;
            match &*word {
                "anyelement" | "anyarray" | "anynonarray" | "anyenum" => {
                    let before = one.get_or_insert_with(|| ty.clone());
                    same(before, &ty)
                }
                "anycompatible" | "anycompatiblearray" | "anycompatiblenonarray" => {
                    let before = compatible.get_or_insert_with(|| ty.clone());
                    self.coerces(before, &ty, Context::Implicit) || self.coerces(&ty, before, Context::Implicit)
                }
                _ => true,
            }
        })
    }

    /// Whether the parameters may take values of the types of the arguments.
    fn takes(&self, routine: &Routine, args: &Args<'_>) -> bool {
        self.polymorphic(routine, args)
            && args.types.iter().enumerate().all(|(at, ty)| {
                let wanted = parameter(routine, at, args).and_then(|p| p.ty.as_ref());
                ty.as_ref().zip(wanted).is_none_or(|(ty, wanted)| self.coerces(ty, wanted, Context::Implicit))
            })
    }

    /// Says that a function takes no values of these types.
    fn no_such_types(
        &mut self,
        at: (usize, usize),
        schema: Option<&str>,
        name: &str,
        candidates: &[&Routine],
        args: &Args<'_>,
    ) {
        let written = schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        let shown = |ty: &Ty| ty.as_ref().map_or_else(|| "`…`".to_owned(), |ty| format!("`{ty}`"));
        let given: Vec<String> = args.types.iter().map(shown).collect();
        let ways: Vec<String> = candidates.iter().map(|r| format!("`{}({})`", r.name.name, r.signature)).collect();
        let message = format!("there is no `{written}` for {}", given.join(", "));
        let help = format!("it is {}: cast what does not fit", ways.join(" or "));
        self.report(at, Problem::WrongArguments, message, Some(help));
    }

    /// All functions of a name, and whether there may be others.
    pub(crate) fn candidates(&self, schema: Option<&str>, name: &str) -> (Vec<Routine>, bool) {
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
                _ if args.names.iter().flatten().any(|n| given_twice(first, n, args)) => {
                    format!("`{written}` gets a parameter twice")
                }
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

/// Whether a parameter that is given by its name is given by its place, too, or by its name again.
fn given_twice(routine: &Routine, name: &SmolStr, args: &Args<'_>) -> bool {
    let positional = args.names.iter().take_while(|name| name.is_none()).count();
    let place = routine.params.iter().filter(|p| p.is_input()).position(|p| p.name == *name);
    place.is_some_and(|at| at < positional) || args.names.iter().flatten().filter(|other| *other == name).count() > 1
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
    if count > inputs.len() && !variadic && (count != all || routine.procedure == Some(false)) {
        return false;
    }
    if args.names.iter().flatten().any(|name| given_twice(routine, name, args)) {
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

fn parameter<'r>(routine: &'r Routine, at: usize, args: &Args<'_>) -> Option<&'r crate::environment::Parameter> {
    match &args.names[at] {
        Some(name) => routine.params.iter().find(|p| p.name == *name),
        None => routine.params.iter().filter(|p| p.is_input()).nth(at).filter(|p| p.mode != "variadic"),
    }
}

/// Whether two functions of a schema take the arguments in parameters of the same types, so that only defaults tell them apart: Postgres
/// takes neither then.
fn is_the_same(one: &Routine, other: &Routine, args: &Args<'_>) -> bool {
    let variadic = |routine: &Routine| routine.params.iter().any(|p| p.mode == "variadic");
    let same = |at: usize| match (parameter(one, at, args), parameter(other, at, args)) {
        (Some(a), Some(b)) => a.ty.is_some() && a.ty == b.ty,
        _ => false,
    };
    one.name.schema == other.name.schema && !variadic(one) && !variadic(other) && (0..args.exprs.len()).all(same)
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
