//! How a value of one type becomes one of another: by a cast that Postgres has, or in PL/pgSQL by way of text.

use crate::Problem;
use crate::scope::Ty;
use crate::text::Part;
use crate::walk::Walk;
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_expr::sqlparser::ast::{Expr, Spanned};
use specc_expr::sqlparser::tokenizer::Span;
use specc_facts::{Context, Family, Spelled};

/// What a type is to Postgres, without domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of Postgres's own.
    Own(&'static str),
    /// By its schema and its name.
    Enum(SmolStr, SmolStr),
    /// A row of a relation, or a composite type.
    Row(SmolStr, SmolStr),
}

/// A kind, and whether it is an array of them.
pub(crate) type Whole = (Kind, bool);

/// How deep domains are followed.
const DEEP: usize = 32;

fn category(kind: &Kind) -> u8 {
    match kind {
        Kind::Own(name) => specc_facts::type_info(name).map_or(b'U', |info| info.category),
        Kind::Enum(..) => b'E',
        Kind::Row(..) => b'C',
    }
}

fn is_text(whole: &Whole) -> bool {
    !whole.1 && category(&whole.0) == b'S'
}

impl Walk<'_> {
    /// What a type is; none where not everything is known of it.
    pub(crate) fn kind(&self, ty: &DataType) -> Option<Whole> {
        let mut ty = ty.clone();
        let mut array = false;
        for _ in 0..DEEP {
            array |= ty.dims > 0;
            if ty.schema.is_empty() {
                let info = specc_facts::type_info(&ty.name).filter(|info| info.extension == "-")?;
                // These are arrays by another name.
                let other = matches!(info.name, "oidvector" | "int2vector") || specc_facts::is_pseudo_type(info.name);
                return (!other).then_some((Kind::Own(info.name), array));
            }
            if let Some(base) = self.env.domain(&ty.schema, &ty.name) {
                ty = base;
                continue;
            }
            self.env.data_type(&ty.schema, &ty.name).found()?;
            if self.env.labels(&ty.schema, &ty.name).is_some() {
                return Some((Kind::Enum(ty.schema, ty.name), array));
            }
            self.env.fields(&ty.schema, &ty.name)?;
            return Some((Kind::Row(ty.schema, ty.name), array));
        }
        None
    }

    /// Whether Postgres takes a value of one type where the other is wanted; true where that cannot be known.
    pub(crate) fn coerces(&self, from: &DataType, to: &DataType, context: Context) -> bool {
        let (Some(from), Some(to)) = (self.kind(from), self.kind(to)) else { return true };
        from == to || self.env.may_have_operators() || becomes(&from, &to, context)
    }

    /// Whether PL/pgSQL, which makes a value another by way of text where there is no cast, surely cannot.
    fn never_becomes(&self, from: &DataType, to: &DataType) -> bool {
        let (Some(from), Some(to)) = (self.kind(from), self.kind(to)) else { return false };
        if from == to || self.env.may_have_operators() || becomes(&from, &to, Context::Assignment) || is_text(&from) {
            return false;
        }
        let family = |kind: &Kind| match kind {
            Kind::Own(name) => Some(specc_facts::family(name)),
            Kind::Enum(..) | Kind::Row(..) => None,
        };
        let (a, b) = (family(&from.0), family(&to.0));
        let counts = |family: Option<Family>| family.is_some_and(Family::is_number);
        // The texts of these begin with a digit, a sign or a letter, and never with a bracket.
        let plain = |family: Option<Family>| {
            counts(family)
                || matches!(
                    family,
                    Some(Family::Boolean | Family::Moment | Family::Time | Family::Interval | Family::Uuid)
                )
        };
        match (from.1, to.1) {
            (true, false) => plain(b),
            (false, true) => plain(a),
            (true, true) => false,
            (false, false) if matches!(from.0, Kind::Row(..)) => plain(b),
            (false, false) if matches!(to.0, Kind::Row(..)) => plain(a),
            _ => match a {
                Some(Family::Boolean) => counts(b) || matches!(b, Some(Family::Uuid | Family::Interval)),
                Some(Family::Moment | Family::Time) => counts(b) || matches!(b, Some(Family::Uuid | Family::Boolean)),
                Some(Family::Interval) => counts(b) || matches!(b, Some(Family::Uuid | Family::Boolean)),
                Some(Family::Uuid) => counts(b) || b == Some(Family::Boolean),
                Some(Family::Integer) => b == Some(Family::Uuid),
                _ => false,
            },
        }
    }

    /// Says where a value cannot be stored in what has another type.
    pub(crate) fn stored(&mut self, part: &Part<'_>, expr: &Expr, given: &Ty, wanted: &Ty, what: &str) {
        self.stored_at(part, expr.span(), given, wanted, what);
    }

    pub(crate) fn stored_at(&mut self, part: &Part<'_>, area: Span, given: &Ty, wanted: &Ty, what: &str) {
        let (Some(given), Some(wanted)) = (given, wanted) else { return };
        if !self.coerces(given, wanted, Context::Assignment) {
            let message = format!("{what} is of type `{wanted}`, and the value is `{given}`");
            self.report_at(part, area, Problem::Types, message, Some(self.way_to(given, wanted)));
        }
    }

    /// How a value of one type is made one of another.
    fn way_to(&self, given: &DataType, wanted: &DataType) -> String {
        if self.coerces(given, wanted, Context::Explicit) {
            format!("cast it: `…::{wanted}`")
        } else {
            format!("give a value of type `{wanted}`")
        }
    }

    /// Says where a value cannot be put into a variable, or returned.
    pub(crate) fn put_into(&mut self, place: (usize, usize), given: &Ty, wanted: &Ty) {
        let (Some(given), Some(wanted)) = (given, wanted) else { return };
        if self.never_becomes(given, wanted) {
            let message = format!("a value of type `{given}` never becomes one of type `{wanted}`");
            let help = format!("give a value of type `{wanted}`");
            self.report(place, Problem::Types, message, Some(help));
        }
    }

    /// Says where there is no cast from one type to the other.
    pub(crate) fn cast_to(&mut self, part: &Part<'_>, expr: &Expr, given: &Ty, wanted: &Ty) {
        let (Some(given), Some(wanted)) = (given, wanted) else { return };
        if !self.coerces(given, wanted, Context::Explicit) {
            let message = format!("a value of type `{given}` cannot be cast to `{wanted}`");
            let help = "cast what it is computed from, or by way of text: `…::text::…`".to_owned();
            self.report_at(part, expr.span(), Problem::Types, message, Some(help));
        }
    }
}

/// Whether a value of one kind becomes one of the other.
fn becomes(from: &Whole, to: &Whole, context: Context) -> bool {
    if from == to {
        return true;
    }
    // By way of text: to text where it is stored, from text where a cast is written.
    let through_text = context >= Context::Assignment && is_text(to) || context == Context::Explicit && is_text(from);
    if through_text {
        return true;
    }
    if let (Kind::Own(a), Kind::Own(b)) = (&from.0, &to.0)
        && let Some(cast) = specc_facts::cast(Spelled { name: a, array: from.1 }, Spelled { name: b, array: to.1 })
    {
        return cast.context <= context;
    }
    from.1 && to.1 && becomes(&(from.0.clone(), false), &(to.0.clone(), false), context)
}
