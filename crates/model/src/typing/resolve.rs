//! Which function or operator Postgres takes for a name and its arguments: its rules of resolution.

use super::kinds::{Key, Ty, cast_volatility, coerces, common, from_table, key};
use crate::types::*;
use specc_facts::{Context, Spelled, Variant, Volatility};

/// What a name and its arguments come to.
pub(crate) enum Outcome<'v> {
    /// This one, with this result.
    One(&'v Variant, Ty),
    /// Several are possible; the result where all agree.
    Several(Vec<&'v Variant>, Ty),
    /// None takes these arguments.
    None,
}

/// An argument as the rules see it.
#[derive(Clone, Copy)]
enum Arg {
    Opaque,
    Literal,
    Key(Key),
}

/// Finds the variant for `args`.
pub(crate) fn resolve<'v>(
    model: &Model,
    variants: impl Iterator<Item = &'v Variant>,
    args: &[Ty],
    operator: bool,
) -> Outcome<'v> {
    let seen: Vec<Arg> = args
        .iter()
        .map(|a| match a {
            Ty::Opaque => Arg::Opaque,
            Ty::Literal => Arg::Literal,
            Ty::Known(t) => match key(model, t) {
                Key::Other => Arg::Opaque,
                k => Arg::Key(k),
            },
        })
        .collect();
    let variants: Vec<&Variant> = variants.filter(|v| takes(v, args.len())).collect();
    let unsure = seen.iter().any(|a| matches!(a, Arg::Opaque));
    if !unsure && let Some(exact) = exact(&variants, &seen, operator) {
        return Outcome::One(exact, result(model, exact, args));
    }
    let mut fit: Vec<&Variant> = variants
        .into_iter()
        .filter(|v| seen.iter().enumerate().all(|(i, a)| fits(*a, param(v, i))) && consistent(model, v, args))
        .collect();
    if fit.is_empty() {
        return Outcome::None;
    }
    if fit.len() > 1 && !unsure {
        fit = narrow(fit, &seen);
    }
    if let [one] = fit[..] {
        let ty = result(model, one, args);
        return Outcome::One(one, ty);
    }
    let first = result(model, fit[0], args);
    let same = fit.iter().all(|v| result(model, v, args) == first);
    Outcome::Several(fit, if same { first } else { Ty::Opaque })
}

fn takes(v: &Variant, count: usize) -> bool {
    let most = v.args.len();
    count <= most && count + v.defaults >= most || v.variadic && count + 1 >= most
}

/// The type of the parameter for the argument at `i`.
fn param(v: &Variant, i: usize) -> Spelled {
    if v.variadic && !v.args.is_empty() && i + 1 >= v.args.len() {
        let last = v.args[v.args.len() - 1];
        return match last.name {
            "anyarray" => Spelled { name: "anyelement", array: false },
            "anycompatiblearray" => Spelled { name: "anycompatible", array: false },
            _ => Spelled { array: false, ..last },
        };
    }
    // beyond the last one only where nothing fits, and then anything does
    v.args.get(i).copied().unwrap_or(Spelled { name: "any", array: false })
}

/// The types of the parameters, one for each argument.
pub(crate) fn params(v: &Variant, count: usize) -> Vec<Spelled> {
    (0..count).map(|i| param(v, i)).collect()
}

fn exact<'v>(variants: &[&'v Variant], seen: &[Arg], operator: bool) -> Option<&'v Variant> {
    let mut keys: Vec<Option<Key>> = seen.iter().map(|a| if let Arg::Key(k) = a { Some(*k) } else { None }).collect();
    if operator && keys.len() == 2 {
        // A literal beside an operand has its type.
        let known = keys[0].or(keys[1]);
        keys = keys.iter().map(|k| k.or(known)).collect();
    }
    variants.iter().copied().find(|v| {
        !v.variadic && v.args.len() == keys.len() && keys.iter().zip(&v.args).all(|(k, p)| *k == Some(Key::Table(*p)))
    })
}

fn is_range(key: Key) -> Option<&'static str> {
    let info = key.info()?;
    (info.category == b'R').then_some(info.name)
}

/// Whether an argument can stand for a parameter.
fn fits(arg: Arg, param: Spelled) -> bool {
    let Arg::Key(key) = arg else { return true };
    match param.name {
        "any" | "anyelement" | "anycompatible" => true,
        "anyarray" | "anycompatiblearray" => key.is_array() || key.category() == b'A',
        "anynonarray" | "anycompatiblenonarray" => !key.is_array(),
        "anyenum" => matches!(key, Key::Enum(_, false)),
        "anyrange" | "anycompatiblerange" => is_range(key).is_some_and(|n| !n.contains("multirange")),
        "anymultirange" | "anycompatiblemultirange" => is_range(key).is_some_and(|n| n.contains("multirange")),
        "record" => match key {
            Key::Record(array) => array == param.array,
            _ => false,
        },
        _ => coerces(key, Key::Table(param), Context::Implicit),
    }
}

/// The element type that the `any…` parameters agree on.
fn bound(model: &Model, v: &Variant, args: &[Ty], family: &str) -> Result<Option<Ty>, ()> {
    let mut elements = Vec::new();
    for (i, arg) in args.iter().enumerate() {
        let param = param(v, i);
        let Some(kind) = param.name.strip_prefix(family) else { continue };
        let Ty::Known(ty) = arg else {
            if arg.is_opaque() {
                elements.push(Ty::Opaque);
            }
            continue;
        };
        let element = match kind {
            "array" => match key(model, ty) {
                Key::Other => Ty::Opaque,
                // `int2vector` and its like
                k if !k.is_array() => Ty::Opaque,
                _ => Ty::Known(Type { dims: 0, ..ty.clone() }),
            },
            "range" | "multirange" => match key(model, ty).info().and_then(|i| i.element).and_then(from_table) {
                Some(element) => Ty::Known(element),
                None => Ty::Opaque,
            },
            "element" | "" | "nonarray" | "enum" => Ty::Known(ty.clone()),
            _ => continue,
        };
        elements.push(element);
    }
    if elements.is_empty() {
        return Ok(None);
    }
    if elements.contains(&Ty::Opaque) {
        return Ok(Some(Ty::Opaque));
    }
    if family == "anycompatible" {
        return common(model, &elements).map(Some).map_err(|_| ());
    }
    let keys: Vec<Key> =
        elements.iter().filter_map(|e| if let Ty::Known(t) = e { Some(key(model, t)) } else { None }).collect();
    if keys.iter().all(|k| *k == keys[0]) { Ok(elements.into_iter().next()) } else { Err(()) }
}

/// Whether the `any…` parameters can all be one type.
fn consistent(model: &Model, v: &Variant, args: &[Ty]) -> bool {
    if !v.args.iter().any(|a| a.name.starts_with("any")) {
        return true;
    }
    // `anyelement` and `anycompatible` are separate families; the prefix of the first is shared by `any` alone.
    bound(model, v, args, "anycompatible").is_ok() && bound_simple(model, v, args).is_ok()
}

fn bound_simple(model: &Model, v: &Variant, args: &[Ty]) -> Result<Option<Ty>, ()> {
    if (0..args.len()).any(|i| param(v, i).name.starts_with("anycompatible")) {
        return Ok(None);
    }
    if (0..args.len()).any(|i| param(v, i).name == "any") {
        return Ok(None);
    }
    bound(model, v, args, "any")
}

/// What the variant gives back for these arguments.
pub(crate) fn result(model: &Model, v: &Variant, args: &[Ty]) -> Ty {
    let name = v.result.name;
    if !name.starts_with("any") {
        return from_table(v.result).map_or(Ty::Opaque, Ty::Known);
    }
    let family = if name.starts_with("anycompatible") { "anycompatible" } else { "any" };
    let element = match family {
        "any" => bound_simple(model, v, args),
        family => bound(model, v, args, family),
    };
    let Ok(Some(Ty::Known(element))) = element else { return Ty::Opaque };
    let kind = &name[family.len()..];
    match kind {
        "element" | "" | "nonarray" | "enum" => Ty::Known(element),
        "array" => Ty::Known(Type { dims: 1, args: Vec::new(), ..element }),
        // The range itself is among the arguments.
        _ => {
            let whole = args.iter().enumerate().find(|(i, _)| param(v, *i).name == name);
            whole.map_or(Ty::Opaque, |(_, a)| if *a == Ty::Literal { Ty::Opaque } else { a.clone() })
        }
    }
}

/// Postgres's rules for several that fit.
fn narrow<'v>(mut fit: Vec<&'v Variant>, seen: &[Arg]) -> Vec<&'v Variant> {
    let matches = |v: &Variant, preferred: bool| {
        let counts = |(i, a): (usize, &Arg)| match a {
            Arg::Key(k) => {
                let p = param(v, i);
                *k == Key::Table(p)
                    || preferred && Key::Table(p).category() == k.category() && Key::Table(p).preferred()
            }
            _ => false,
        };
        seen.iter().enumerate().filter(|(i, a)| counts((*i, a))).count()
    };
    for preferred in [false, true] {
        let best = fit.iter().map(|v| matches(v, preferred)).max().unwrap_or(0);
        fit.retain(|v| matches(v, preferred) == best);
        if fit.len() == 1 {
            return fit;
        }
    }
    let literals: Vec<usize> = (0..seen.len()).filter(|i| matches!(seen[*i], Arg::Literal)).collect();
    if literals.is_empty() {
        return fit;
    }
    let mut keep = fit.clone();
    let mut settled = true;
    for &i in &literals {
        let category = |v: &Variant| Key::Table(param(v, i)).category();
        let wanted = if fit.iter().any(|v| category(v) == b'S') {
            b'S'
        } else if fit.iter().all(|v| category(v) == category(fit[0])) {
            category(fit[0])
        } else {
            settled = false;
            break;
        };
        let preferred = fit.iter().any(|v| category(v) == wanted && Key::Table(param(v, i)).preferred());
        keep.retain(|v| category(v) == wanted && (!preferred || Key::Table(param(v, i)).preferred()));
    }
    if settled && !keep.is_empty() {
        fit = keep;
        if fit.len() == 1 {
            return fit;
        }
    }
    let known: Vec<Key> = seen.iter().filter_map(|a| if let Arg::Key(k) = a { Some(*k) } else { None }).collect();
    if let Some(first) = known.first()
        && known.iter().all(|k| k == first)
    {
        let one: Vec<&Variant> =
            fit.iter().copied().filter(|v| (0..seen.len()).all(|i| fits(Arg::Key(*first), param(v, i)))).collect();
        if one.len() == 1 {
            return one;
        }
    }
    fit
}

/// The type that a literal at `i` takes.
pub(crate) fn literal_type(model: &Model, v: &Variant, args: &[Ty], i: usize) -> Option<Type> {
    let param = param(v, i);
    if !param.name.starts_with("any") {
        return from_table(param);
    }
    let (family, kind) = match param.name.strip_prefix("anycompatible") {
        Some(kind) => ("anycompatible", kind),
        None => ("any", &param.name[3..]),
    };
    let element = match family {
        "any" => bound_simple(model, v, args),
        family => bound(model, v, args, family),
    };
    let Ok(Some(Ty::Known(element))) = element else { return None };
    match kind {
        "element" | "nonarray" | "enum" => Some(element),
        "" if family == "anycompatible" => Some(element),
        "array" => Some(Type { dims: 1, ..element }),
        _ => None,
    }
}

/// How volatile the variant is for these arguments: with the casts that it needs, and without those that it only might.
pub(crate) fn volatility(model: &Model, v: &Variant, args: &[Ty]) -> Volatility {
    let mut worst = v.volatility;
    for (i, arg) in args.iter().enumerate() {
        let Ty::Known(ty) = arg else { continue };
        let param = param(v, i);
        let cast = match param.name {
            // `text || x` writes x as text
            "anynonarray" if v.result.name == "text" => {
                cast_volatility(key(model, ty), Key::Table(Spelled { name: "text", array: false }))
            }
            name if name.starts_with("any") || name == "record" => Volatility::Immutable,
            _ => cast_volatility(key(model, ty), Key::Table(param)),
        };
        if worst == Volatility::Immutable {
            worst = cast;
        }
    }
    worst
}
