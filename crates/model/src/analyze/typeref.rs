//! Types as written to types of the model.

use super::project::{Project, show, sorted};
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, codes, nearest_by};
use specc_facts::{Family, Modifiers};
use specc_syntax::ast::TypeRef;

/// A type of which nothing is known.
pub(crate) fn unknown() -> Type {
    Type { base: Base::Unknown, args: Vec::new(), dims: 0 }
}

/// A built-in type without arguments.
pub(crate) fn plain(name: &str) -> Type {
    Type { base: Base::Builtin(name.into()), args: Vec::new(), dims: 0 }
}

/// What Postgres allows an array.
const MAX_DIMS: u8 = 6;

impl Project<'_> {
    /// The type that is written; findings go to `out` and give an unknown type.
    pub(crate) fn resolve_type(&self, written: &TypeRef, out: &mut Vec<Diagnostic>) -> Type {
        let mut args = written.args.clone();
        let base = self.base(written, &mut args, out).unwrap_or(Base::Unknown);
        if base == Base::Unknown {
            args.clear();
        }
        if written.dims > MAX_DIMS {
            let message = format!("an array has no more than {MAX_DIMS} dimensions, and this one has {}", written.dims);
            let found = Diagnostic::new(codes::BAD_TYPE_ARGUMENT, written.at.0, message);
            out.push(found.help(format!("write `{}[]`, which takes arrays of any shape", show(&written.name))));
        }
        Type { base, args, dims: written.dims.min(MAX_DIMS) }
    }

    fn base(&self, written: &TypeRef, args: &mut Vec<i64>, out: &mut Vec<Diagnostic>) -> Option<Base> {
        let name = &written.name.name.text;
        // A table called like a type of Postgres hides it as little as it does in SQL: its rows are `public.date`.
        let hidden = |base: &&Base| {
            let bare = written.name.schema.is_none() && specc_facts::canonical_type(name).is_some();
            !bare || matches!(base, Base::Enum(_) | Base::Domain(_) | Base::Composite(_))
        };
        let declared = self.types.get(&self.qualified(&written.name)).filter(hidden);
        if let Some(base) = declared {
            if !args.is_empty() && !self.external_types.contains(&self.qualified(&written.name)) {
                let message = format!("type `{}` takes no arguments", show(&written.name));
                let found = Diagnostic::new(codes::BAD_TYPE_ARGUMENT, written.at.0, message);
                out.push(found.help(format!("write `{}`", show(&written.name))));
                args.clear();
            }
            return Some(base.clone());
        }
        let builtin_schema = written.name.schema.as_ref().is_none_or(|s| s.text == "pg_catalog");
        if builtin_schema && let Some(found) = specc_facts::canonical_type(name) {
            return Some(Base::Builtin(self.arguments(written, found, args, out)));
        }
        if let Some(extension) = specc_facts::extension_of_type(name) {
            let schema = self.extensions.get(extension);
            let Some(schema) = schema else {
                let message = format!("type `{name}` comes from the extension `{extension}`, which is not declared");
                let help = format!("add `extension {extension}` to one of the files");
                out.push(Diagnostic::new(codes::UNKNOWN_EXTENSION, written.at.0, message).help(help));
                return None;
            };
            self.arguments(written, name, args, out);
            let written_schema = written.name.schema.as_ref().map(|s| s.text.clone());
            let schema = written_schema.or_else(|| schema.clone()).unwrap_or_default();
            return Some(Base::Named(Qualified { schema, name: name.clone() }));
        }
        // A row of one of Postgres's own catalogs.
        if builtin_schema && name.starts_with("pg_") && args.is_empty() {
            return Some(Base::Named(Qualified { schema: SmolStr::default(), name: name.clone() }));
        }
        self.unknown_type(written, out);
        None
    }

    fn unknown_type(&self, written: &TypeRef, out: &mut Vec<Diagnostic>) {
        let name = written.name.name.text.as_str();
        let help = if let Some(counter) = specc_facts::serial_type(name) {
            format!("write `{counter} identity`; an identity column counts by itself")
        } else if specc_facts::is_pseudo_type(name) {
            format!("`{name}` is for what a function takes or gives back; choose a type that can be stored")
        } else if matches!(name, "string" | "str" | "String") {
            "did you mean `text`?".to_owned()
        } else if matches!(name, "datetime" | "DateTime") {
            "did you mean `timestamptz`?".to_owned()
        } else {
            let wanted = self.qualified(&written.name);
            let elsewhere = self.types.keys().filter(|n| n.name == wanted.name).min();
            let spelled: Vec<String> = self.types.keys().map(|n| self.spell(n)).collect();
            let mut words: Vec<&str> = sorted(spelled.iter().map(String::as_str));
            specc_facts::type_spellings().for_each(|name| words.push(name));
            let near = elsewhere.map(|n| self.spell(n));
            let near = near.or_else(|| {
                // a type of the spec is meant before any of Postgres
                let rank = |word: &str| (!spelled.iter().any(|own| own == word), specc_facts::type_rank(word));
                nearest_by(&show(&written.name), words, rank).map(str::to_owned)
            });
            match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it, for instance `enum {name} {{ … }}` or `domain {name}: text`"),
            }
        };
        let message = format!("unknown type `{}`", show(&written.name));
        out.push(Diagnostic::new(codes::UNKNOWN_TYPE, written.at.0, message).help(help));
    }

    /// Checks the arguments of a type and gives back its name: `float(24)` is `real`.
    fn arguments(&self, written: &TypeRef, name: &str, args: &mut Vec<i64>, out: &mut Vec<Diagnostic>) -> SmolStr {
        if args.is_empty() {
            return name.into();
        }
        let mut bad = |message: String, help: String| {
            out.push(Diagnostic::new(codes::BAD_TYPE_ARGUMENT, written.at.0, message).help(help));
        };
        if written.name.name.text == "float" {
            let bits = args[0];
            args.clear();
            if !(1..=53).contains(&bits) {
                bad(format!("`float({bits})` is not between 1 and 53"), "write `double precision`".to_owned());
            }
            return if bits <= 24 { "real".into() } else { name.into() };
        }
        let Some(Modifiers { most, low, high }) = specc_facts::modifiers(name) else {
            bad(format!("type `{name}` takes no arguments"), format!("write `{name}`"));
            args.clear();
            return name.into();
        };
        if args.len() > most {
            bad(
                format!("type `{name}` takes at most {most} and gets {}", args.len()),
                format!("write `{name}({})`", args[0]),
            );
            args.truncate(most);
        } else if !(low..=high).contains(&args[0]) {
            let near = args[0].clamp(low, high);
            bad(
                format!("`{name}({})` is not between {low} and {high}", args[0]),
                format!("write `{name}({near})`, or `{name}` without a limit"),
            );
            args.clear();
        } else if let Some(scale) = args.get(1)
            && !(-1000..=1000).contains(scale)
        {
            bad(format!("the scale {scale} is not between -1000 and 1000"), format!("write `{name}({}, 0)`", args[0]));
            args.clear();
        }
        name.into()
    }

    /// The type in the author's words.
    pub(crate) fn describe(&self, model: &Model, ty: &Type) -> String {
        let mut text = match &ty.base {
            Base::Builtin(name) => name.to_string(),
            Base::Enum(id) => self.spell(&model.enums[id.0 as usize].name),
            Base::Domain(id) => self.spell(&model.domains[id.0 as usize].name),
            Base::Composite(id) => self.spell(&model.composites[id.0 as usize].name),
            Base::Row(id) => self.spell(&model.entity(*id).name),
            Base::Named(name) if name.schema.is_empty() => name.name.to_string(),
            Base::Named(name) => self.spell(name),
            Base::Unknown => "unknown".to_owned(),
        };
        if !ty.args.is_empty() {
            let args: Vec<String> = ty.args.iter().map(i64::to_string).collect();
            text.push_str(&format!("({})", args.join(", ")));
        }
        for _ in 0..ty.dims {
            text.push_str("[]");
        }
        text
    }
}

/// So many domains are looked through: one that is over itself has no end.
const DEEPEST: usize = 32;

impl Model {
    /// The domains that a type is, from the outermost on, and the type below them.
    pub(crate) fn domains_of<'m>(&'m self, mut ty: &'m Type) -> (Vec<&'m Domain>, &'m Type) {
        let mut domains = Vec::new();
        while let (Base::Domain(id), 0) = (&ty.base, ty.dims)
            && domains.len() < DEEPEST
        {
            let domain = &self.domains[id.0 as usize];
            domains.push(domain);
            ty = &domain.base;
        }
        (domains, ty)
    }

    /// The type without its domains.
    pub fn under(&self, ty: &Type) -> Type {
        let mut ty = ty.clone();
        for _ in 0..DEEPEST {
            let Base::Domain(id) = ty.base else { break };
            let Some(domain) = self.domains.get(id.0 as usize) else { break };
            let dims = ty.dims + domain.base.dims;
            ty = domain.base.clone();
            ty.dims = dims;
        }
        ty
    }

    /// Whether the type is text of some kind (without `[]`).
    pub(crate) fn is_text(&self, ty: &Type) -> bool {
        let ty = self.under(ty);
        ty.dims == 0
            && match &ty.base {
                Base::Builtin(name) => specc_facts::family(name) == Family::Text,
                Base::Named(name) => specc_facts::family(&name.name) == Family::Text,
                Base::Unknown => true,
                _ => false,
            }
    }

    /// Whether a foreign key of one type can refer to a key of the other.
    pub(crate) fn refers(&self, from: &Type, key: &Type) -> bool {
        let (a, b) = (self.under(from), self.under(key));
        let builtin =
            |a: &Base, b: &Base| matches!((a, b), (Base::Builtin(a), Base::Builtin(b)) if specc_facts::refers(a, b));
        a.base == Base::Unknown
            || b.base == Base::Unknown
            || a.dims == b.dims && (a.base == b.base || a.dims == 0 && builtin(&a.base, &b.base))
    }
}
