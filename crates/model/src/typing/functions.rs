//! Which function a call means where several have its name: as Postgres decides, its own schema comes first, then the
//! default one, and what another schema has is only meant with its name.

use super::calls::{Args, is_pseudo};
use super::expr::{Checker, From, Source};
use super::kinds::{Key, Ty, key};
use super::resolve::{Outcome, params, resolve};
use crate::formula::Meaning;
use crate::types::*;
use specc_diag::codes;
use specc_facts::Kind;
use sqlparser::ast::{Expr as Ast, Function as Call};

impl Checker<'_> {
    /// The functions of the spec that a call can mean: of the schema that is written, or of the default one.
    pub(super) fn functions(&self, schema: Option<&str>, name: &str) -> Vec<usize> {
        let schema = schema.unwrap_or(&self.model.options.default_schema);
        let all = self.typing.names().functions.get(name).into_iter().flatten().copied();
        all.filter(|at| self.model.functions[*at].name.schema == schema).collect()
    }

    /// Whether Postgres takes a function of its own for a call without a schema: where one fits, and none of the spec's
    /// fits better.
    pub(super) fn is_postgres_own(&self, name: &str, declared: &[&Function], args: &Args<'_>) -> bool {
        let own = specc_facts::functions(name).iter().filter(|v| v.extension == "-");
        if args.loose {
            return declared.is_empty();
        }
        let exact = declared.iter().any(|f| is_exact(f, args));
        let fitting = match resolve(self.model, own, &args.types, false) {
            Outcome::None => return false,
            // Of two with the same parameters, its own comes first on every path.
            Outcome::One(v, _) if exact => {
                return params(v, args.types.len()).iter().zip(&args.types).all(|(p, ty)| match ty {
                    Ty::Known(ty) => key(self.model, ty) == Key::Table(*p),
                    _ => false,
                });
            }
            _ if exact => return false,
            Outcome::One(v, _) => vec![v],
            Outcome::Several(all, _) => all,
        };
        let taking = declared.iter().filter(|f| self.takes(f, &args.types));
        let inputs =
            |f: &&&Function| f.params.iter().filter(|p| p.mode != "out").map(|p| key(self.model, &p.ty)).collect();
        let given = args.types.iter().map(|ty| match ty {
            Ty::Known(ty) => Given::Known(key(self.model, ty)),
            Ty::Literal => Given::Literal,
            Ty::Opaque => Given::Unknown,
        });
        let of_postgres = fitting.iter().map(|v| {
            let keys = params(v, args.types.len()).into_iter().map(Key::Table).collect();
            Candidate { keys, own: true }
        });
        let all = of_postgres.chain(taking.map(|f| Candidate { keys: inputs(&f), own: false })).collect();
        preferred(all, &given.collect::<Vec<_>>()).iter().any(|candidate| candidate.own)
    }

    /// Those of several functions that Postgres prefers: with the most arguments of just the parameter's type, then with
    /// texts where the author wrote `'…'`.
    pub(super) fn nearest<'f>(
        &self,
        mut fit: Vec<(usize, &'f Function)>,
        args: &Args<'_>,
    ) -> Vec<(usize, &'f Function)> {
        if args.loose || fit.len() < 2 {
            return fit;
        }
        let count = |f: &Function, wanted: &dyn Fn(&Ty, &Type) -> bool| {
            let inputs = f.params.iter().filter(|p| p.mode != "out");
            inputs.zip(&args.types).filter(|(param, ty)| wanted(ty, &param.ty)).count()
        };
        let same = |ty: &Ty, param: &Type| matches!(ty, Ty::Known(ty) if same_type(ty, param));
        let text = |ty: &Ty, param: &Type| *ty == Ty::Literal && key(self.model, param).category() == b'S';
        type Wish<'w> = &'w dyn Fn(&Ty, &Type) -> bool;
        for wanted in [&same as Wish<'_>, &text] {
            let most = fit.iter().map(|(_, f)| count(f, wanted)).max().unwrap_or(0);
            fit.retain(|(_, f)| count(f, wanted) == most);
        }
        fit
    }

    /// `b.f` for `f(b)`: what a function gives that takes a row of the table alone, where no column has its name.
    pub(super) fn function_of(&self, from: &From, rest: &[&str]) -> Option<Ty> {
        let (Source::Entity(entity), [name]) = (&from.source, rest) else { return None };
        let row = |ty: &Type| ty.base == Base::Row(*entity) && ty.dims == 0;
        let places = self.functions(None, name);
        let mut functions = places.iter().map(|at| &self.model.functions[*at]);
        let column = self.model.field(*entity, name).is_some() || self.model.step(*entity, name).is_some();
        functions.find(|f| !column && matches!(&f.params[..], [param] if row(&param.ty))).map(super::calls::returned)
    }

    /// Whether a call was found to be one of a function of the spec.
    pub(super) fn is_declared(&self, call: &Call) -> bool {
        let ident = call.name.0.first().and_then(|part| part.as_ident());
        matches!(ident.and_then(|ident| self.meanings.of(ident)), Some(Meaning::Function(_)))
    }

    /// Says where a call could be one of a predicate or of a function.
    pub(super) fn predicate_or_function(&mut self, ast: &Ast, id: PredicateId, args: &[&Ast]) {
        let Predicate { name, params, .. } = &self.model.predicates[id.0 as usize];
        let values = params.iter().all(|param| matches!(param.kind, ParamKind::Value(_)));
        let own = specc_facts::functions(name).iter().filter(|v| v.kind == Kind::Function && v.extension == "-");
        let (of, schema) = match self.functions(None, name).is_empty() {
            false => ("a function of the spec", self.model.options.default_schema.as_str()),
            true if values && own.into_iter().any(|v| v.args.len() == args.len()) => {
                ("a function of Postgres", "pg_catalog")
            }
            true => return,
        };
        let message = format!("`{name}` is a predicate, and {of}");
        let help = format!("write `{schema}.{name}(…)` for the function, or give one of the two another name");
        self.report(codes::AMBIGUOUS, ast, message, Some(help));
    }
}

/// A function that takes the arguments: the types of its parameters, and whether it is one of Postgres's own.
struct Candidate {
    keys: Vec<Key>,
    own: bool,
}

/// An argument as Postgres sees it when it chooses.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    Known(Key),
    Literal,
    Unknown,
}

/// Those of all candidates that Postgres prefers: with the most parameters of just the argument's type, then with the most that are
/// preferred in its category, then with texts for literals, or the one category that all have.
fn preferred(mut all: Vec<Candidate>, given: &[Given]) -> Vec<Candidate> {
    if given.contains(&Given::Unknown) {
        return all;
    }
    for like in [false, true] {
        let count = |candidate: &Candidate| {
            let pairs = candidate.keys.iter().zip(given);
            pairs
                .filter(|(key, given)| match given {
                    Given::Known(own) => *key == own || like && key.category() == own.category() && key.preferred(),
                    _ => false,
                })
                .count()
        };
        let most = all.iter().map(count).max().unwrap_or(0);
        all.retain(|candidate| count(candidate) == most);
    }
    for at in (0..given.len()).filter(|at| given[*at] == Given::Literal) {
        let category = |candidate: &Candidate| candidate.keys.get(at).map_or(b'U', |key| key.category());
        let wanted = match all.first() {
            _ if all.iter().any(|candidate| category(candidate) == b'S') => b'S',
            Some(first) if all.iter().all(|candidate| category(candidate) == category(first)) => category(first),
            _ => break,
        };
        let best = |candidate: &Candidate| candidate.keys.get(at).is_some_and(|key| key.preferred());
        let any = all.iter().any(|candidate| category(candidate) == wanted && best(candidate));
        all.retain(|candidate| category(candidate) == wanted && (!any || best(candidate)));
    }
    all
}

/// Whether the arguments have the types of the parameters, one for one.
pub(super) fn is_exact(f: &Function, args: &Args<'_>) -> bool {
    let inputs = f.params.iter().filter(|p| p.mode != "out");
    !args.loose
        && inputs.clone().count() == args.types.len()
        && inputs.zip(&args.types).all(|(param, ty)| match ty {
            Ty::Known(ty) => !is_pseudo(&param.ty) && same_type(ty, &param.ty),
            _ => false,
        })
}

/// Whether two types are one, their lengths aside.
pub(super) fn same_type(a: &Type, b: &Type) -> bool {
    a.base == b.base && a.dims == b.dims
}
