//! Calls of functions that Postgres has.

use super::calls::{Args, named_type};
use super::expr::Checker;
use super::kinds::{Key, Ty, builtin, coerces, key};
use super::place::Place;
use super::resolve::{Outcome, literal_type, params, resolve, volatility};
use crate::types::*;
use specc_diag::codes;
use specc_facts::{Context, Kind, Variant, Volatility};
use sqlparser::ast::{Expr as Ast, TrimWhereField};

impl Checker<'_> {
    pub(super) fn builtin(&mut self, ast: &Ast, name: &str, args: &Args<'_>) -> Ty {
        let all = specc_facts::functions(name);
        if args.loose {
            let same = all.iter().all(|v| v.result == all[0].result);
            return if same {
                super::kinds::from_table(all[0].result).map_or(Ty::Opaque, Ty::Known)
            } else {
                Ty::Opaque
            };
        }
        let variants: Vec<&Variant> = all.iter().filter(|v| self.typing.has_extension(v.extension)).collect();
        if variants.is_empty() {
            let extension = all[0].extension;
            // Supabase has these from the start.
            if !(self.model.options.target == Target::Supabase && matches!(extension, "pgcrypto" | "uuid-ossp")) {
                let message = format!("`{name}` comes from the extension `{extension}`, which is not declared");
                let help = match name {
                    "uuid_generate_v4" => "write `gen_random_uuid()`, which needs no extension".to_owned(),
                    _ => format!("add `extension {extension}` to one of the files"),
                };
                self.report(codes::UNKNOWN_EXTENSION, ast, message, Some(help));
            }
        }
        let variants = if variants.is_empty() { all.iter().collect() } else { variants };
        if args.types[..] == [Ty::Literal]
            && let Some(ty) = named_type(name)
        {
            self.literal(args.exprs[0], &Ty::Literal, &ty, codes::WRONG_ARGUMENTS);
            return Ty::Known(ty);
        }
        match resolve(self.model, variants.iter().copied(), &args.types, false) {
            Outcome::One(v, ty) => {
                for (i, (expr, found)) in args.exprs.iter().zip(&args.types).enumerate() {
                    if let Some(wanted) = literal_type(self.model, v, &args.types, i) {
                        self.literal(expr, found, &wanted, codes::WRONG_ARGUMENTS);
                    }
                }
                if v.set {
                    self.set_returning(ast, name);
                }
                let volatility = volatility(self.model, v, &args.types);
                if volatility != Volatility::Immutable && v.kind == Kind::Function {
                    self.volatile(ast, name, v, volatility, args);
                }
                ty
            }
            Outcome::Several(fit, ty) => {
                if fit.iter().all(|v| v.volatility != Volatility::Immutable && v.kind == Kind::Function) {
                    self.volatile(ast, name, fit[0], fit[0].volatility, args);
                }
                ty
            }
            Outcome::None => {
                if let Some(ty) = self.cast_by_name(name, args) {
                    return ty;
                }
                self.wrong_arguments(ast, name, &variants, args);
                let result = variants[0].result;
                let same = variants.iter().all(|v| v.result == result);
                if same { super::kinds::from_table(result).map_or(Ty::Opaque, Ty::Known) } else { Ty::Opaque }
            }
        }
    }

    /// `text(x)`: a type's name with one argument is a cast.
    pub(super) fn cast_by_name(&self, name: &str, args: &Args<'_>) -> Option<Ty> {
        let [Ty::Known(from)] = &args.types[..] else { return None };
        let target = named_type(name)?;
        coerces(key(self.model, from), key(self.model, &target), Context::Explicit).then_some(Ty::Known(target))
    }

    fn set_returning(&mut self, ast: &Ast, name: &str) {
        if self.inside == 0 && !matches!(self.place, Place::Query | Place::Seed) {
            let message = format!("`{name}` gives many rows, so it cannot stand in {}", self.place.words());
            let help = "compare with `any (…)`, or put it into a subquery's `from`";
            self.report(codes::NOT_ALLOWED_HERE, ast, message, Some(help.into()));
        }
    }

    fn volatile(&mut self, ast: &Ast, name: &str, v: &Variant, volatility: Volatility, args: &Args<'_>) {
        let zone = v.args.iter().any(|a| a.name == "timestamptz");
        let what = match volatility {
            Volatility::Stable if zone => format!("`{name}` depends on the session's time zone"),
            Volatility::Stable if args.exprs.is_empty() => format!("`{name}()` changes from one call to the next"),
            Volatility::Stable => format!("`{name}` depends on settings"),
            _ => format!("`{name}` gives a different answer each time"),
        };
        let help = match name {
            "concat" | "concat_ws" => Some("join with `||`, and `coalesce(…, '')` where a part may be null".to_owned()),
            "to_tsvector" | "to_tsquery" | "plainto_tsquery" | "websearch_to_tsquery" | "phraseto_tsquery" => {
                Some(format!("name the language: `{name}('english', …)`"))
            }
            "date_trunc" | "date_part" | "extract" if zone => Some("fix the zone: `… at time zone 'utc'`".to_owned()),
            "now" | "clock_timestamp" | "transaction_timestamp" | "statement_timestamp" => {
                Some("store the moment in a column with a default".to_owned())
            }
            "random" | "gen_random_uuid" | "uuid_generate_v4" | "nextval" => {
                let call = if args.exprs.is_empty() { "()" } else { "(…)" };
                Some(format!("make it a default, which is set once: `= {name}{call}`"))
            }
            _ if zone => Some("fix the zone: `… at time zone 'utc'`".to_owned()),
            "unaccent" => Some("wrap it in a function of yours that is declared `immutable`".to_owned()),
            _ => None,
        };
        self.not_immutable(ast, what, help);
    }

    pub(super) fn wrong_arguments(&mut self, ast: &Ast, name: &str, variants: &[&Variant], args: &Args<'_>) {
        let signature = |v: &&Variant| {
            let list: Vec<String> = v.args.iter().map(ToString::to_string).collect();
            format!("`{name}({})`", list.join(", "))
        };
        let mut list: Vec<String> = variants.iter().map(signature).collect();
        list.dedup();
        let more = if list.len() > 4 { ", …" } else { "" };
        list.truncate(4);
        let message = format!("`{name}` does not take {}", self.listed(&args.types));
        let mut help = format!("it is {}{more}", list.join(", "));
        // One argument that a cast would fit.
        if let [only] = variants
            && args.types.len() == only.args.len()
        {
            let wanted = params(only, args.types.len());
            for ((expr, found), param) in args.exprs.iter().zip(&args.types).zip(wanted) {
                if let Ty::Known(ty) = found
                    && !coerces(key(self.model, ty), Key::Table(param), Context::Implicit)
                    && coerces(key(self.model, ty), Key::Table(param), Context::Explicit)
                {
                    help = format!("write `{}::{param}`", self.operand(expr));
                }
            }
        }
        self.report(codes::WRONG_ARGUMENTS, ast, message, Some(help));
    }

    /// What has a form of its own in the grammar, but is a function all the same.
    pub(crate) fn special_call(&mut self, ast: &Ast) -> Ty {
        let mut literal = None;
        let (name, exprs): (&str, Vec<&Ast>) = match ast {
            Ast::Extract { expr, .. } => {
                literal = Some(());
                ("extract", vec![expr])
            }
            Ast::Ceil { expr, .. } => ("ceil", vec![expr]),
            Ast::Floor { expr, .. } => ("floor", vec![expr]),
            Ast::Position { expr, r#in } => ("position", vec![r#in, expr]),
            Ast::Substring { expr, substring_from, substring_for, .. } => {
                if substring_from.is_none() {
                    self.expr(expr);
                    substring_for.iter().for_each(|e| drop(self.expr(e)));
                    return Ty::builtin("text");
                }
                let parts = [Some(expr), substring_from.as_ref(), substring_for.as_ref()];
                ("substring", parts.into_iter().flatten().map(|e| &**e).collect())
            }
            Ast::Trim { expr, trim_where, trim_what, trim_characters } => {
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                    _ => "btrim",
                };
                let what = trim_what.iter().map(|e| &**e).chain(trim_characters.iter().flatten());
                (name, std::iter::once(&**expr).chain(what).collect())
            }
            Ast::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let parts = [Some(expr), Some(overlay_what), Some(overlay_from), overlay_for.as_ref()];
                ("overlay", parts.into_iter().flatten().map(|e| &**e).collect())
            }
            _ => return Ty::Opaque,
        };
        let mut types: Vec<Ty> = exprs.iter().map(|e| self.expr(e)).collect();
        let mut exprs = exprs;
        if literal.is_some() {
            // The field comes first; it is a word, not an expression.
            types.insert(0, Ty::Known(builtin("text")));
            exprs.insert(0, ast);
        }
        self.builtin(ast, name, &Args { exprs, types, names: Vec::new(), loose: false })
    }
}
