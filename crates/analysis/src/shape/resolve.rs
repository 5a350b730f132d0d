//! Which variant of a function or operator is meant, and what it gives.

use super::types::{builtin, is_literal};
use specc_catalog::DataType;
use specc_facts::{Context, Family, Spelled, Variant};

/// What is chosen among.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Call,
    Operator,
}

/// How well a value fits a parameter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It becomes the type.
    Cast,
    /// Its type is not known, or the parameter takes any.
    Open,
    /// It becomes a type that many become.
    Preferred,
    /// It is of the type.
    Exact,
}

/// What the variant that Postgres would take gives; none where that is not known.
pub(super) fn choose(variants: &[Variant], types: &[Option<DataType>], choice: Choice) -> Option<DataType> {
    // A literal beside a value is first taken for one of its type.
    if choice == Choice::Operator
        && let [Some(a), Some(b)] = types
        && is_literal(a) != is_literal(b)
    {
        let ty = if is_literal(a) { b } else { a };
        let both = [Some(ty.clone()), Some(ty.clone())];
        if let Some(exact) =
            variants.iter().find(|v| fits(v, &both).is_some_and(|all| all.iter().all(|f| *f == Fit::Exact)))
        {
            return result(exact, &both);
        }
    }
    let mut fitting: Vec<(Vec<Fit>, &Variant)> =
        variants.iter().filter_map(|variant| Some((fits(variant, types)?, variant))).collect();
    for least in [Fit::Exact, Fit::Preferred] {
        let count = |fits: &[Fit]| fits.iter().filter(|fit| **fit >= least).count();
        let most = fitting.iter().map(|(fits, _)| count(fits)).max()?;
        fitting.retain(|(fits, _)| count(fits) == most);
    }
    // Among equals, literals are text.
    let text = |variant: &&Variant| {
        let literals = types.iter().zip(&variant.args).filter(|(ty, _)| ty.as_ref().is_some_and(is_literal));
        literals.clone().count() > 0 && literals.into_iter().all(|(_, arg)| arg.name == "text" && !arg.array)
    };
    let meant = fitting.iter().map(|(_, variant)| *variant).find(text).or(fitting.first().map(|(_, v)| *v))?;
    result(meant, types)
}

/// How each argument fits; none where one does not, or where there are too many or too few.
fn fits(variant: &Variant, types: &[Option<DataType>]) -> Option<Vec<Fit>> {
    let (count, most) = (types.len(), variant.args.len());
    if count > most && !variant.variadic || count + variant.defaults + usize::from(variant.variadic) < most {
        return None;
    }
    let last = variant.args.last();
    let args = variant.args.iter().chain(std::iter::repeat_with(|| last).flatten().take(count));
    types.iter().zip(args).map(|(ty, arg)| fit(ty.as_ref(), *arg, variant.variadic)).collect()
}

fn fit(ty: Option<&DataType>, arg: Spelled, variadic: bool) -> Option<Fit> {
    let Some(ty) = ty else { return Some(Fit::Open) };
    if specc_facts::is_pseudo_type(arg.name) {
        let family = specc_facts::family(&ty.name);
        let fits = match arg.name {
            name if name.ends_with("nonarray") => ty.dims == 0,
            name if name.ends_with("array") => ty.dims > 0,
            name if name.ends_with("multirange") => family == Family::Multirange,
            name if name.ends_with("range") => family == Family::Range,
            name if name.ends_with("enum") => !ty.schema.is_empty(),
            _ => true,
        };
        return (is_literal(ty) || fits || variadic).then_some(Fit::Open);
    }
    if is_literal(ty) {
        return Some(Fit::Open);
    }
    let array = ty.dims > 0;
    if !ty.schema.is_empty() && specc_facts::type_info(&ty.name).is_none() {
        return None;
    }
    if ty.name == arg.name && array == arg.array {
        return Some(Fit::Exact);
    }
    let info = specc_facts::type_info(&ty.name)?;
    let cast = specc_facts::cast(Spelled { name: info.name, array }, arg)?;
    let preferred = specc_facts::type_info(arg.name).is_some_and(|info| info.preferred);
    (cast.context == Context::Implicit).then_some(if preferred { Fit::Preferred } else { Fit::Cast })
}

/// What a variant gives, with what its arguments stand for.
fn result(variant: &Variant, types: &[Option<DataType>]) -> Option<DataType> {
    let result = variant.result;
    if !result.name.starts_with("any") {
        return Some(DataType { dims: u8::from(result.array), ..DataType::builtin(result.name) });
    }
    let mut element: Option<DataType> = None;
    for (arg, ty) in variant.args.iter().zip(types) {
        let Some(ty) = ty.as_ref().filter(|ty| arg.name.starts_with("any") && !is_literal(ty)) else { continue };
        let found = match arg.name.ends_with("array") && !arg.name.ends_with("nonarray") {
            true => DataType { dims: ty.dims.saturating_sub(1), ..ty.clone() },
            false => ty.clone(),
        };
        element = Some(match element {
            Some(before) if arg.name.starts_with("anycompatible") => wider(before, found),
            Some(before) => before,
            None => found,
        });
    }
    let element = element.or_else(|| builtin("text"))?;
    Some(match result.name.ends_with("array") && !result.name.ends_with("nonarray") {
        true => DataType { dims: 1, args: Vec::new(), ..element },
        false => element,
    })
}

/// The one of two types that the other becomes by itself; the first where neither does.
pub(super) fn wider(a: DataType, b: DataType) -> DataType {
    let spelled =
        |ty: &DataType| specc_facts::type_info(&ty.name).map(|info| Spelled { name: info.name, array: ty.dims > 0 });
    let becomes = |from: &DataType, to: &DataType| match (spelled(from), spelled(to)) {
        (Some(from), Some(to)) => specc_facts::cast(from, to).is_some_and(|cast| cast.context == Context::Implicit),
        _ => false,
    };
    let preferred = specc_facts::type_info(&a.name).is_some_and(|info| info.preferred);
    if !preferred && becomes(&a, &b) && !becomes(&b, &a) || preferred && !becomes(&b, &a) && becomes(&a, &b) {
        b
    } else {
        a
    }
}
