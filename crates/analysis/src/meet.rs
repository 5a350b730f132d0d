//! Types that do not meet: what no operator and no function takes, and columns and branches that are of no one type.

use crate::Problem;
use crate::scope::Ty;
use crate::text::Part;
use crate::types::{from_table, may_become};
use crate::walk::Walk;
use specc_catalog::DataType;
use specc_expr::sqlparser::ast::{BinaryOperator, Expr, Spanned, Value};
use specc_expr::sqlparser::tokenizer::Span;
use specc_facts::{Context, Spelled};

/// A type of Postgres's own of which everything is known.
fn told(ty: &Ty) -> Option<&DataType> {
    let ty = ty.as_ref().filter(|ty| ty.schema.is_empty() && !specc_facts::is_pseudo_type(&ty.name))?;
    specc_facts::type_info(&ty.name).is_some_and(|info| info.extension == "-").then_some(ty)
}

/// Types of different categories never become one; those that are in none of these are left alone.
fn category(ty: &Ty) -> Option<u8> {
    let ty = told(ty)?;
    if ty.dims > 0 {
        return Some(b'A');
    }
    let category = specc_facts::type_info(&ty.name)?.category;
    b"BDNSTUIGV".contains(&category).then_some(category)
}

/// Whether what an operator or a function of the tables takes may be of a type of Postgres's own.
pub(crate) fn takes(wanted: Spelled, ty: &DataType) -> bool {
    if told(&Some(ty.clone())).is_none() {
        return true;
    }
    if !specc_facts::is_pseudo_type(wanted.name) {
        // A type of an extension takes no other by itself, unless a cast says so.
        let own = specc_facts::type_info(wanted.name).is_none_or(|info| info.extension == "-");
        let from = Spelled { name: specc_facts::type_info(&ty.name).map_or("", |info| info.name), array: ty.dims > 0 };
        let cast = || specc_facts::cast(from, wanted).is_some_and(|cast| cast.context == Context::Implicit);
        return if own { from_table(wanted).is_none_or(|wanted| may_become(ty, &wanted)) } else { cast() };
    }
    match wanted.name {
        _ if wanted.array => ty.dims > 0,
        "anyarray" | "anycompatiblearray" => ty.dims > 0 || ty.name.ends_with("vector"),
        "anyenum" | "record" => false,
        name if name.contains("range") => ty.dims == 0 && ty.name.ends_with("range"),
        _ => true,
    }
}

impl Walk<'_> {
    /// Says where no operator takes these two.
    pub(crate) fn operands(&mut self, part: &Part<'_>, whole: &Expr, op: &BinaryOperator, a: &Ty, b: &Ty) {
        let (Some(left), Some(right)) = (told(a), told(b)) else { return };
        let sign = op.to_string();
        let mut variants = specc_facts::operators(&sign).iter().filter(|v| v.args.len() == 2).peekable();
        if variants.peek().is_none() || self.env.may_have_operators() {
            return;
        }
        if variants.any(|v| takes(v.args[0], left) && takes(v.args[1], right)) {
            return;
        }
        let message = format!("there is no `{sign}` for `{left}` and `{right}`");
        let help = format!("cast one of the two: `…::{left}`");
        self.report_at(part, whole.span(), Problem::Types, message, Some(help));
    }

    /// Resolves what has to be true or false, and says where it never is.
    pub(crate) fn condition(&mut self, part: &Part<'_>, place: &str, expr: &Expr) {
        let ty = self.expr(part, expr);
        if let Some(ty) = told(&ty).filter(|ty| ty.dims > 0 || ty.name != "boolean") {
            let message = format!("what stands in `{place}` is of type `{ty}`, and has to be true or false");
            let help = "compare it with something".to_owned();
            self.report_at(part, expr.span(), Problem::Types, message, Some(help));
        }
    }

    /// Says where values that have to be of one type cannot be: the branches of a `case`, the arguments of a `coalesce`.
    pub(crate) fn one_type<'e>(
        &mut self,
        part: &Part<'_>,
        what: &str,
        values: impl Iterator<Item = (&'e Expr, &'e Ty)>,
    ) {
        let mut first: Option<(u8, &Ty)> = None;
        for (expr, ty) in values {
            let Some(found) = category(ty) else { continue };
            match first {
                None => first = Some((found, ty)),
                Some((other, before)) if other != found => {
                    let (Some(a), Some(b)) = (before, ty) else { return };
                    let message = format!("{what} gives `{a}` and `{b}`, which are no one type");
                    let help = format!("cast this value: `…::{a}`");
                    return self.report_at(part, expr.span(), Problem::Types, message, Some(help));
                }
                Some(_) => {}
            }
        }
    }

    /// Says where two columns that become one cannot.
    pub(crate) fn one_column(&mut self, part: &Part<'_>, area: Span, at: usize, a: &Ty, b: &Ty) {
        if let (Some(x), Some(y), Some(a), Some(b)) = (category(a), category(b), a, b)
            && x != y
        {
            let message = format!("column {} is `{a}` in one query and `{b}` in the other", at + 1);
            self.report_at(part, area, Problem::Types, message, Some(format!("cast it: `…::{a}`")));
        }
    }

    /// `limit` and `offset` take a number.
    pub(crate) fn row_count(&mut self, part: &Part<'_>, word: &str, expr: &Expr) {
        let ty = self.expr(part, expr);
        self.no_set(part, expr, word);
        let text = match expr {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => Some(text.trim().parse::<i64>().is_err()),
                _ => None,
            },
            _ => None,
        };
        if text.unwrap_or_else(|| category(&ty).is_some_and(|found| found != b'N')) {
            let message = format!("`{word}` takes a number of rows");
            self.report_at(part, expr.span(), Problem::Types, message, Some(format!("write a number: `{word} 10`")));
        }
    }
}

/// Whether a value is surely no array.
pub(crate) fn is_no_array(ty: &Ty) -> bool {
    category(ty).is_some_and(|found| found != b'A')
}

/// Whether everything is known of a type.
pub(crate) fn is_told(ty: &Ty) -> bool {
    told(ty).is_some()
}
