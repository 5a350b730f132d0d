//! What the passes share: where each declared name leads, and how to say that one leads nowhere.

use super::names;
use crate::types::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{LONGEST_NAME, clip};
use specc_diag::{Code, Diagnostic, FileId, Span, codes, nearest};
use specc_syntax::ast;
use std::sync::OnceLock;
use unicode_normalization::UnicodeNormalization;
use unicode_security::{MixedScript, confusable_detection::skeleton};

/// A mixin and the item that declares it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MixinAt<'a> {
    pub decl: &'a ast::MixinDecl,
}

/// Where each name leads.
#[derive(Debug)]
pub(crate) struct Project<'a> {
    pub options: &'a Options,
    /// By file: the stem of its name.
    pub areas: Vec<SmolStr>,
    /// Files from this one on are ours.
    pub shipped: FileId,
    pub schemas: FxHashSet<SmolStr>,
    /// Name and schema, if given.
    pub extensions: FxHashMap<SmolStr, Option<SmolStr>>,
    pub types: FxHashMap<Qualified, Base>,
    /// Those of `types` that exist already, and may take arguments.
    pub external_types: FxHashSet<Qualified>,
    /// Relations: entities, views, sequences, and tables and views of `sql` blocks.
    pub relations: FxHashMap<Qualified, Object>,
    pub functions: FxHashMap<Qualified, Vec<usize>>,
    /// Functions of `sql` blocks.
    pub provided_functions: FxHashMap<Qualified, usize>,
    pub sql_blocks: FxHashMap<SmolStr, usize>,
    /// What blocks of SQL say.
    pub block_texts: Vec<&'a str>,
    pub roles: FxHashSet<SmolStr>,
    pub mixins: FxHashMap<SmolStr, MixinAt<'a>>,
    /// Names that authors give to indexes and constraints.
    pub indexes: FxHashSet<SmolStr>,
    /// See [`Project::spelled`].
    pub spelled: OnceLock<Vec<(String, Object)>>,
}

impl<'a> Project<'a> {
    /// The name with its schema.
    pub(crate) fn qualified(&self, name: &ast::QName) -> Qualified {
        Qualified {
            schema: name.schema.as_ref().map_or_else(|| self.options.default_schema.clone(), |s| s.text.clone()),
            name: name.name.text.clone(),
        }
    }

    /// Whether the place is in a file that the author did not write.
    pub(crate) fn is_shipped(&self, span: Span) -> bool {
        span.file >= self.shipped
    }

    /// The group of what is declared at `span`.
    pub(crate) fn area(&self, span: Span) -> SmolStr {
        self.areas.get(span.file.0 as usize).cloned().unwrap_or_default()
    }

    pub(crate) fn meta(&self, doc: &ast::Doc, name: &ast::Name, was: Option<&ast::Name>) -> Meta {
        let was = was.map(|name| name.text.clone());
        Meta { doc: doc.clone(), area: self.area(name.at.0), span: name.at.0, was, was_in: None }
    }

    /// Of what lives in a schema.
    pub(crate) fn meta_in(&self, doc: &ast::Doc, name: &ast::QName, was: Option<&ast::QName>) -> Meta {
        let was_in = was.and_then(|was| was.schema.as_ref()).map(|schema| schema.text.clone());
        Meta { was_in, ..self.meta(doc, &name.name, was.map(|was| &was.name)) }
    }

    /// How the author would write the name.
    pub(crate) fn spell(&self, name: &Qualified) -> String {
        if name.schema == self.options.default_schema {
            names::quoted(&name.name).to_string()
        } else {
            format!("{}.{}", names::quoted(&name.schema), names::quoted(&name.name))
        }
    }

    /// Whether objects can live in the schema.
    pub(crate) fn knows_schema(&self, schema: &str) -> bool {
        schema == self.options.default_schema
            || schema == self.options.helper_schema
            || schema == "public"
            || specc_facts::is_system_schema(schema)
            || self.schemas.contains(schema)
    }

    /// Reports a schema that is not declared.
    pub(crate) fn check_schema(&self, name: &ast::QName, out: &mut Vec<Diagnostic>) {
        if let Some(schema) = &name.schema {
            self.check_schema_name(schema, out);
        }
    }

    pub(crate) fn check_schema_name(&self, schema: &ast::Name, out: &mut Vec<Diagnostic>) {
        if self.knows_schema(&schema.text) {
            return;
        }
        let near = nearest(&schema.text, sorted(self.schemas.iter().map(SmolStr::as_str)));
        let help = match near {
            Some(near) => format!("did you mean `{near}`? Or declare it: `schema {}`", schema.text),
            None => format!("declare it: `schema {}`", schema.text),
        };
        let message = format!("unknown schema `{}`", schema.text);
        out.push(Diagnostic::new(codes::UNKNOWN_SCHEMA, schema.at.0, message).help(help));
    }

    /// The entity that `name` leads to.
    pub(crate) fn entity(&self, name: &ast::QName, out: &mut Vec<Diagnostic>) -> Option<EntityId> {
        match self.relations.get(&self.qualified(name)) {
            Some(Object::Entity(id)) => Some(*id),
            Some(Object::View(_)) => {
                let message = format!("`{}` is a view, and an entity is needed here", show(name));
                let help = "name the entity that the view reads";
                out.push(Diagnostic::new(codes::UNKNOWN_ENTITY, name.span(), message).help(help));
                None
            }
            _ => {
                let message = format!("unknown entity `{}`", show(name));
                let help = self.suggest_relation(name, |o| matches!(o, Object::Entity(_)));
                let help = help.unwrap_or_else(|| format!("declare it: `entity {} {{ … }}`", show(name)));
                out.push(Diagnostic::new(codes::UNKNOWN_ENTITY, name.span(), message).help(help));
                None
            }
        }
    }

    /// The relations as the author would write them, when all are known: each wrong name is set against them.
    pub(crate) fn spelled(&self) -> &[(String, Object)] {
        let spell = || self.relations.iter().map(|(name, object)| (self.spell(name), object.clone())).collect();
        self.spelled.get_or_init(spell)
    }

    /// A relation with a similar name, or with the same name in another schema.
    pub(crate) fn suggest_relation(&self, name: &ast::QName, fits: impl Fn(&Object) -> bool) -> Option<String> {
        let wanted = self.qualified(name);
        let known = || self.relations.iter().filter(|(_, o)| fits(o)).map(|(n, _)| n);
        let elsewhere = known().filter(|n| n.name == wanted.name).min();
        let fitting = self.spelled().iter().filter(|(_, o)| fits(o)).map(|(word, _)| word.as_str());
        let near = match elsewhere {
            Some(found) => Some(self.spell(found)),
            None => nearest(&show(name), fitting).map(str::to_owned),
        };
        near.map(|near| format!("did you mean `{near}`?"))
    }

    /// Reports a role that is not declared.
    pub(crate) fn check_role(&self, role: &ast::Name, out: &mut Vec<Diagnostic>) {
        let known = |name: &str| self.roles.contains(name) || specc_facts::ROLE_WORDS.contains(&name);
        if known(&role.text) || role.text.starts_with("pg_") {
            return;
        }
        let near = nearest(&role.text, sorted(self.roles.iter().map(SmolStr::as_str)));
        let help = match near {
            Some(near) => format!("did you mean `{near}`? Or declare it: `role {}`", role.text),
            None => format!("declare it: `role {0}`, or `external role {0}` if it exists already", role.text),
        };
        let message = format!("unknown role `{}`", role.text);
        out.push(Diagnostic::new(codes::UNKNOWN_ROLE, role.at.0, message).help(help));
    }

    /// The texts of `roles`, unknown ones reported.
    pub(crate) fn roles(&self, roles: &[ast::Name], out: &mut Vec<Diagnostic>) -> Vec<SmolStr> {
        roles
            .iter()
            .map(|r| {
                self.check_role(r, out);
                r.text.clone()
            })
            .collect()
    }

    /// Whether something that is not read may make an object of this name: a block of SQL, or an extension.
    pub(crate) fn may_make(&self, name: &str) -> bool {
        let known = self.extensions.keys().all(|extension| specc_facts::is_known_extension(extension));
        !known || self.block_texts.iter().any(|text| text.contains(name))
    }

    /// The collation that a name means; says so where there is none.
    pub(crate) fn collation(&self, name: &ast::QName, out: &mut Vec<Diagnostic>) -> Qualified {
        let found = self.bare(name);
        let own = found.schema.is_empty() || found.schema == "pg_catalog";
        if own && !specc_facts::may_be_collation(&found.name) && !self.may_make(&found.name) {
            let message = format!("there is no collation `{}`", found.name);
            let help = match specc_facts::may_be_collation(&found.name.to_uppercase()) {
                true => format!("write `collate \"{}\"`", found.name.to_uppercase()),
                false => "write one that there is, such as `\"C\"` or `\"de-x-icu\"`".to_owned(),
            };
            out.push(Diagnostic::new(codes::UNKNOWN_WORD, name.span(), message).help(help));
        }
        found
    }

    /// The collation's name, with a schema only where one is written.
    pub(crate) fn bare(&self, name: &ast::QName) -> Qualified {
        Qualified {
            schema: name.schema.as_ref().map(|s| s.text.clone()).unwrap_or_default(),
            name: name.name.text.clone(),
        }
    }
}

/// The name as written.
pub(crate) fn show(name: &ast::QName) -> String {
    match &name.schema {
        Some(schema) => format!("{}.{}", schema.text, name.name.text),
        None => name.name.text.to_string(),
    }
}

/// In order, so that suggestions do not depend on a hash.
pub(crate) fn sorted<'s>(words: impl Iterator<Item = &'s str>) -> Vec<&'s str> {
    let mut words: Vec<_> = words.collect();
    words.sort_unstable();
    words
}

/// Reports names that Postgres would cut, and names that are read as others.
pub(crate) fn check_name(name: &ast::Name, out: &mut Vec<Diagnostic>) {
    if let Some(hidden) = name.text.chars().find(|c| is_hidden(*c)) {
        let shown: String = name.text.chars().filter(|c| !is_hidden(*c)).collect();
        let message = format!("this name has the character U+{:04X}, which nobody sees", u32::from(hidden));
        out.push(Diagnostic::new(codes::HIDDEN_CHARACTER, name.at.0, message).help(format!("write `{shown}`")));
    } else {
        lookalike(name, out);
    }
    if name.text.len() > LONGEST_NAME {
        let message = format!("`{}` is {} bytes long", name.text, name.text.len());
        let short = clip(&name.text, LONGEST_NAME).trim_end_matches('_');
        let help = format!("use at most {LONGEST_NAME} bytes, such as `{short}`");
        out.push(Diagnostic::new(codes::NAME_TOO_LONG, name.at.0, message).help(help));
    }
}

/// Reports letters that look like others: two such names are two things to Postgres.
fn lookalike(name: &ast::Name, out: &mut Vec<Diagnostic>) {
    let text = name.text.as_str();
    if text.is_ascii() {
        return;
    }
    let (message, help) = if !unicode_normalization::is_nfc(text) {
        let composed: String = text.nfc().collect();
        let message = format!("`{text}` has a letter and its mark as two characters");
        (
            message,
            format!("write `{composed}`, where they are one: that is another name to Postgres, and looks the same"),
        )
    } else {
        let plain: String = skeleton(text).collect();
        let reads = plain.is_ascii().then(|| format!("write `{plain}`, if that is what it should say"));
        match (reads, text.is_single_script()) {
            (Some(help), _) => (format!("`{text}` is read as `{plain}`, and has other letters"), help),
            (None, false) => {
                let message = format!("`{text}` mixes letters of different scripts, which may look alike");
                (message, "write the name in one script".to_owned())
            }
            (None, true) => return,
        }
    };
    out.push(Diagnostic::new(codes::LOOKALIKE_NAME, name.at.0, message).help(help));
}

/// Characters without a width, and those that change the direction of what follows. Joiners are parts of words in some scripts.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}')
}

/// Names seen, with their places: reports the second of a kind.
#[derive(Debug, Default)]
pub(crate) struct Seen<K> {
    map: FxHashMap<K, Span>,
}

impl<K: std::hash::Hash + Eq> Seen<K> {
    pub(crate) fn new() -> Self {
        Self { map: FxHashMap::default() }
    }

    /// Takes the name; false and a finding if it is taken already.
    pub(crate) fn add(
        &mut self,
        key: K,
        span: Span,
        code: Code,
        message: impl FnOnce() -> (String, String),
        out: &mut Vec<Diagnostic>,
    ) -> bool {
        match self.map.entry(key) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(span);
                true
            }
            std::collections::hash_map::Entry::Occupied(first) => {
                let (text, help) = message();
                let found = Diagnostic::new(code, span, text).label("again here");
                out.push(found.also(*first.get(), "first here").help(help));
                false
            }
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<Span> {
        self.map.get(key).copied()
    }
}
