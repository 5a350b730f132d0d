//! Calls: predicates, functions of the spec, and Postgres's own.

use super::expr::Checker;
use super::functions::same_type;
use super::kinds::{Ty, coerces, key};
use super::place::Place;
use crate::formula::Meaning;
use crate::scope::Resolved;
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, codes, nearest};
use specc_expr::{bare_word, exists_path, idents_span, object_name};
use specc_facts::{Context, Kind, Volatility};
use sqlparser::ast::{
    Expr as Ast, Function as Call, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Ident,
    WindowType,
};

/// The arguments of a call.
pub(super) struct Args<'e> {
    pub exprs: Vec<&'e Ast>,
    pub types: Vec<Ty>,
    /// The names that they are given by.
    pub names: Vec<Option<SmolStr>>,
    /// Some have names, or cannot be typed one by one.
    pub loose: bool,
}

impl Checker<'_> {
    pub(crate) fn call(&mut self, ast: &Ast, call: &Call) -> Ty {
        if let Some((path, condition, _)) = exists_path(call) {
            return self.exists_path(path, condition);
        }
        // What it names is found by the analysis of its SQL.
        if specc_expr::as_is(call).is_some() {
            return Ty::Opaque;
        }
        if let Some(ty) = bare_word(call).and_then(|word| self.bare_word(ast, word)) {
            return ty;
        }
        let Some((schema, name)) = object_name(&call.name) else {
            self.arguments(call);
            return Ty::Opaque;
        };
        if schema.is_none() {
            if let Some(id) = self.model.index.predicates.get(&name).copied() {
                let exprs = plain_arguments(call);
                self.predicate_or_function(ast, id, &exprs);
                if let Some(ident) = call.name.0[0].as_ident() {
                    self.meanings.name(ident, Meaning::Spec(Resolved::Predicate(id), None));
                }
                self.predicate_arguments(ast, id, &exprs);
                let span = self.span(ast);
                self.no_predicate_in_argument(span);
                self.no_subquery(span, "a predicate");
                return Ty::builtin("boolean");
            }
            if specc_facts::grammar(&name).is_some()
                && let Some(ty) = self.grammar(ast, call, &name)
            {
                return ty;
            }
        }
        let args = self.arguments(call);
        let aggregate = specc_facts::functions(&name).iter().any(|v| v.kind == Kind::Aggregate);
        let ty = self.named(ast, call, schema.as_deref(), &name, &args);
        if call.over.is_some() {
            self.not_here(ast, "a window function");
        } else if aggregate && schema.is_none() && !self.is_declared(call) {
            self.not_here(ast, "an aggregate");
        }
        ty
    }

    /// Aggregates and window functions need a query around them.
    fn not_here(&mut self, ast: &Ast, what: &str) {
        if self.inside == 0 && self.place != Place::Query {
            let message = format!("{what} cannot stand in {}", self.place.words());
            let help = if self.place.subqueries() {
                "put it into a subquery: `(select … from …)`"
            } else {
                "keep the number in a maintained field: `int = count(…)`"
            };
            self.report(codes::NOT_ALLOWED_HERE, ast, message, Some(help.into()));
        }
    }

    /// What stays the same for the same input is all that an index or a generated column can hold.
    pub(crate) fn not_immutable(&mut self, ast: &Ast, what: String, help: Option<String>) {
        // What a null comes to is folded away.
        if self.place.immutable() && self.inside == 0 && !self.written(ast).contains("null::") {
            let message = format!("{what}, so it cannot stand in {}", self.place.words());
            self.report(codes::NOT_IMMUTABLE, ast, message, help);
        }
    }

    /// An argument of a function: in a rule it may be the row at hand.
    fn given(&mut self, expr: &Ast) -> Ty {
        let row = matches!(expr, Ast::Identifier(_)) && matches!(self.place, Place::Policy | Place::Predicate);
        let outer = std::mem::replace(&mut self.row_argument, row);
        let ty = self.expr(expr);
        self.row_argument = outer;
        ty
    }

    fn arguments<'e>(&mut self, call: &'e Call) -> Args<'e> {
        let mut args = Args { exprs: Vec::new(), types: Vec::new(), names: Vec::new(), loose: false };
        match &call.args {
            FunctionArguments::None => {}
            FunctionArguments::Subquery(query) => {
                self.inside += 1;
                self.query(query);
                self.inside -= 1;
                args.loose = true;
            }
            FunctionArguments::List(list) => {
                for arg in &list.args {
                    match arg {
                        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => {
                            args.loose |= matches!(e, Ast::Prefixed { .. });
                            args.exprs.push(e);
                            args.names.push(None);
                        }
                        FunctionArg::Named { name, arg: FunctionArgExpr::Expr(e), .. }
                        | FunctionArg::ExprNamed {
                            name: Ast::Identifier(name), arg: FunctionArgExpr::Expr(e), ..
                        } => {
                            args.loose = true;
                            args.exprs.push(e);
                            args.names.push(Some(super::names::folded(name)));
                        }
                        FunctionArg::ExprNamed { arg: FunctionArgExpr::Expr(e), .. } => {
                            args.loose = true;
                            args.exprs.push(e);
                        }
                        FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => {}
                        FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(name)) => {
                            self.wildcard(name);
                            args.loose = true;
                        }
                        _ => args.loose = true,
                    }
                }
                for clause in &list.clauses {
                    match clause {
                        FunctionArgumentClause::OrderBy(parts) => {
                            for part in parts {
                                self.expr(&part.expr);
                            }
                        }
                        _ => args.loose = true,
                    }
                }
            }
        }
        args.exprs.extend(call.within_group.iter().map(|o| &o.expr));
        args.types = args.exprs.iter().map(|e| self.given(e)).collect();
        if let Some(filter) = &call.filter {
            let ty = self.expr(filter);
            self.condition(filter, &ty);
        }
        if let Some(WindowType::WindowSpec(spec)) = &call.over {
            for part in spec.partition_by.iter().chain(spec.order_by.iter().map(|o| &o.expr)) {
                self.expr(part);
            }
        }
        args
    }

    /// Functions that only the grammar has; `None` for what the catalog has, too.
    fn grammar(&mut self, ast: &Ast, call: &Call, name: &str) -> Option<Ty> {
        if let Some(value) = specc_facts::grammar(name).and_then(|function| function.value) {
            return Some(self.moment(ast, name, value));
        }
        Some(match name {
            "coalesce" | "greatest" | "least" => {
                let parts = plain_arguments(call);
                let what = format!("the arguments of `{name}`");
                self.same(&parts, &what)
            }
            "nullif" => {
                let parts = plain_arguments(call);
                let types: Vec<Ty> = parts.iter().map(|p| self.expr(p)).collect();
                if let ([a, b], [x, y]) = (&parts[..], &types[..]) {
                    self.compare(ast, "=", (a, x), (b, y));
                }
                types.into_iter().next().unwrap_or(Ty::Opaque)
            }
            "array" => {
                let FunctionArguments::Subquery(query) = &call.args else { return None };
                let columns = self.subquery(ast, query);
                match columns.as_deref() {
                    Some([(_, Ty::Known(element))]) if element.dims == 0 => {
                        Ty::Known(Type { dims: 1, args: Vec::new(), ..element.clone() })
                    }
                    _ => Ty::Opaque,
                }
            }
            "grouping" => {
                self.arguments(call);
                self.not_here(ast, "`grouping`");
                Ty::builtin("int")
            }
            "json_arrayagg" | "json_objectagg" => {
                self.arguments(call);
                self.not_here(ast, "an aggregate");
                Ty::Opaque
            }
            name if specc_expr::is_worded(name) => self.worded(call, name),
            name if !specc_facts::functions(name).is_empty() => return None,
            _ => {
                self.arguments(call);
                Ty::Opaque
            }
        })
    }

    /// A form with words between its arguments: it says the type of its result itself, or has one.
    fn worded(&mut self, call: &Call, name: &str) -> Ty {
        let args = self.arguments(call);
        let mut named = args.exprs.iter().zip(&args.types).filter(|(expr, _)| specc_expr::is_named_type(expr));
        match (named.next(), name) {
            (Some((_, ty)), _) => ty.clone(),
            (None, "json_exists" | "xmlexists") => Ty::builtin("boolean"),
            (None, "json_value" | "json_serialize") => Ty::builtin("text"),
            (None, "json_query") => Ty::builtin("jsonb"),
            (None, "json" | "json_array" | "json_object" | "json_scalar") => Ty::builtin("json"),
            (None, name) if name.starts_with("xml") && name != "xmlattributes" => Ty::builtin("xml"),
            _ => Ty::Opaque,
        }
    }

    /// A value of the session that is said without parentheses.
    pub(super) fn session_value(&mut self, ast: &Ast, idents: &[Ident]) -> Option<Ty> {
        let (name, ty) = specc_expr::value_of_session(idents)?;
        self.meanings.name(&idents[0], Meaning::Sql);
        Some(self.moment(ast, &name, ty))
    }

    fn moment(&mut self, ast: &Ast, name: &str, ty: &str) -> Ty {
        self.not_immutable(ast, format!("`{name}` changes"), None);
        Ty::builtin(ty)
    }

    fn named(&mut self, ast: &Ast, call: &Call, schema: Option<&str>, name: &str, args: &Args<'_>) -> Ty {
        let default = self.model.options.default_schema.clone();
        let model = self.model;
        let places = self.functions(schema, name);
        let declared: Vec<&Function> = places.iter().map(|i| &model.functions[*i]).collect();
        let builtins = schema.is_none_or(|s| s == "pg_catalog" || s == "extensions" || s == default);
        let known = builtins && !specc_facts::functions(name).is_empty();
        let own = schema.is_none() && self.is_postgres_own(name, &declared, args);
        if !declared.is_empty() && !own {
            match self.declared(ast, &declared, args) {
                Some((at, ty)) => {
                    if let Some(ident) = call.name.0[0].as_ident() {
                        self.meanings.name(ident, Meaning::Function(places[at]));
                    }
                    return ty;
                }
                None if known => {}
                None => {
                    if schema.is_some()
                        || declared.iter().all(|f| f.name.schema == default) && !self.typing.sql_mentions(name)
                    {
                        self.wrong_arguments_declared(ast, name, &declared, args);
                    }
                    return Ty::Opaque;
                }
            }
        }
        if known {
            if let Some(ident) = call.name.0[0].as_ident() {
                self.meanings.name(ident, Meaning::Sql);
            }
            return self.builtin(ast, name, args);
        }
        if let Some(schema) = schema
            && let Some((volatility, result)) = specc_facts::platform_function(schema, name)
        {
            let ty = super::kinds::from_table(result).map_or(Ty::Opaque, Ty::Known);
            return if volatility == Volatility::Immutable {
                ty
            } else {
                self.stable(ast, &format!("{schema}.{name}"), ty)
            };
        }
        if !self.no_schema(schema, call.name.0.first().and_then(|part| part.as_ident())) {
            self.unknown_function(call, schema, name, args);
        }
        Ty::Opaque
    }

    pub(super) fn stable(&mut self, ast: &Ast, name: &str, ty: Ty) -> Ty {
        self.not_immutable(ast, format!("`{name}()` changes from one request to the next"), None);
        ty
    }

    fn unknown_function(&mut self, call: &Call, schema: Option<&str>, name: &str, args: &Args<'_>) {
        let one = args.loose || args.exprs.len() == 1;
        let names = self.typing.names();
        if specc_facts::grammar(name).is_some()
            || self.typing.sql_mentions(name)
            || one && super::casts::canonical(name).is_some()
        {
            return;
        }
        let idents: Vec<Ident> = call.name.0.iter().filter_map(|p| p.as_ident().cloned()).collect();
        let span = idents_span(&idents, self.text, self.at);
        if let Some(schema) = schema {
            // Only a slip in the name of a function that the spec declares is certain.
            let siblings =
                self.model.functions.iter().filter(|f| f.name.schema == schema).map(|f| f.name.name.as_str());
            if let Some(near) = nearest(name, siblings).filter(|_| schema != "pg_catalog" && schema != "extensions") {
                let found =
                    Diagnostic::new(codes::UNKNOWN_FUNCTION, span, format!("unknown function `{schema}.{name}`"));
                self.out.push(found.help(format!("did you mean `{schema}.{near}`?")));
            }
            return;
        }
        // A type's name with one argument is a cast.
        let casts =
            names.types.keys().any(|t| t.name == name) || self.model.entities.iter().any(|e| e.name.name == name);
        if !names.closed || casts {
            return;
        }
        let elsewhere = self.model.functions.iter().find(|f| f.name.name == name);
        let mut candidates: Vec<&str> = names.functions.keys().map(SmolStr::as_str).collect();
        candidates.extend(self.model.index.predicates.keys().map(SmolStr::as_str));
        for name in specc_facts::function_names().chain(specc_facts::grammar_names()) {
            candidates.push(name);
        }
        let help = match (foreign(name), elsewhere) {
            (Some(help), _) => Some(help.to_owned()),
            (None, Some(f)) => Some(format!("write `{}.{name}`", f.name.schema)),
            (None, None) => nearest(name, candidates).map(|near| format!("did you mean `{near}`?")),
        };
        let help = help.or_else(|| Some("declare it with `function`, or name it in a `sql` block".to_owned()));
        self.out.push(
            Diagnostic::new(codes::UNKNOWN_FUNCTION, span, format!("unknown function `{name}`")).maybe_help(help),
        );
    }

    /// The first declared function that takes the arguments, and its result.
    fn declared(&mut self, ast: &Ast, declared: &[&Function], args: &Args<'_>) -> Option<(usize, Ty)> {
        let all = declared.iter().copied().enumerate();
        let taken = all.filter(|(_, f)| args.loose || self.takes(f, &args.types)).collect();
        let fit = self.nearest(taken, args);
        let (place, first) = *fit.first()?;
        if fit.len() > 1 {
            let same = fit.iter().all(|(_, f)| returned(f) == returned(first));
            return Some((place, if same { returned(first) } else { Ty::Opaque }));
        }
        let named = args.names.len() == args.exprs.len() && args.names.iter().any(Option::is_some);
        if named && let Some((expr, name)) = unnamed(first, args) {
            let message = format!("`{}` has no parameter `{name}`", first.name.name);
            let inputs = first.params.iter().filter(|p| p.mode != "out" && !p.name.is_empty());
            let names: Vec<String> = inputs.map(|p| format!("`{}`", p.name)).collect();
            self.report(codes::WRONG_ARGUMENTS, expr, message, Some(format!("it takes {}", names.join(", "))));
        } else if !args.loose || named {
            let inputs: Vec<&Param> = first.params.iter().filter(|p| p.mode != "out").collect();
            let param = |at: usize| match args.names.get(at).and_then(Option::as_ref) {
                Some(name) => inputs.iter().find(|p| p.name == *name).copied(),
                None => inputs.get(at).copied(),
            };
            for (at, (expr, found)) in args.exprs.iter().zip(&args.types).enumerate() {
                let Some(param) = param(at) else { continue };
                if !is_pseudo(&param.ty) {
                    self.literal(expr, found, &param.ty, codes::WRONG_ARGUMENTS);
                }
            }
        }
        // A function in SQL may be inlined, and then be immutable after all.
        if first.language == "plpgsql" && first.volatility.as_deref() != Some("immutable") {
            let volatility = first.volatility.as_deref().unwrap_or("volatile");
            let what = format!("`{}` is {volatility}", first.name.name);
            self.not_immutable(
                ast,
                what,
                Some("declare it `immutable` if it gives the same answer at every time".into()),
            );
        }
        Some((place, returned(first)))
    }

    pub(super) fn takes(&self, f: &Function, types: &[Ty]) -> bool {
        let inputs: Vec<&Param> = f.params.iter().filter(|p| p.mode != "out").collect();
        if inputs.iter().any(|p| p.mode == "variadic") {
            return true;
        }
        // Whether the rest have defaults is not known yet.
        types.len() <= inputs.len()
            && types.iter().zip(&inputs).all(|(found, param)| match found {
                // A row is one of its own table, and no other value is one.
                Ty::Known(ty) if is_row(ty) || is_row(&param.ty) => same_type(ty, &param.ty) || is_pseudo(&param.ty),
                Ty::Known(ty) if !is_pseudo(&param.ty) => {
                    coerces(key(self.model, ty), key(self.model, &param.ty), Context::Implicit)
                }
                _ => true,
            })
    }

    fn wrong_arguments_declared(&mut self, ast: &Ast, name: &str, declared: &[&Function], args: &Args<'_>) {
        let signature = |f: &&Function| {
            let inputs = f.params.iter().filter(|p| p.mode != "out");
            let list: Vec<String> = inputs.map(|p| self.describe(&p.ty)).collect();
            format!("`{}({})`", f.name.name, list.join(", "))
        };
        let list: Vec<String> = declared.iter().take(4).map(signature).collect();
        let message = format!("`{name}` does not take {}", self.listed(&args.types));
        self.report(codes::WRONG_ARGUMENTS, ast, message, Some(format!("it is declared as {}", list.join(", "))));
    }

    pub(super) fn listed(&self, types: &[Ty]) -> String {
        if types.is_empty() {
            return "no arguments".to_owned();
        }
        let one = |t: &Ty| match t {
            Ty::Known(t) => self.describe(t),
            _ => "…".to_owned(),
        };
        format!("`({})`", types.iter().map(one).collect::<Vec<_>>().join(", "))
    }
}

pub(super) fn count(n: usize) -> String {
    match n {
        0 => "no arguments".to_owned(),
        1 => "one argument".to_owned(),
        n => format!("{n} arguments"),
    }
}

fn plain_arguments(call: &Call) -> Vec<&Ast> {
    let FunctionArguments::List(list) = &call.args else { return Vec::new() };
    list.args
        .iter()
        .filter_map(|arg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e),
            _ => None,
        })
        .collect()
}

pub(super) fn is_pseudo(ty: &Type) -> bool {
    matches!(&ty.base, Base::Builtin(n) if n.starts_with("any") || n == "record") || ty.base == Base::Unknown
}

fn is_row(ty: &Type) -> bool {
    matches!(ty.base, Base::Row(_))
}

pub(super) fn returned(f: &Function) -> Ty {
    match &f.returns {
        Some(Returns::Type(ty)) if !is_pseudo(ty) => Ty::of(ty),
        _ => Ty::Opaque,
    }
}

/// The first value that is given by a name that no parameter has.
fn unnamed<'e>(f: &Function, args: &Args<'e>) -> Option<(&'e Ast, SmolStr)> {
    let mut named = args.exprs.iter().zip(&args.names).filter_map(|(expr, name)| Some((*expr, name.clone()?)));
    named.find(|(_, name)| !f.params.iter().any(|p| p.name == *name))
}

/// The built-in type with this name.
pub(super) fn named_type(name: &str) -> Option<Type> {
    let name = specc_facts::type_info(name).map(|i| i.name).or_else(|| super::casts::canonical(name))?;
    super::kinds::from_table(specc_facts::Spelled { name, array: false })
}

/// Functions of other systems.
fn foreign(name: &str) -> Option<&'static str> {
    Some(match name {
        "ifnull" | "isnull" | "nvl" => "write `coalesce(…)`",
        "getdate" | "sysdate" | "curdate" | "utc_timestamp" => "write `now()` or `current_date`",
        "len" => "write `length(…)`",
        "uuid" | "newid" | "generate_uuid" | "uuid_v4" => "write `gen_random_uuid()`",
        "datediff" => "dates are subtracted with `-`",
        "dateadd" | "date_add_days" => "write `… + interval '1 day'`",
        "group_concat" => "write `string_agg(…, ',')`",
        "rand" => "write `random()`",
        "if" | "iif" => "write `case when … then … else … end`",
        "json_extract" => "write `->` or `->>`",
        "ucase" => "write `upper(…)`",
        "lcase" => "write `lower(…)`",
        _ => return None,
    })
}
